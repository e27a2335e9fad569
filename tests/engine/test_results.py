"""What a run came to, read from its events."""

from harness.engine.events import TestStarted
from harness.engine.results import RunResult
from tests.runs import events


def test_what_is_unproven_is_what_is_to_run_again() -> None:
    assert RunResult.read(events()).unproven == {("patient", "refuses")}


def test_what_never_began_or_ended_is_unproven() -> None:
    recorded = events()
    last = max(index for index, event in enumerate(recorded) if isinstance(event, TestStarted))
    assert RunResult.read(recorded[:last]).unproven == {("patient", "refuses"), ("patient", "skips")}
    first = min(index for index, event in enumerate(recorded) if isinstance(event, TestStarted))
    assert ("patient", "reads") in RunResult.read(recorded[: first + 1]).unproven
