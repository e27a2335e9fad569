"""What a run came to, read from its events."""

from dataclasses import replace

import pytest

from harness.engine.checks import finding
from harness.engine.events import TestFinished, TestStarted
from harness.engine.results import RunResult
from harness.engine.verdict import Verdict
from tests.runs import events


def test_what_is_unproven_is_what_is_to_run_again() -> None:
    assert RunResult.read(events()).unproven == {("patient", "refuses")}


def test_what_never_began_or_ended_is_unproven() -> None:
    recorded = events()
    last = max(index for index, event in enumerate(recorded) if isinstance(event, TestStarted))
    assert RunResult.read(recorded[:last]).unproven == {("patient", "refuses"), ("patient", "skips")}
    first = min(index for index, event in enumerate(recorded) if isinstance(event, TestStarted))
    assert ("patient", "reads") in RunResult.read(recorded[: first + 1]).unproven


@pytest.mark.parametrize(("code", "again"), [("control", True), ("depends", True), ("stopped", True), ("needs", False)])
def test_what_another_test_kept_from_running_is_to_run_again(code: str, again: bool) -> None:
    why = finding(code, Verdict.SKIP, expected="other", found="fail")
    recorded = [
        replace(event, findings=(why,)) if isinstance(event, TestFinished) and event.test == "skips" else event
        for event in events()
    ]
    assert (("patient", "skips") in RunResult.read(recorded).unproven) is again
