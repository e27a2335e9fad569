"""What is told at the end of a session, whoever ran its tests."""

from collections.abc import Sequence

from harness.engine.events import RunFinished, SetFinished
from harness.engine.verdict import Verdict
from harness.pytest_plugin.aftermath import Aftermath


def _after(left: Sequence[str], unmet: Sequence[str]) -> Aftermath:
    aftermath = Aftermath()
    aftermath.write(SetFinished("set", Verdict.PASS, tuple(left)))
    aftermath.write(RunFinished("2026-01-02T03:04:06.000Z", Verdict.PASS, {}, tuple(unmet)))
    return aftermath


def test_a_waiver_is_unmet_when_no_worker_met_it() -> None:
    leading = Aftermath()
    for worker in (_after(["Patient/1"], ["status", "that"]), _after(["Patient/2"], ["that", "value"]), Aftermath()):
        leading.hear(worker.told)
    assert list(leading.lines("en")) == [
        "left on the candidate, delete it there: Patient/1",
        "left on the candidate, delete it there: Patient/2",
        "this waiver met nothing, or has expired; remove or renew it: that",
    ]


def test_it_is_told_in_french_and_cannot_move_the_cursor() -> None:
    assert list(_after(["Patient/\x1b[2J"], []).lines("fr")) == [
        "resté chez le candidat, à y supprimer : Patient/\\x1b[2J"
    ]


def test_where_nothing_ran_nothing_is_told() -> None:
    assert list(Aftermath().lines("en")) == []
