"""Why a verdict changed: found by changing one thing at a time, from what was recorded to what judges now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness import __version__
from harness.acceptance.judging import Bench, Setting
from harness.acceptance.recorded import Recorded
from harness.engine.results import RunResult
from harness.engine.runner import environment
from harness.engine.verdict import Verdict, combine

Place = tuple[str, str]
"""Test set and test."""


class Cause(StrEnum):
    """What a changed verdict can come from."""

    TEST_SET = "test set"
    REQUIREMENT = "requirement"
    DEFINITIONS = "definitions"
    TERMINOLOGY = "terminology"
    ENGINE = "engine"
    RECORDED = "recorded"
    """The recorded verdict does not follow from its own exchanges, though all that judged is the same here: altered?"""


@dataclass(frozen=True)
class RequirementChange:
    """A requirement that came to another verdict, or that other tests verify now."""

    requirement: str
    before: Verdict | None
    """None: no test verified it."""
    after: Verdict | None
    causes: tuple[Cause, ...]


def verdicts(run: RunResult) -> dict[Place, Verdict]:
    """Return the verdict of every test of a run."""
    return {(test.started.test_set, test.started.test): test.verdict for test in run.tests}


@dataclass(frozen=True)
class Trial:
    """What was changed from the recorded setting, alone, and what the tests came to."""

    cause: Cause
    verdicts: Mapping[Place, Verdict]


class Attribution:
    """Judges the run under the recorded setting, then with each thing alone as it is in ``chosen``."""

    def __init__(
        self, bench: Bench, recorded: Recorded, baseline: Setting, chosen: Setting, *, baseline_known: bool
    ) -> None:
        """``baseline_known``: the recorded definitions are here; else ``baseline`` has the local ones instead."""
        self._recorded = verdicts(recorded.run)
        self._known = baseline_known
        self._judged_by = _judged_by(recorded.run)
        self._baseline = verdicts(bench.judge(recorded, baseline))
        self._trials = [Trial(cause, verdicts(bench.judge(recorded, one))) for cause, one in _single(baseline, chosen)]

    def causes(self, place: Place) -> tuple[Cause, ...]:
        """Return why the test at ``place`` came to another verdict.

        Several causes: each alone is enough, or, where none is, all that were changed act together. Definitions that
        are not here cannot be told from the engine, so both are named. Where the recorded definitions and test sets,
        and the same version of the harness, come to another verdict than they are recorded with, it is the record; the
        engine is named besides when the packages or the Python that it runs on are others.
        """
        before = self._recorded.get(place)
        found: list[Cause] = []
        if self._baseline.get(place) != before:
            found += self._judged_by if self._known else [Cause.DEFINITIONS, Cause.TERMINOLOGY, Cause.ENGINE]
        found += [trial.cause for trial in self._trials if trial.verdicts.get(place) != self._baseline.get(place)]
        together = [trial.cause for trial in self._trials]
        return tuple(dict.fromkeys(found or together))


def _judged_by(run: RunResult) -> list[Cause]:
    """Return why the recorded setting may come to another verdict here."""
    if run.started.harness != __version__:
        return [Cause.ENGINE]
    recorded, here = ({**names, "platform": ""} for names in (run.started.environment, environment()))
    return [Cause.RECORDED] if recorded == here else [Cause.RECORDED, Cause.ENGINE]


def _single(baseline: Setting, chosen: Setting) -> list[tuple[Cause, Setting]]:
    """Return the settings that differ from ``baseline`` in one thing, which is as in ``chosen``."""
    trials: list[tuple[Cause, Setting]] = []
    if chosen.test_sets is not baseline.test_sets:
        trials.append((Cause.TEST_SET, baseline.with_(test_sets=chosen.test_sets)))
    if chosen.structures is not baseline.structures:
        trials.append((Cause.DEFINITIONS, baseline.with_(structures=chosen.structures)))
    if chosen.terminology is not baseline.terminology:
        trials.append((Cause.TERMINOLOGY, baseline.with_(terminology=chosen.terminology)))
    return trials


def requirement_changes(
    before: RunResult, after: RunResult, causes: Mapping[Place, Sequence[Cause]]
) -> tuple[RequirementChange, ...]:
    """Return the requirements that came to another verdict.

    The cause is that of the tests whose verdict changed; where none did, other tests verify the requirement now: the
    requirement itself is the cause.
    """
    theirs, ours = before.requirements(), after.requirements()
    found = []
    for name in sorted(theirs.keys() | ours.keys()):
        tests = [*theirs.get(name, ()), *ours.get(name, ())]
        was = combine(test.verdict for test in theirs.get(name, ()))
        now = combine(test.verdict for test in ours.get(name, ()))
        if was == now:
            continue
        places = {(test.started.test_set, test.started.test) for test in tests}
        why = dict.fromkeys(cause for place in sorted(places) for cause in causes.get(place, ()))
        found.append(RequirementChange(name, was, now, tuple(why) or (Cause.REQUIREMENT,)))
    return tuple(found)
