"""Which verdict is better than which; the first difference between two runs, and only where it is one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.acceptance.compare import compare, relation
from harness.acceptance.exchanges import Versus, telling_difference
from harness.acceptance.naming import Frame, Pairs
from harness.acceptance.recorded import Recorded
from harness.engine.events import CheckResult, Finding, StepFinished
from harness.engine.exchange import Exchange, Request, Response
from harness.engine.verdict import Exit, Verdict
from harness.fhir.definitions import Definitions
from harness.report.comparison import ABSENT, Difference, Relation, render_html, render_json, render_text
from tests.acceptance.recording import SET, catalogue, record_run, record_with_defects

VERDICTS = st.sampled_from(list(Verdict))
OPPOSITE = {Relation.BETTER: Relation.WORSE, Relation.WORSE: Relation.BETTER}


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.embedded()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, sandbox: str, definitions: Definitions) -> tuple[Recorded, Recorded]:
    home = tmp_path_factory.mktemp("pair")
    loaded = catalogue(home / "sets")
    good = record_run(home / "good", home / "sets", loaded, sandbox, definitions)
    bad = record_with_defects(home / "bad", home / "sets", loaded, ["invalid-accepted"], definitions)
    return good, bad


@given(VERDICTS, VERDICTS)
def test_what_is_better_one_way_is_never_better_the_other_way(one: Verdict, other: Verdict) -> None:
    there, back = relation(one, other), relation(other, one)
    assert (there is Relation.SAME) == (one is other)
    assert not (there is back and there in OPPOSITE)
    if {one, other} <= {Verdict.PASS, Verdict.WARN, Verdict.FAIL}:
        assert OPPOSITE.get(there, there) is back


@given(VERDICTS)
def test_nothing_is_better_than_a_pass_and_a_lost_pass_is_never_good(verdict: Verdict) -> None:
    assert relation(Verdict.PASS, verdict) in (Relation.SAME, Relation.WORSE, Relation.NOT_COMPARABLE)
    assert (relation(Verdict.PASS, verdict) is Relation.SAME) == (verdict is Verdict.PASS)


def test_two_runs_of_one_candidate_do_not_differ(
    pair: tuple[Recorded, Recorded], sandbox: str, definitions: Definitions, tmp_path: Path
) -> None:
    loaded = catalogue(tmp_path / "sets")
    again = record_run(tmp_path / "run", tmp_path / "sets", loaded, sandbox, definitions)
    found = compare(pair[0], again)
    assert found.counts == {Relation.SAME: 2}
    assert [test.difference for test in found.tests] == [None, None]
    assert found.exit is Exit.OK


def test_a_worse_candidate_is_worse_and_the_other_way_round_better(pair: tuple[Recorded, Recorded]) -> None:
    found = compare(*pair)
    worse = {test.test: test for test in found.tests}["refused"]
    assert (worse.relation, worse.first, worse.second) == (Relation.WORSE, Verdict.PASS, Verdict.FAIL)
    assert worse.difference is not None
    assert (worse.difference.step, worse.difference.where, worse.difference.sent) == (0, "status", False)
    assert found.exit is Exit.FAIL
    back = compare(pair[1], pair[0])
    assert (back.counts[Relation.BETTER], back.exit) == (1, Exit.OK)


def test_a_verdict_that_changes_between_repeats_is_flaky(pair: tuple[Recorded, Recorded]) -> None:
    found = compare(pair[0], pair[0], [pair[1].run])
    (flaky,) = found.flaky
    assert (flaky.test, flaky.flaky) == ("refused", (Verdict.PASS, Verdict.FAIL))
    assert flaky.relation is Relation.NOT_COMPARABLE
    assert flaky.why["fr"] == "instable : les répétitions ont donné succès, échec"
    assert found.exit is Exit.UNDECIDED


def test_a_test_that_only_one_run_has_is_not_comparable(
    pair: tuple[Recorded, Recorded], sandbox: str, definitions: Definitions, tmp_path: Path
) -> None:
    short = SET[: SET.index("  - id: refused")]
    loaded = catalogue(tmp_path / "sets", short)
    other = record_run(tmp_path / "run", tmp_path / "sets", loaded, sandbox, definitions)
    found = {test.test: test for test in compare(pair[0], other).tests}
    assert found["stored"].relation is Relation.SAME
    assert (found["refused"].relation, found["refused"].second) == (Relation.NOT_COMPARABLE, None)


def test_the_text_fits_and_the_page_runs_nothing(pair: tuple[Recorded, Recorded]) -> None:
    found = compare(*pair)
    for language in ("en", "fr"):
        assert max(map(len, render_text(found, language, everything=True).splitlines())) <= 80
    page = render_html(found)
    assert render_html(found) == page
    assert page.count("<script") == page.count('<script type="application/json"') == 1
    assert "http://" not in page.split("<body>")[0]
    embedded = page.split('id="comparison">')[1].split("</script>")[0]
    assert json.loads(embedded) == json.loads(render_json(found))


def _steps(body: bytes, *, status: int = 200, saved: str = "7", base: str = "http://a/fhir", **headers: str):
    exchange = Exchange(
        Request("GET", f"{base}/Patient/{saved}"),
        "2026-01-02T03:04:05.000Z",
        0.1,
        Response(status, (("Content-Type", "application/fhir+json"), *headers.items()), body),
    )
    step = StepFinished("s", "t", "test", 0, "read", "read", (exchange,), (), {"id": saved})
    return [step]


def _first(one: bytes, other: bytes, **more: str):
    versus = Versus(
        Frame({"": "http://a/fhir", "mes": "http://a/fhir/mes"}, "2026-01-02T03:04:05.000Z"),
        Frame({"": "https://b:8/r4", "mes": "https://c/measures"}, "2026-03-04T05:06:07.000Z"),
        Pairs(),
        same_test=True,
    )
    return telling_difference(_steps(one), _steps(other, saved="9", base="https://b:8/r4", **more), versus)


def test_what_a_finding_is_about_tells_more_than_what_differs_before_it() -> None:
    (one,), (other,) = _steps(b'{"a": 1, "id": "x"}'), _steps(b'{"a": 2, "id": "y"}')
    failed = CheckResult("that", Verdict.FAIL, (Finding("that", Verdict.FAIL, "no"),))
    second = replace(one, index=1), replace(other, index=1, checks=(failed,))
    versus = Versus(Frame({}, ""), Frame({}, ""), Pairs(), same_test=True)
    found = telling_difference([one, second[0]], [other, second[1]], versus)
    assert found is not None
    assert (found.step, found.where) == (1, "body $.a")


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        (b'{"id": "x", "b": 1}', b'{"id": "y", "b": 2}', "body $.b"),
        (b'{"name": "F5ounzx4xaghesdb2", "b": 1}', b'{"name": "Feugkdcpjpp36gkij", "b": 2}', "body $.b"),
        (b'{"name": "a47mbzqmxi2uv3tuc@x.org", "b": 1}', b'{"name": "rehflpq36hs7suhy@x.org", "b": 2}', "body $.b"),
        (b'{"name": "F5ounzx4xaghesdb2"}', b'{"name": "Feugkdcpjpp36gkij"}', "body $.name"),
        (b'{"b": "1970-01-01", "c": 1}', b'{"b": "1970-01-02", "c": 2}', "body $.b"),
    ],
    ids=["an id", "a random word", "a random address", "nothing else", "a date"],
)
def test_what_was_drawn_is_told_only_where_nothing_else_differs(one: bytes, other: bytes, where: str) -> None:
    found = telling_difference(
        _steps(one), _steps(other), Versus(Frame({}, ""), Frame({}, ""), Pairs(), same_test=False)
    )
    assert found is not None
    assert found.where == where


def test_the_text_is_of_one_language(pair: tuple[Recorded, Recorded]) -> None:
    found = compare(*pair)
    text = render_text(found, "fr")
    assert "réponse 1, statut :" in text
    assert "le statut est" in text
    assert "the status is" in render_text(found, "en")
    missing = replace(found.tests[1], difference=Difference(0, 0, "header ETag", False, 'W/"1"', ABSENT))
    told = render_text(replace(found, tests=(missing,)), "fr", everything=True)
    assert "en-tête ETag :" in told
    assert "B (aucun)" in told


def test_ids_times_and_addresses_differ_by_nature() -> None:
    one = b"""{"resourceType":"Patient","id":"7","meta":{"versionId":"1","lastUpdated":"2026-01-02T03:04:06Z"},
      "managingOrganization":{"reference":"http://a/fhir/Organization/7"},"birthDate":"1970-01-01",
      "extension":[{"url":"http://a/fhir/mes/x","valueInstant":"2026-01-02T04:04:05Z"}]}"""
    other = b"""{"resourceType":"Patient","id":"9","meta":{"versionId":"12","lastUpdated":"2026-03-04T09:00:00Z"},
      "managingOrganization":{"reference":"https://b:8/r4/Organization/9"},"birthDate":"1970-01-01",
      "extension":[{"url":"https://c/measures/x","valueInstant":"2026-03-04T06:06:07Z"}]}"""
    assert _first(one, other) is None


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        (b'{"a":1}', b'{"a":true}', "body $.a"),
        (b'{"a":1.0}', b'{"a":1.00}', "body $.a"),
        (b'{"a":[{"b":"x"}]}', b'{"a":[{"b":"y"}]}', "body $.a[0].b"),
        (b'{"a":[1]}', b'{"a":[1,2]}', "body $.a[1]"),
        (b'{"a":1}', b'{"b":1}', "body $.a"),
        (
            b'{"subject":{"reference":"Patient/7"}}',
            b'{"subject":{"reference":"Patient/8"}}',
            "body $.subject.reference",
        ),
        (b'{"at":"2026-01-02T03:04:05Z"}', b'{"at":"2026-03-04T05:06:08Z"}', "body $.at"),
        (b"<a/>", b"<b/>", "body"),
        (b"[" * 3000, b"[" * 3001, "body"),
    ],
)
def test_what_the_candidate_changed_is_found_where_it_is(one: bytes, other: bytes, where: str) -> None:
    found = _first(one, other)
    assert found is not None
    assert (found.where, found.sent) == (where, False)


def test_headers_that_matter_are_compared_and_others_are_not() -> None:
    assert _first(b"{}", b"{}", Date="now", Server="x") is None
    found = _first(b"{}", b"{}", Allow="GET")
    assert found is not None
    assert (found.where, found.first, found.second) == ("header Allow", "(none)", "GET")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_a_body_never_differs_from_itself(value: object) -> None:
    body = json.dumps(value).encode()
    assert _first(body, body) is None
