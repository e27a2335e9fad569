"""A failing exchange shows its finding next to the line; a large run stays a page that people can open."""

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.engine.events import (
    CheckResult,
    Event,
    Finding,
    RunFinished,
    RunStarted,
    SetFinished,
    SetStarted,
    StepFinished,
    TestFinished,
    TestStarted,
)
from harness.engine.exchange import Exchange, Request, Response
from harness.engine.results import RunResult
from harness.engine.verdict import Verdict
from harness.report import html
from harness.report.exchanges import Steps, finding_box
from harness.report.picture import timelines
from tests.runs import HOSTILE, events

SENT = {"resourceType": "Patient", "active": True, "birthDate": "1980-01-01"}
JSON = (("content-type", "application/fhir+json"), ("etag", 'W/"1"'))


def _finding(code: str, **values: Any) -> Finding:
    return Finding(code, Verdict.FAIL, values.pop("message", f"{code} is wrong"), f"{code} : faux", **values)


def _step(answer: Any, *findings: Finding, status: int = 200) -> StepFinished:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    request = Request("PUT", "http://127.0.0.1:1/fhir/Patient/1", JSON[:1], json.dumps(SENT).encode())
    exchange = Exchange(request, "2026-01-02T03:04:05.000Z", 0.05, Response(status, JSON, body))
    verdict = Verdict.FAIL if findings else Verdict.PASS
    check = CheckResult("that", verdict, findings)
    return StepFinished("patient", "one", "test", 0, "update", "update Patient", (exchange,), (check,))


def _page(*steps: StepFinished) -> str:
    printer = Steps(steps, 1)
    return "".join(printer.step(step) for step in steps)


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (_finding("status"), "HTTP/1.1 200"),
        (_finding("header.value", message="the header ETag is strong"), 'etag: W/"1"'),
        (_finding("header.missing", message="the header Location is missing"), "HTTP/1.1 200"),
        (_finding("content-type"), "content-type: application/fhir+json"),
        (_finding("same-as.changed", expression="Patient.birthDate", exchange=0), '"birthDate": "1980"'),
        (_finding("that", expected="active = true"), '"active": false,'),
    ],
)
def test_a_finding_stands_below_its_line(finding: Finding, line: str) -> None:
    page = _page(_step({**SENT, "active": False, "birthDate": "1980"}, finding))
    before, _, after = page.partition('<span class="note fail">✗ ')
    assert before.rstrip().endswith(("</b></mark>", "</mark>"))
    assert line in before.rsplit("<mark", 1)[1]
    assert after.startswith('<span lang="en">')
    assert '<a href="#line-1">' in page


def test_what_differs_from_what_was_sent_is_marked_on_both_sides() -> None:
    page = _page(_step({**SENT, "birthDate": "1980", "id": "1"}, _finding("other")))
    for marked in ('"birthDate": "1980-01-01"', '"birthDate": "1980",', '"id": "1"'):
        assert f'<b class="d">{marked}' in page
    assert '<b class="d">"active"' not in page


def test_expected_and_found_show_where_they_differ() -> None:
    box = finding_box(_finding("same-as.changed", expected="71.50 kg", found="71.5 kg"))
    assert '<code>71.5<b class="d">0</b> kg</code>' in box
    assert "<code>71.5 kg</code>" in box


def test_a_hostile_answer_is_text() -> None:
    hostile = {"resourceType": "Patient", "active": HOSTILE, HOSTILE: "<img src=x>"}
    for step in (_step(hostile, _finding("that", expected="active")), _step(hostile), _step(HOSTILE.encode())):
        page = _page(step)
        assert "<script" not in page
        assert "<img" not in page
        assert "\x1b" not in page


def test_a_long_answer_is_cut_around_the_finding() -> None:
    names = [{"family": f"FAMILY-{number:05}"} for number in range(2000)]
    page = _page(_step({**SENT, "name": names}, _finding("x", expression="Patient.name[1500].family", exchange=0)))
    assert "FAMILY-01500" in page
    assert "FAMILY-00001" not in page
    assert "FAMILY-01999" not in page
    assert len(page) < 60_000


def _large(tests: int, *findings: Finding) -> RunResult:
    """A run of ``tests`` tests with three steps each, whose answers are long."""
    first, *_ = events()
    assert isinstance(first, RunStarted)
    names = tuple(f"test-{number}" for number in range(tests))
    source = replace(first.test_sets[0], tests=names)
    answer = {**SENT, "name": [{"family": "F" * 20, "text": str(number)} for number in range(200)]}
    recorded: list[Event] = [replace(first, test_sets=(source,)), SetStarted("patient")]
    title = {"en": "A test with a title of the usual length", "fr": "Un test avec un titre de longueur habituelle"}
    verdict = Verdict.FAIL if findings else Verdict.PASS
    for name in names:
        recorded.append(TestStarted("patient", name, title, ("FHIR-REST-001",), "2026-01-02T03:04:05.000Z"))
        for index in range(3):
            body = {**answer, "id": f"{name}-{index}"}
            recorded.append(replace(_step(body, *findings), test=name, index=index))
        recorded.append(TestFinished("patient", name, verdict, "" if not findings else "why", 0.1))
    recorded += [SetFinished("patient", verdict), RunFinished("2026-01-02T03:05:05.000Z", verdict, {})]
    return RunResult.read(recorded)


@pytest.mark.parametrize("findings", [(), (_finding("same-as.changed", expression="Patient.name[9]", exchange=0),)])
def test_a_page_of_500_tests_takes_5_mb_at_most(findings: tuple[Finding, ...]) -> None:
    page = html.render_bytes(_large(500, *findings))
    assert len(page) <= 5_000_000
    assert page.count(b'<details class="test ') == 500


def test_instants_that_cannot_be_read_have_no_bar() -> None:
    run = RunResult.read(events())
    run.sets["patient"].tests["reads"].started = replace(run.sets["patient"].tests["reads"].started, now="yesterday")
    strips, seconds = timelines(run)
    assert strips["patient"].count("<path") == 2
    assert seconds > 0


@pytest.mark.parametrize("findings", [(), (_finding("network", exchange=0),)])
def test_why_no_answer_came_is_told_in_both_languages(findings: tuple[Finding, ...]) -> None:
    step = _step(b"", *findings)
    lost = replace(step.exchanges[0], response=None, error="refused <b>", error_fr="refusée <b>")
    page = _page(replace(step, exchanges=(lost,)))
    told = '<span lang="en">refused &lt;b&gt;</span><span lang="fr">refusée &lt;b&gt;</span>'
    assert page.count(told) == 2
    assert "refused <b>" not in page
