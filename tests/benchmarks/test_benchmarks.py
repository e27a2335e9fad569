"""The benchmarks run, on little: what they say is read by people, not tested here."""

from importlib.util import find_spec

from tests.benchmarks.measures import Sizes, all_rows, bundle


def test_every_measure_runs() -> None:
    rows = all_rows(Sizes(rounds=1, calls=2, starts=1, small=4, large=8, stream=250, tests=3))
    cluster = ["cluster"] if find_spec("distributed") else []
    measured = ["warm", "cold", "cold", "scaling", "stream", "stream", *cluster, "acceptance"]
    assert [row.name.partition(":")[0] for row in rows] == measured
    assert all(row.value and row.detail for row in rows)


def test_bundle_holds_references_between_its_entries() -> None:
    entries = bundle(6)["entry"]
    urls = {entry["fullUrl"] for entry in entries}
    references = [e["resource"]["subject"]["reference"] for e in entries if "subject" in e["resource"]]
    assert len(urls) == 6
    assert {f"https://example.test/{r}" for r in references} <= urls
