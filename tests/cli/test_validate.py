"""``validate``: what is read, in which order it is answered, and what a bad line, a pool or a server changes."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import respx

from harness.cli import inputs, judging, validate
from harness.cli.inputs import Item
from harness.cli.judging import Setup, chunked, judge_all
from harness.data import folder
from harness.errors import UsageError
from harness.fhir.definitions import Definitions
from harness.fhir.xml import to_xml

WEIGHT = folder("fixtures") / "observation" / "bodyweight.json"
BAD_WEIGHT = sorted((folder("fixtures") / "observation" / "bad").glob("*.json"))[0]
Command = Callable[..., Any]
PATIENT = {"resourceType": "Patient", "id": "a", "text": {
    "status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A</div>'}}  # fmt: skip
SNOMED = "http://snomed.info/sct"


def patient(number: int, **more: Any) -> bytes:
    return orjson.dumps({**PATIENT, "id": f"p{number}", **more})


@pytest.fixture
def ndjson(tmp_path: Path) -> Path:
    path = tmp_path / "many.ndjson"
    lines = [patient(1), b"{not json", b"", patient(4, gender="mal"), b"[1]", patient(6)]
    path.write_bytes(b"\n".join(lines))
    return path


def heads(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith(" ")]


def test_bad_line_is_told_with_its_number_and_the_rest_goes_on(command: Command, ndjson: Path) -> None:
    answer = command("validate", ndjson)
    told = heads(answer.out)
    assert told[:-1] == [
        f"{ndjson}:1: valid",
        f"{ndjson}:2: 1 error",
        f"{ndjson}:4: 1 error",
        f"{ndjson}:5: 1 error",
        f"{ndjson}:6: valid",
    ]
    assert told[-1].startswith("5 resources: 2 valid, 3 with errors, 0 undecided (")
    assert answer.exit == 1


def test_french(command: Command, ndjson: Path) -> None:
    told = heads(command("validate", ndjson, "--lang", "fr").out)
    assert told[1] == f"{ndjson}:2: 1 erreur"
    assert told[-1].startswith("5 ressources : 2 valides, 3 avec erreurs, 0 non décidées (")


def test_french_tells_what_is_wrong_with_xml_and_that_nothing_is(command: Command, tmp_path: Path) -> None:
    bad, good = tmp_path / "a.xml", tmp_path / "b.json"
    bad.write_text("<patient/>")
    text = {"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">a</div>'}
    good.write_bytes(orjson.dumps({"resourceType": "Basic", "code": {"text": "a"}, "text": text}))
    said = command("validate", bad, "--lang", "fr").out
    assert "XML FHIR, ligne 1 : <patient> n'est pas dans l'espace de noms http://hl7.org/fhir" in said
    said = command("validate", good, "--lang", "fr", "--format", "json").out
    assert orjson.loads(said)["issue"][0]["diagnostics"] == "Aucun problème détecté"


def test_json_gives_one_outcome_a_line_with_its_source(command: Command, ndjson: Path) -> None:
    outcomes = [orjson.loads(line) for line in command("validate", ndjson, "--format", "json").out.splitlines()]
    assert [o["resourceType"] for o in outcomes] == ["OperationOutcome"] * 5
    assert [o["extension"][0]["valueString"] for o in outcomes] == [f"{ndjson}:{n}" for n in (1, 2, 4, 5, 6)]
    assert outcomes[1]["issue"][0]["severity"] == "fatal"
    assert outcomes[2]["issue"][0]["expression"] == ["Patient.gender"]


def test_line_beyond_the_limit_is_told_and_passed_over(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "LINE_LIMIT", 400)
    path = tmp_path / "many.ndjson"
    path.write_bytes(b"\n".join([patient(1), b"x" * 1000, patient(3), b"y" * 400]))
    assert heads(command("validate", path).out)[:-1] == [
        f"{path}:1: valid",
        f"{path}:2: 1 error",
        f"{path}:3: valid",
        f"{path}:4: 1 error",
    ]


@pytest.mark.parametrize("name", ["w.xml", "w.txt"])
def test_xml_is_known_by_its_first_byte(command: Command, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(to_xml(orjson.loads(WEIGHT.read_bytes()), Definitions.embedded()))
    answer = command("validate", path)
    assert (answer.exit, heads(answer.out)) == (0, [f"{path}: valid"])


def test_bad_xml_is_told_with_its_line(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "w.xml"
    path.write_text('<Patient xmlns="http://hl7.org/fhir">\n<gender value="male"/>\n<oops/>\n</Patient>')
    answer = command("validate", path)
    assert answer.exit == 1
    assert "line 3" in answer.out


def test_folder_gives_all_kinds_by_name(command: Command, tmp_path: Path, ndjson: Path) -> None:
    (tmp_path / "a.json").write_bytes(patient(1))
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "b.xml").write_bytes(to_xml(PATIENT, Definitions.embedded()))
    (tmp_path / "readme.md").write_text("no resource")
    names = [head.rpartition(": ")[0] for head in heads(command("validate", tmp_path).out)[:-1]]
    assert names[0] == str(tmp_path / "a.json")
    assert names[-1] == str(tmp_path / "z" / "b.xml")
    assert len(names) == 7


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (patient(1), ["standard input"]),
        (b'{\n"resourceType": "Patient"}\n', ["standard input"]),
        (patient(1) + b"\n" + patient(2) + b"\n", ["standard input:1", "standard input:2"]),
    ],
)
def test_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes, names: list[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert [item.name for item in inputs.read([Path("-")])] == names


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_nothing_to_judge_is_wrong_usage(command: Command, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "none.ndjson"
    path.write_bytes(content)
    answer = command("validate", path)
    assert (answer.exit, "there is no resource in it" in answer.err) == (2, True)


def test_missing_file_is_told_before_anything_is_judged(command: Command, ndjson: Path) -> None:
    answer = command("validate", ndjson, "nowhere.json")
    assert (answer.exit, answer.out) == (2, "")
    assert "nowhere.json" in answer.err


def test_pool_answers_as_one_process_does_and_in_order(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "many.ndjson"
    path.write_bytes(b"\n".join(patient(n, **({"gender": "x"} if n % 7 == 0 else {})) for n in range(650)))
    alone, together = (command("validate", path, "--jobs", jobs, "--format", "json") for jobs in (1, 2))
    assert together.out == alone.out
    assert len(alone.out.splitlines()) == 650
    assert (alone.exit, together.exit) == (1, 1)


def test_chunks_are_bounded_by_number_and_size() -> None:
    small = [Item("a", b"{}")] * (judging.CHUNK + 1)
    assert [len(chunk) for chunk in chunked(small)] == [judging.CHUNK, 1]
    large = [Item("a", b" " * 700_000)] * 3
    assert [len(chunk) for chunk in chunked(large)] == [2, 1]


def test_only_a_few_chunks_are_under_way() -> None:
    read = 0

    def endless() -> Any:
        nonlocal read
        while True:
            read += 1
            yield Item(f"x:{read}", patient(read))

    results = judge_all(Setup(), endless(), jobs=2)
    assert next(results).resources == judging.CHUNK
    results.close()  # type: ignore[attr-defined]
    assert read <= 8 * judging.CHUNK


def test_progress_is_shown_on_a_terminal_only(command: Command, ndjson: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command("validate", ndjson).err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(validate, "_TICK", -1)
    assert "5 resources: 2 valid" in command("validate", ndjson).err


# ---- terminology


def observation() -> bytes:
    site = {"coding": [{"system": SNOMED, "code": "40983000", "display": "Leg"}]}
    code = {"text": "x"}
    text = PATIENT["text"]
    return orjson.dumps(
        {"resourceType": "Observation", "text": text, "status": "final", "code": code, "bodySite": site}
        | {"performer": [{"display": "A"}], "effectiveDateTime": "2020"}
    )


def parameters(result: bool) -> dict[str, Any]:
    shown = {"name": "display", "valueString": "Upper arm"}
    return {"resourceType": "Parameters", "parameter": [{"name": "result", "valueBoolean": result}, shown]}


def test_answers_of_a_server_are_recorded_and_judge_offline(command: Command, tmp_path: Path) -> None:
    path, lock = tmp_path / "o.json", tmp_path / "tx.json"
    path.write_bytes(observation())
    arguments = ("validate", path, "--format", "json", "--tx-lock", lock)
    with respx.mock as router:
        route = router.get("https://tx.test/CodeSystem/$validate-code")
        route.side_effect = lambda r: httpx.Response(200, json=parameters("display" not in r.url.params))
        online = command(*arguments, "--tx", "https://tx.test")
    with respx.mock:
        offline = command(*arguments)
    assert (online.exit, offline.exit) == (1, 1)
    assert offline.out == online.out
    assert "Upper arm" in offline.out
    lock.write_bytes(lock.read_bytes().replace(b"Upper arm", b"Leg"))
    altered = command(*arguments)
    assert (altered.exit, altered.out) == (2, "")
    assert "the lock was altered" in altered.err


def test_lock_without_the_answer_is_undecided(command: Command, tmp_path: Path) -> None:
    path, lock = tmp_path / "o.json", tmp_path / "tx.json"
    path.write_bytes(observation().replace(b"40983000", b"1"))
    with respx.mock as router:
        router.route().mock(return_value=httpx.Response(200, json=parameters(True)))
        command("validate", path, "--tx-lock", lock, "--tx", "https://tx.test")
    assert lock.exists()
    path.write_bytes(observation())
    assert command("validate", path, "--tx-lock", lock).exit == 3


def test_lock_that_is_not_there_is_told(command: Command, tmp_path: Path) -> None:
    answer = command("validate", WEIGHT, "--tx-lock", tmp_path / "none.json")
    assert (answer.exit, "no such terminology lock" in answer.err) == (2, True)


# ---- start-up and clusters


def test_one_file_loads_nothing_that_it_does_not_use() -> None:
    code = (
        "import sys\nfrom harness.cli import validate\nfrom harness.cli.judging import *\nfrom pathlib import Path\n"
        f"from harness.cli import inputs\n[*judge_all(Setup(), inputs.read([Path({str(WEIGHT)!r})]), 2)]\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    loaded = set(eval(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout))
    unused = {"yaml", "httpx", "lxml", "fhir", "multiprocessing", "jinja2", "rfc8785", "starlette", "cryptography"}
    assert loaded & unused == set()


@pytest.mark.parametrize("executor", ["dask", "dask://", "ray://x:1"])
def test_unknown_executor_is_refused(executor: str) -> None:
    with pytest.raises(UsageError, match="dask://host:port"):
        list(judge_all(Setup(), [Item("a", patient(1))], jobs=1, executor=executor))


def test_dask_answers_as_one_process_does() -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install fhir-harness[dask]")
    items = [Item(f"x:{n}", patient(n, **({"gender": "x"} if n % 3 == 0 else {}))) for n in range(450)]
    alone = [judged.text for judged in judge_all(Setup(), items, jobs=1)]
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address.replace("tcp://", "dask://")
        together = [judged.text for judged in judge_all(Setup(), items, jobs=2, executor=address)]
    assert together == alone
