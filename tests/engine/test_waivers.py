"""Findings that are accepted until a day: they stay, count as warnings, and count again when the day has passed."""

from datetime import UTC, datetime

import pytest

from harness.engine import Candidate, Replay, run_sync
from harness.engine.checks.evidence import finding
from harness.engine.events import CheckResult
from harness.engine.journal import JournalWriter, read_journal
from harness.engine.verdict import Verdict
from harness.engine.waivers import Waivers
from harness.errors import UsageError

TESTS = """
tests:
  - id: first
    TITLE
    verifies: [A-001]
    steps:
      - read: Patient/none
        expect: {status: 200}
  - id: second
    TITLE
    verifies: [A-002]
    steps:
      - read: Patient/none
        expect: {status: 200, type: Patient}
"""
WAIVER = "code: status, reason: Known since the audit, author: QA"


def waivers(tmp_path, *lines):
    path = tmp_path / "waivers.yaml"
    path.write_text("waivers:\n" + "".join(f"  - {{{line}}}\n" for line in lines), encoding="utf-8")
    return Waivers.from_file(path)


@pytest.fixture
def go(load, candidate, definitions, lenient, tiny, tmp_path):
    def go(*lines, **options):
        found = waivers(tmp_path, *lines)
        return run_sync([load(TESTS)], candidate, definitions=definitions, judge=lenient, waivers=found, **options)

    return go


def verdicts(result):
    return [test.verdict.value for test in result.tests]


@pytest.mark.parametrize("scope", ["test: tiny/first", "test: first", "requirement: A-001"])
def test_a_waived_finding_is_a_warning_and_stays(go, scope):
    result = go(f"{WAIVER}, {scope}, expires: '2999-12-31'")
    assert verdicts(result) == ["warn", "fail"]
    (finding,) = result.tests[0].findings
    assert (finding.code, finding.verdict.value) == ("status", "warn")
    assert finding.waived == "Known since the audit (QA, ≤ 2999-12-31)"
    assert result.finished.waivers_unmet == ()
    assert result.started.waivers[0]["author"] == "QA"


def test_an_expired_one_counts_again_and_one_that_meets_nothing_is_told(go):
    result = go(
        f"{WAIVER}, test: first, expires: '2020-01-01'",
        f"{WAIVER}, path: Patient.name, expires: '2999-12-31'",
        "code: status.server-error, reason: Of this one alone, author: QA, test: first, expires: '2999-12-31'",
    )
    assert verdicts(result) == ["fail", "fail"]
    assert result.finished.waivers_unmet == ("status first", "status Patient.name", "status.server-error first")


def test_an_error_cannot_be_waived(load, definitions, lenient, tmp_path):
    found = waivers(
        tmp_path, "code: network, reason: It is never there, author: QA, test: first, expires: '2999-12-31'"
    )
    nobody = Candidate.at("http://127.0.0.1:9/fhir")
    result = run_sync([load(TESTS)], nobody, definitions=definitions, judge=lenient, waivers=found)
    assert verdicts(result) == ["error", "error"]


def test_waivers_are_recorded_and_judge_again(go, load, definitions, lenient, tmp_path):
    result = go(f"{WAIVER}, test: first, expires: '2999-12-31'", writers=[JournalWriter(tmp_path / "run")], seed=1)
    again = run_sync(
        [load(TESTS)],
        Candidate.of(result.started.candidate),
        definitions=definitions,
        judge=lenient,
        transport=Replay(read_journal(tmp_path / "run")),
        seed=1,
        waivers=Waivers.of(result.started.waivers),
    )
    assert verdicts(again) == verdicts(result) == ["warn", "fail"]


@pytest.mark.parametrize(
    ("code", "expires", "instant", "verdict"),
    [
        ("header.missing", "2030-06-30", "2030-06-30T23:59:59.999999+00:00", Verdict.WARN),
        ("header", "2030-06-30", "2030-07-01T01:59:59+02:00", Verdict.WARN),  # the day is that of UTC
        ("header", "2030-06-30", "2030-07-01T00:00:00+00:00", Verdict.FAIL),
    ],
)
def test_it_holds_to_the_end_of_its_last_day_and_for_a_whole_family(tmp_path, code, expires, instant, verdict):
    found = waivers(tmp_path, f"{WAIVER.replace('status', code)}, test: first, expires: {expires}")
    judged = CheckResult("headers", Verdict.FAIL, (finding("header.missing", name="ETag"),))
    now = datetime.fromisoformat(instant).astimezone(UTC)
    assert found.apply(judged, "tiny", "first[2]", now).verdict is verdict
    assert bool(found.unmet) is (verdict is Verdict.FAIL)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{WAIVER}, expires: '2999-12-31'", "what it is about"),
        (f"{WAIVER}, test: x, expires: '2999-13-31'", "no day of the calendar"),
        (f"{WAIVER}, test: x", "expires"),
        (f"{WAIVER}, tests: x, test: y, expires: '2999-12-31'", 'did you mean "test"'),
        (
            f"{WAIVER.replace('status', 'statuss')}, test: x, expires: '2999-12-31'",
            'the code "statuss"; did you mean "status"',
        ),
        ("code: status, reason: known, author: QA, test: x, expires: '2999-12-31'", "10 characters at least"),
        (
            "code: status, reason: 'known         .', author: QA, test: x, expires: '2999-12-31'",
            "10 characters at least",
        ),
        ("code: status, reason: known since March, author: ' ', test: x, expires: '2999-12-31'", "say who accepts it"),
        (f"{WAIVER.replace('status', 'head')}, test: x, expires: '2999-12-31'", 'no finding has the code "head"'),
    ],
)
def test_faults_of_the_file_are_named(tmp_path, line, said):
    with pytest.raises(UsageError, match=r"waivers\.yaml:2:") as caught:
        waivers(tmp_path, line)
    assert said in str(caught.value)
