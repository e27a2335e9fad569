"""The reports that other people's tools read: each is judged by what defines its format."""

import base64
import csv
import io
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import testreport as r4b
from jsonschema import Draft202012Validator

from harness import Definitions, Validator
from harness.data import folder
from harness.engine.events import Finding, TestFinished
from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
from harness.report import github, har, requirements_csv, testreport
from harness.report.catalogue import KINDS
from harness.report.file import write_report
from harness.suite.requirements import FOLDER, load_requirements
from tests.runs import HOSTILE, events

_NAMED = {"type": "array", "items": {"type": "object", "required": ["name", "value"], "additionalProperties": False,
          "properties": {"name": {"type": "string"}, "value": {"type": "string"}}}}  # fmt: skip
_MESSAGE = {"httpVersion": {"type": "string"}, "cookies": {"type": "array"}, "headers": _NAMED,
            "headersSize": {"type": "integer"}, "bodySize": {"type": "integer"}}  # fmt: skip
HAR_SCHEMA: dict[str, Any] = {
    "type": "object", "required": ["log"], "properties": {"log": {
        "type": "object", "required": ["version", "creator", "entries"], "properties": {
            "version": {"const": "1.2"},
            "creator": {"type": "object", "required": ["name", "version"]},
            "pages": {"type": "array", "items": {"required": ["startedDateTime", "id", "title", "pageTimings"]}},
            "entries": {"type": "array", "items": {
                "required": ["startedDateTime", "time", "request", "response", "cache", "timings"],
                "properties": {
                    "time": {"type": "number", "minimum": 0},
                    "request": {"required": ["method", "url", "queryString", *_MESSAGE], "properties": {
                        **_MESSAGE, "queryString": _NAMED,
                        "postData": {"required": ["mimeType", "text"]}}},
                    "response": {"required": ["status", "statusText", "content", "redirectURL", *_MESSAGE],
                                 "properties": {**_MESSAGE, "content": {"required": ["size", "mimeType"]}}},
                    "timings": {"required": ["send", "wait", "receive"]},
                }}},
        }}},
}  # fmt: skip
"""The required members of HAR 1.2, restated from its description."""


@pytest.fixture
def run() -> RunResult:
    return RunResult.read(events())


def test_har_is_har_1_2(run: RunResult) -> None:
    data = json.loads(b"".join(har.render(run)))
    Draft202012Validator(HAR_SCHEMA).validate(data)
    entries = data["log"]["entries"]
    assert [entry["pageref"] for entry in entries] == ["patient/reads", "patient/refuses"]
    assert {entry["pageref"] for entry in entries} <= {page["id"] for page in data["log"]["pages"]}
    assert datetime.fromisoformat(entries[0]["startedDateTime"]).utcoffset() is not None
    content = entries[1]["response"]["content"]
    assert (base64.b64decode(content["text"]).decode(), content["encoding"]) == (HOSTILE, "base64")


def test_a_testreport_is_valid_fhir(run: RunResult) -> None:
    data = json.loads(testreport.render(run))
    assert r4b.TestReport.model_validate(data).result == "fail"
    outcome = Validator(Definitions.embedded()).validate(data)
    assert [issue for issue in outcome.issues if issue.severity == "error"] == []
    assert [test["name"] for test in data["test"]] == ["patient/reads", "patient/refuses", "patient/skips"]
    results = [action["assert"]["result"] for test in data["test"] for action in test["action"] if "assert" in action]
    assert results == ["pass", "fail"]
    assert data["score"] == pytest.approx(33.33)


def test_a_testreport_shows_the_verdict_of_every_test() -> None:
    fault = Finding("network.timeout", Verdict.ERROR, "no answer within 30 s")
    judged = [
        replace(event, verdict=Verdict.ERROR, reason=fault.message, findings=(fault,))
        if isinstance(event, TestFinished) and event.test == "reads"
        else event
        for event in events()
    ]
    told = json.loads(testreport.render(RunResult.read(judged)))
    (operation,) = [
        a["operation"] for a in told["test"][0]["action"] if a.get("operation", {}).get("result") == "error"
    ]
    assert operation["message"] == "no answer within 30 s"
    cut_off = json.loads(testreport.render(RunResult.read(events()[:7])))
    assert [test["action"][-1]["operation"]["result"] for test in cut_off["test"][1:]] == ["error", "error"]
    assert cut_off["score"] == pytest.approx(33.33)


def test_an_annotation_cannot_start_another_command(run: RunResult) -> None:
    lines = github.render(run).decode().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("::error title=patient/refuses::expected 404, found 500")


