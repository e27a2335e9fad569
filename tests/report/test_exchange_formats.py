"""The reports that other people's tools read: each is judged by what defines its format."""

import base64
import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import testreport as r4b
from jsonschema import Draft202012Validator

from harness import Definitions, Validator
from harness.engine.results import RunResult
from harness.report import github, har, requirements_csv, testreport
from harness.report.catalogue import KINDS
from harness.report.file import write_report
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


def test_an_annotation_cannot_start_another_command(run: RunResult) -> None:
    lines = github.render(run).decode().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("::error title=patient/refuses::expected 404, found 500")


def test_percent_and_line_ends_are_escaped() -> None:
    assert github._data("100%\n::error::x") == "100%25%0A::error::x"
    assert github._data("a\r\x85\u2028\x1b[2J") == "a\\x0d\\x85\\x2028\\x1b[2J"
    assert github._property("a:b,c") == "a%3Ab%2Cc"


def test_the_matrix_has_a_line_for_each_requirement_and_test(run: RunResult) -> None:
    rows = list(csv.reader(io.StringIO(requirements_csv.render(run).decode("utf-8-sig"))))
    assert [row[:4] for row in rows[1:]] == [
        ["FHIR-REST-001", "pass", "patient", "reads"],
        ["FHIR-REST-002", "fail", "patient", "refuses"],
        ["FHIR-REST-002", "skip", "patient", "skips"],
    ]


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
