"""What lacks for a satisfactory file is said, each by its code and place, in the document and on the first page."""

from dataclasses import replace

import pytest
from markupsafe import escape

from harness.acceptance.document import document
from harness.data import folder
from harness.engine.events import Event, RunStarted, StepFinished, TestFinished
from harness.engine.results import RunResult
from harness.engine.verdict import Verdict
from harness.report.catalogue import KINDS
from harness.report.completeness import lacking
from harness.report.html import render
from harness.suite.requirements import FOLDER, load_requirements
from tests.runs import events


def _run(**started: object) -> RunResult:
    first, *others = events()
    assert isinstance(first, RunStarted)
    changed: list[Event] = [replace(first, **started), *others]  # type: ignore[arg-type]
    return RunResult.read(changed)


def _codes(run: RunResult) -> list[tuple[str, str]]:
    return [(lack.code, lack.place) for lack in lacking(run)]


def test_what_was_not_proven_comes_first() -> None:
    assert _codes(_run()) == [
        ("fail", "patient/refuses"),
        ("skip", "patient/skips"),
        ("tls", "http://127.0.0.1:1/fhir"),
        ("left-behind", "patient"),
    ]


def test_a_client_is_not_reached() -> None:
    assert "tls" not in [code for code, _ in _codes(_run(candidate={"kind": "client", "base-url": "http://x/fhir"}))]


def _waived(event: Event, told: str) -> Event:
    """Return an event of the failed test as it is where its finding was waived."""
    match event:
        case StepFinished(test="refuses", checks=(check,)):
            (finding,) = check.findings
            waived = replace(finding, verdict=Verdict.WARN, waived=told)
            return replace(event, checks=(replace(check, verdict=Verdict.WARN, findings=(waived, waived)),))
        case TestFinished(test="refuses"):
            return replace(event, verdict=Verdict.WARN)
    return event


def test_what_was_waived_is_shown_with_its_reason() -> None:
    told = "known, mended in 2.2 (A. Publisher, until 2026-06-30)"
    run = RunResult.read([_waived(event, told) for event in events()])
    assert _codes(run)[:2] == [("skip", "patient/skips"), ("waived", "patient/refuses")]
    page = render(run, signed=True)
    head = page[: page.index("<main>")]
    assert told in head
    assert '<a href="#patient.refuses">patient/refuses</a>' in head


@pytest.mark.parametrize("kind", ["html", "json", "junit", "testreport", "github"])
def test_every_report_with_findings_says_why_one_was_waived(kind: str) -> None:
    told = "known, mended in 2.2 (A. Publisher, 2026-06-30)"
    rendered = KINDS[kind].render(RunResult.read([_waived(event, told) for event in events()]))
    text = rendered if isinstance(rendered, bytes) else b"".join(rendered)
    assert told.encode() in text


def test_a_software_without_a_name_lacks_it() -> None:
    assert ("software", "product") in _codes(_run(software={"publisher": "Éditeur", "version": "1"}))


def test_tests_that_were_left_out_or_never_began_lack() -> None:
    (source,) = _run().started.test_sets
    tests = (*source.tests, "later")
    found = _codes(_run(test_sets=(replace(source, tests=tests, left_out=("other",)),)))
    assert found[0] == ("not-run", "patient/later")
    assert ("left-out", "patient/other") in found


def test_a_certificate_that_was_not_checked_lacks() -> None:
    address = {"base-url": "https://fhir.example/r4"}
    assert ("tls", "https://fhir.example/r4") in _codes(_run(candidate={**address, "tls": {"verify": False}}))
    assert "tls" not in dict(_codes(_run(candidate=address)))


def test_the_document_and_the_first_page_say_so() -> None:
    run = _run()
    content = document(run)
    assert [(lack["code"], lack["place"]) for lack in content["lacks"]] == _codes(run)
    page = render(run, content, signed=True)
    head = page[: page.index("<main>")]
    assert '<a href="#patient.skips">patient/skips</a>' in head
    assert '<a href="#req-FHIR-REST-002">FHIR-REST-002</a>' in head
    assert "Patient/1 was left on the candidate" in head
    assert 'id="patient.skips"' in page
    assert 'id="req-FHIR-REST-002"' in page


def test_a_signed_page_follows_from_the_journal_alone() -> None:
    shipped = load_requirements(folder("testsets") / FOLDER)
    run = _run(requirements_digest=shipped.digest)
    passage = str(escape(shipped.by_id["FHIR-REST-001"].statement))
    assert passage in render(run)
    assert passage not in render(run, signed=True)