def test_an_annotation_names_the_file_as_the_repository_does(run: RunResult) -> None:
    (check,) = run.sets["patient"].tests["refuses"].checks
    placed = replace(check, findings=(replace(check.findings[0], location="patient.yaml:12:18"),) * 2)
    run.sets["patient"].tests["refuses"].steps[0] = replace(
        run.sets["patient"].tests["refuses"].steps[0], checks=(placed,)
    )
    (line,) = github.render(run).decode().splitlines()
    assert "file=patient.yaml,line=12,col=18::" in line
    assert line.count("expected 404, found 500") == 2
    for command in (("run", "--root", "ci/mine"), ("run", "--root=ci/mine")):
        run.started = replace(run.started, command=command)
        assert "file=ci/mine/patient.yaml,line=12,col=18::" in github.render(run).decode()


def test_github_is_told_no_more_than_it_shows_and_once_what_is_alike(run: RunResult) -> None:
    failed, (source,) = run.sets["patient"].tests["refuses"], run.started.test_sets
    names = tuple(f"t{number}" for number in range(12))
    for name in names:
        ended = TestFinished("patient", name, Verdict.FAIL, f"reason of {name}", 0.1)
        run.sets["patient"].tests[name] = TestResult(replace(failed.started, test=name), [], ended)
    run.started = replace(run.started, test_sets=(replace(source, tests=(*names, "never", "neither")),))
    lines = github.render(run).decode().splitlines()
    assert len(lines) == 10
    assert lines[0] == "::error title=patient/t0::reason of t0"
    assert lines[9] == "::error title=fhir-harness::and 5 more tests; the other reports of the run name them"
    run.started = replace(run.started, test_sets=(replace(source, tests=("never", "neither")),))
    told = "::error title=patient/never and 1 more::never began: the run ended before it\n"
    assert github.render(run).decode() == told


def test_percent_and_line_ends_are_escaped() -> None:
    assert github._data("100%\n::error::x") == "100%25%0A::error::x"
    assert github._data("a\r\x85\u2028\x1b[2J") == "a\\x0d\\x85\\x2028\\x1b[2J"
    assert github._property("a:b,c") == "a%3Ab%2Cc"


def test_the_matrix_has_one_line_for_each_requirement(run: RunResult) -> None:
    rows = list(csv.DictReader(io.StringIO(requirements_csv.render(run).decode("utf-8-sig"), newline="")))
    assert [(row["requirement"], row["verdict"], row["tests"]) for row in rows] == [
        ("FHIR-REST-001", "pass", "pass patient/reads"),
        ("FHIR-REST-002", "fail", "fail patient/refuses\nskip patient/skips"),
    ]
    assert rows[1]["reasons"].endswith("patient/skips: Patient.patch is not declared")
    assert rows[0]["source"] == ""  # judged by another catalogue


def test_the_matrix_tells_what_was_waived(run: RunResult) -> None:
    (check,) = run.sets["patient"].tests["refuses"].checks
    accepted = replace(check, findings=(replace(check.findings[0], waived="known until 2.2"),))
    step = run.sets["patient"].tests["refuses"].steps[0]
    run.sets["patient"].tests["refuses"].steps[0] = replace(step, checks=(accepted,))
    assert "(waived: known until 2.2)" in requirements_csv.render(run).decode("utf-8-sig")


def test_the_matrix_tells_the_passage_and_what_never_began(run: RunResult) -> None:
    digest = load_requirements(folder("testsets") / FOLDER).digest
    begun = [replace(run.started, requirements_digest=digest), *events()[1:5]]
    matrix = requirements_csv.render(RunResult.read(begun)).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(matrix, newline="")))
    assert rows[0]["source"].startswith("FHIR R4 4.0.1")
    assert (rows[1]["requirement"], rows[1]["verdict"]) == ("", "error")
    assert rows[1]["tests"] == "patient/refuses\npatient/skips"


def test_no_cell_holds_what_a_terminal_obeys() -> None:
    assert requirements_csv._inert("\r=1\x1b[2J") == "\\x0d=1\\x1b[2J"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\n=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert requirements_csv._inert(text) == f"'{text}"


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_run_that_was_cut_off_can_be_rendered(kind: str, tmp_path: Path) -> None:
    for length in range(1, len(events()) + 1):
        write_report(tmp_path / "report", KINDS[kind].render(RunResult.read(events()[:length])))
        assert (tmp_path / "report").exists()
