"""What a candidate sent stays inert in every report, and each report says what the run says."""

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.data import folder
from harness.engine.events import RunStarted, StepFinished, TestStarted
from harness.engine.exchange import Exchange
from harness.engine.results import RunResult
from harness.engine.verdict import Verdict
from harness.errors import UsageError
from harness.report import html, junit
from harness.report import json as json_report
from harness.report.completeness import requirement_verdicts
from harness.report.console import ConsoleWriter
from harness.report.file import ReportFile
from harness.report.inert import one_line, pretty_body, printable
from harness.report.markup import instant
from harness.report.words import WORDS, reason
from harness.report.writer import replay
from harness.suite.requirements import FOLDER, load_requirements
from tests.runs import HOSTILE, events


@pytest.fixture
def run() -> RunResult:
    return RunResult.read(events())


def _terminal(language: str = "en") -> str:
    stream = io.StringIO()
    replay(events(), ConsoleWriter(stream, language=language))  # type: ignore[arg-type]
    return stream.getvalue()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_terminal_fits_80_columns_and_obeys_no_escape(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = _terminal(language)
    lines = [line for line in text.splitlines() if " curl --globoff " not in line]  # a command is one line
    assert len(lines) == len(text.splitlines()) - 1
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_wraps_keeps_its_indent_and_no_line_ends_with_spaces(
    columns: int, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    url = "https://example.org/" + "a-long-path/" * 12
    changed = [
        replace(event, exchanges=(_answered(event.exchanges[0], {"id": "1", "url": url}),))
        if isinstance(event, StepFinished)
        else event
        for event in events()
    ]
    stream = io.StringIO()
    replay(changed, ConsoleWriter(stream, language=language))  # type: ignore[arg-type]
    lines = [line for line in stream.getvalue().splitlines() if " curl --globoff " not in line]
    assert max(map(len, lines)) <= columns
    assert all(line == line.rstrip() for line in lines)
    at = next(number for number, line in enumerate(lines) if '"url":' in line)
    begin = len(lines[at]) - len(lines[at].lstrip())
    assert all(line.startswith(" " * begin) for line in lines[at : at + 3])
    assert ("réponse : HTTP" if language == "fr" else "answered: HTTP") in stream.getvalue()


def _answered(exchange: Exchange, body: object) -> Exchange:
    assert exchange.response is not None
    return replace(exchange, response=replace(exchange.response, body=json.dumps(body).encode()))


def test_a_requirement_is_met_alike_in_every_report() -> None:
    changed = [
        replace(event, verifies=("FHIR-REST-001",))
        if isinstance(event, TestStarted) and event.test == "skips"
        else event
        for event in events()
    ]
    stream = io.StringIO()
    replay(changed, ConsoleWriter(stream))
    assert requirement_verdicts(RunResult.read(changed)) == {
        "FHIR-REST-001": Verdict.PASS,
        "FHIR-REST-002": Verdict.FAIL,
    }
    assert "1 of 2 requirements met" in stream.getvalue()  # passed by one test; to the other it does not apply


def test_the_terminal_says_what_failed_and_why() -> None:
    text = _terminal()
    for part in (
        "FAIL patient/refuses",
        "FHIR-REST-002",
        "GET http://127.0.0.1:1/fhir/Patient/1",
        "HTTP 500",
        "expected: 404",
    ):
        assert part in text
    assert "3 tests; 1 of 2 requirements met" in text


def test_a_failure_shows_the_passage_and_the_part_of_the_message_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    changed = []
    for event in events():
        if isinstance(event, RunStarted):
            changed.append(replace(event, requirements_digest=load_requirements(folder("testsets") / FOLDER).digest))
        elif isinstance(event, StepFinished) and event.checks and event.checks[0].findings:
            names = [{"family": f"FAMILY-{number:03}"} for number in range(200)]
            body = json.dumps({"resourceType": "Patient", "name": names}).encode()
            (exchange,), (check,) = event.exchanges, event.checks
            assert exchange.response is not None
            answer = replace(exchange, response=replace(exchange.response, body=body))
            finding = replace(check.findings[0], expression="Patient.name[150].family", exchange=0)
            changed.append(replace(event, exchanges=(answer,), checks=(replace(check, findings=(finding,)),)))
        else:
            changed.append(event)
    stream = io.StringIO()
    replay(changed, ConsoleWriter(stream))
    text = stream.getvalue()
    assert "FHIR-REST-002 (FHIR R4 4.0.1" in " ".join(text.split())
    assert "FAMILY-150" in text
    assert "FAMILY-000" not in text
    assert text.index("expected: 404") < text.index("FAMILY-150")
    lines = [line for line in text.splitlines() if " curl --globoff " not in line]  # a command is one line
    assert len(lines) == len(text.splitlines()) - 1
    assert max(map(len, lines)) <= 80
    page = html.render(RunResult.read(changed))
    assert "<cite>FHIR R4 4.0.1" in page
    assert "<cite>" not in html.render(RunResult.read(events()))  # judged by another catalogue


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.script = ""
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.script += data


def test_the_page_runs_no_script_and_loads_nothing(run: RunResult) -> None:
    text = html.render(run)
    page = _Page()
    page.feed(text)
    assert "script" not in page.tags
    assert "default-src 'none'" in text
    assert not re.search(r"<[^>]+\s(?:src|onclick|onload|onerror)\s*=", text)


def test_the_page_carries_its_data_and_nothing_can_end_it(run: RunResult) -> None:
    page = _Page()
    page.feed(html.render(run, {"message": HOSTILE}))
    assert page.tags.count("script") == 1
    assert json.loads(page.script) == {"message": HOSTILE}


def test_the_page_shows_every_test_in_both_languages(run: RunResult) -> None:
    text = html.render(run)
    for part in (
        'id="patient.reads"',
        'id="patient.refuses"',
        "Un patient est lu",
        "A patient is read",
        'id="req-FHIR-REST-002"',
    ):
        assert part in text


def test_the_page_opens_in_the_language_of_the_command(run: RunResult) -> None:
    english, run.started = html.render(run), replace(run.started, command=("fhir-harness", "run", "--lang", "fr"))
    french = html.render(run)
    for page, language, title in ((english, "en", "fail – Produit"), (french, "fr", "échec – Produit")):
        assert f'<html lang="{language}">' in page
        assert re.findall(r'id="lang-(..)" checked', page) == [language]
        assert f"<title>{title}</title>" in page


def test_instants_are_told_as_people_write_them(run: RunResult) -> None:
    told = '<span lang="en">2 January 2026, 03:04:05 UTC</span><span lang="fr">2 janvier 2026 à 03:04:05 UTC</span>'
    assert f'<time datetime="2026-01-02T03:04:05.000Z">{told}</time>' in html.render(run)
    assert '<span lang="fr">1er août 2026 à 22:00:00 UTC</span>' in instant("2026-08-02T00:00:00+02:00")
    assert instant("<b>") == "&lt;b&gt;"


def test_why_a_test_failed_is_told_in_both_languages(run: RunResult) -> None:
    failed = run.sets["patient"].tests["refuses"]
    assert failed.finished is not None
    failed.finished = replace(failed.finished, reason=failed.findings[0].message)
    assert reason(failed) == {"en": failed.findings[0].message, "fr": "attendu 404, trouvé 500"}
    assert '<span lang="fr">attendu 404, trouvé 500</span></span></summary>' in html.render(run)


def test_the_page_shows_every_choice_of_the_run(run: RunResult) -> None:
    chosen = {"offset-unit": "row", "effective-period": False, "x-own": HOSTILE}
    started = replace(run.started, policies=chosen)
    page = html.render(replace(run, started=started))
    for part in ("AMB-11", "des mesures, comme la plupart des serveurs FHIR", "<code>false</code> (", "x-own"):
        assert part in page
    assert "<script>alert" not in page
    assert "AMB-11" not in html.render(run)  # a run of before has none


def test_junit_tells_failures_from_faults(run: RunResult) -> None:
    root = ElementTree.fromstring(junit.render(run))
    (suite,) = root
    for counted in (root, suite):
        assert (counted.get("tests"), counted.get("failures"), counted.get("errors")) == ("3", "1", "0")
    assert (suite.get("skipped"), suite.get("file")) == ("1", "patient.yaml")
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert cases["reads"].find("failure") is None
    failure = cases["refuses"].find("failure")
    assert failure is not None
    assert "expected 404, found 500" in (failure.text or "")
    assert cases["refuses"].findtext("system-out") == "A patient is read\nverifies: FHIR-REST-002"


def test_a_test_that_never_began_is_an_error_to_ci() -> None:
    root = ElementTree.fromstring(junit.render(RunResult.read(events()[:5])))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "0", "2")
    told = {case.get("name"): [one.get("message") for one in case.iter("error")] for case in root.iter("testcase")}
    never = "never began: the run ended before it"
    assert told == {"reads": [], "refuses": [never], "skips": [never]}


_ANY = {"name", "time", "tests", "failures", "errors"}
_JUNIT_10 = {
    "testsuites": (_ANY, {"testsuite"}),
    "testsuite": (_ANY | {"skipped", "timestamp", "hostname", "id", "package", "file", "group", "log", "url"},
                  {"testsuite", "properties", "testcase", "system-out", "system-err"}),
    "testcase": ({"name", "time", "classname", "group"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}  # fmt: skip
"""Attributes and children of each element, restated from the schema of Jenkins' xunit-plugin, junit-10.xsd."""


@pytest.mark.parametrize("length", [1, 5, len(events())])
def test_junit_keeps_to_the_schema_of_jenkins(length: int) -> None:
    for element in ElementTree.fromstring(junit.render(RunResult.read(events()[:length]))).iter():
        attributes, children = _JUNIT_10[element.tag]
        assert set(element.keys()) <= attributes
        assert {child.tag for child in element} <= children
        assert element.tag not in ("testsuite", "testcase") or element.get("name")


def test_json_holds_the_whole_tree(run: RunResult) -> None:
    data = json.loads(b"".join(json_report.render(run)))
    assert data["verdict"] == "fail"
    assert [test["verdict"] for test in data["test_sets"][0]["tests"]] == ["pass", "fail", "skip"]
    assert data["test_sets"][0]["tests"][1]["steps"][0]["exchanges"][0]["response"]["status"] == 500


def _closed(schema: object) -> object:
    """The schema, open to members that are added, as one that knows them all: what is new has to be described."""
    if isinstance(schema, list):
        return [_closed(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: _closed(member) for name, member in schema.items()}
    return {"additionalProperties": False, **inner} if isinstance(schema.get("properties"), dict) else inner


SCHEMA = _closed(json.loads(files("harness.report").joinpath("report.schema.json").read_text("utf-8")))


@pytest.mark.parametrize("length", range(1, len(events()) + 1))
def test_json_keeps_to_its_schema(length: int) -> None:
    data = json.loads(b"".join(json_report.render(RunResult.read(events()[:length]))))
    Draft202012Validator(SCHEMA).validate(data)


def test_json_tells_of_each_requirement_what_it_came_to(run: RunResult) -> None:
    data = json.loads(b"".join(json_report.render(run)))
    assert data["requirements"] == {
        "FHIR-REST-001": {"verdict": "pass", "tests": ["patient/reads"]},
        "FHIR-REST-002": {"verdict": "fail", "tests": ["patient/refuses", "patient/skips"]},
    }
    assert [test["elapsed"] for test in data["test_sets"][0]["tests"]] == [0.1, 0.2, 0.0]


def test_a_run_that_was_cut_off_is_shown_as_error() -> None:
    run = RunResult.read(events()[:5])
    assert run.verdict is Verdict.ERROR
    assert "This run was cut off" in html.render(run)
    assert run.missing == [("patient", "refuses"), ("patient", "skips")]


def test_a_report_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        replay(events(), ReportFile(tmp_path / "file" / "report.html", html.render_bytes))


@given(st.text())
def test_printable_text_holds_no_control_character(text: str) -> None:
    shown = printable(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown)
    assert printable(shown) == shown


@given(st.text(), st.integers(1, 200))
def test_one_line_is_one_line_within_its_width(text: str, width: int) -> None:
    line = one_line(text, width)
    assert "\n" not in line
    assert len(line) <= width


@given(st.binary())
def test_any_body_can_be_shown(body: bytes) -> None:
    assert isinstance(pretty_body(body), str)


def test_a_decimal_is_shown_as_it_was_sent() -> None:
    assert "71.50" in pretty_body(b'{"value":71.50}')


def test_both_languages_have_every_verdict() -> None:
    assert all(set(words.verdicts) == set(Verdict) for words in WORDS.values())
