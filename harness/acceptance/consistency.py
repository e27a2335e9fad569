"""Whether a record agrees with itself: each verdict follows from what stands below it in the same record.

A test's from its steps' checks and its findings, a set's from its tests, the run's from its sets, and a skip from the
verdict of the control it names. Nothing is judged here: a record altered throughout agrees with itself, and only
judging its exchanges again (``rejudge``) tells.
"""

from harness.engine.events import Finding
from harness.engine.results import RunResult, SetResult, TestResult
from harness.engine.verdict import Verdict, combine
from harness.errors import AcceptanceError

_PROVES_NOTHING = frozenset({Verdict.ERROR, Verdict.UNDECIDED, Verdict.SKIP})
_NAMING = frozenset({"control", "depends"})
"""Codes of the findings that rest on another test's verdict; ``expected`` is that test's id."""


def check_consistency(run: RunResult) -> None:
    """Raise AcceptanceError with the first verdict of a run that ended which does not follow from its record."""
    for test in run.tests:
        _check_test(test, run.sets[test.started.test_set])
    for name, result in run.sets.items():
        said = result.finished.verdict if result.finished else None
        follows = combine(test.verdict for test in result.tests.values())
        if result.finished is None or said is not follows:
            raise AcceptanceError(f"the test set {name} says {_said(said)}, but its tests come to {_said(follows)}")
    finished = run.finished
    if finished is None or finished.verdict is not run.verdict:
        said = finished.verdict if finished else None
        raise AcceptanceError(f"the run says {_said(said)}, but its tests come to {_said(run.verdict)}")
    if dict(finished.counts) != run.counts():
        raise AcceptanceError(f"the run counts {dict(finished.counts)}, but its tests come to {run.counts()}")


def _check_test(test: TestResult, test_set: SetResult) -> None:
    place = f"the test {test.started.test_set}/{test.started.test}"
    if test.finished is None:
        raise AcceptanceError(f"{place} never ended")
    for step in test.steps:
        for check in step.checks:
            worst = combine(one.verdict for one in check.findings)
            if worst is not None and combine((worst, check.verdict)) is not check.verdict:
                raise AcceptanceError(
                    f"{place}: the check {check.kind} of its step {step.index + 1} says {check.verdict}, "
                    f"but has a finding that says {worst}"
                )
    outside = test.finished.findings
    follows = combine([*(check.verdict for check in test.checks), *(one.verdict for one in outside)])
    if test.verdict is not follows and not (follows is None and test.verdict in _PROVES_NOTHING):
        raise AcceptanceError(f"{place} says {test.verdict}, but its checks and findings come to {_said(follows)}")
    for finding in outside:
        if finding.code in _NAMING:
            _check_named(place, finding, test_set)


def _check_named(place: str, finding: Finding, test_set: SetResult) -> None:
    """A test of several rows stands in the record as ``id[0]``, ``id[1]``, …; they count together."""
    rows = f"{finding.expected}["
    named = (test.verdict for name, test in test_set.tests.items() if name == finding.expected or name.startswith(rows))
    follows = combine(named)
    if finding.found != (follows.value if follows else "nothing") or follows in (Verdict.PASS, Verdict.WARN):
        raise AcceptanceError(
            f"{place} is {finding.verdict} because {finding.expected} came to {finding.found}, "
            f"but that came to {_said(follows)}"
        )


def _said(verdict: Verdict | None) -> str:
    return verdict.value if verdict else "nothing"
