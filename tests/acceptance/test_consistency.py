"""A record that contradicts itself is found, whatever its signature says."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.acceptance.consistency import check_consistency
from harness.engine.events import (
    CheckResult,
    Event,
    Finding,
    RunFinished,
    SetFinished,
    StepFinished,
    TestFinished,
)
from harness.engine.results import RunResult
from harness.engine.verdict import Verdict
from harness.errors import AcceptanceError
from tests.runs import events

PASSED = (CheckResult("status", Verdict.PASS),)


def _altered(change: Callable[[Event], Event]) -> RunResult:
    return RunResult.read(map(change, events()))


def _skip_for(named: str, found: str) -> Callable[[Event], Event]:
    finding = Finding("control", Verdict.SKIP, "…", expected=named, found=found)
    return lambda event: (
        replace(event, findings=(finding,)) if isinstance(event, TestFinished) and event.test == "skips" else event
    )


def test_what_was_recorded_agrees_with_itself() -> None:
    check_consistency(RunResult.read(events()))
    check_consistency(_altered(_skip_for("refuses", "fail")))
    check_consistency(_altered(_skip_for("absent", "nothing")))


def _test_passes(event: Event) -> Event:
    if isinstance(event, TestFinished) and event.test == "refuses":
        return replace(event, verdict=Verdict.PASS, reason="")
    return event


def _check_passes(event: Event) -> Event:
    if isinstance(event, StepFinished) and event.test == "refuses":
        return replace(event, checks=(replace(event.checks[0], verdict=Verdict.PASS),))
    return event


def _test_passes_without_checks(event: Event) -> Event:
    return replace(event, checks=()) if isinstance(event, StepFinished) else event


def _test_and_check_pass(event: Event) -> Event:
    if isinstance(event, StepFinished) and event.test == "refuses":
        return replace(event, checks=PASSED)
    return _test_passes(event)


def _set_passes_too(event: Event) -> Event:
    event = _test_and_check_pass(event)
    return replace(event, verdict=Verdict.PASS) if isinstance(event, SetFinished) else event


def _run_passes_too(event: Event) -> Event:
    event = _set_passes_too(event)
    return replace(event, verdict=Verdict.PASS) if isinstance(event, RunFinished) else event


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_test_passes, "patient/refuses says pass, but its checks and findings come to fail"),
        (_check_passes, "patient/refuses: the check status of its step 1 says pass, but has a finding that says fail"),
        (_test_passes_without_checks, "patient/reads says pass, but its checks and findings come to nothing"),
        (_test_and_check_pass, "the test set patient says fail, but its tests come to pass"),
        (_set_passes_too, "the run says fail, but its tests come to pass"),
        (_run_passes_too, "the run counts {'pass': 1, 'fail': 1, 'skip': 1}, but its tests come to"),
        (_skip_for("reads", "fail"), "is skip because reads came to fail, but that came to pass"),
        (_skip_for("reads", "pass"), "is skip because reads came to pass, but that came to pass"),
    ],
)
def test_a_contradiction_is_named(change: Callable[[Event], Event], message: str) -> None:
    with pytest.raises(AcceptanceError) as caught:
        check_consistency(_altered(change))
    assert message in str(caught.value)
