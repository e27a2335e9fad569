"""What other people's readers make of the reports: the same tests, verdicts and exchanges."""

import json

import junitparser
import pytest
from haralyzer import HarParser

from harness.engine.journal import JournalWriter, read_journal
from harness.engine.results import RunResult
from harness.report import har, junit
from harness.report.writer import replay
from tests.runs import events


@pytest.fixture
def run() -> RunResult:
    return RunResult.read(events())


def test_junitparser_reads_the_same_tests(run: RunResult) -> None:
    (suite,) = junitparser.JUnitXml.fromstring(junit.render(run))
    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == ("patient", 3, 1, 0, 1)
    told = {case.name: [type(one).__name__ for one in case.result] for case in suite}
    assert told == {"reads": [], "refuses": ["Failure"], "skips": ["Skipped"]}


def test_haralyzer_reads_the_same_exchanges(run: RunResult) -> None:
    pages = HarParser(json.loads(b"".join(har.render(run)))).pages
    read = {page.page_id: [(entry.request.method, entry.status) for entry in page.entries] for page in pages}
    assert read == {"patient/reads": [("GET", 200)], "patient/refuses": [("GET", 500)]}


def test_the_events_are_lines_of_json_that_are_there_at_once(tmp_path) -> None:
    writer = JournalWriter(tmp_path)
    writer.open()
    for number, event in enumerate(events(), 1):
        writer.write(event)
        lines = (tmp_path / "journal.ndjson").read_bytes().splitlines()
        assert len(lines) == number
        assert json.loads(lines[-1])["event"] == type(event).__name__
    writer.close()
    assert list(read_journal(tmp_path)) == events()
    replay(events(), JournalWriter(tmp_path / "again"))
    assert (tmp_path / "again" / "journal.ndjson").read_bytes() == (tmp_path / "journal.ndjson").read_bytes()
