"""The tests of a recorded run once more, from the team's own test sets, against the candidate itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.acceptance.compare import compare
from harness.acceptance.recorded import Recorded
from harness.acceptance.testset_differences import TestSetDifference, differences
from harness.engine.planner import Case, Select
from harness.errors import AcceptanceError
from harness.report.comparison import Comparison
from harness.suite.catalogue import Catalogue
from harness.suite.model import TestSet

Perform = Callable[[int, Sequence[TestSet], Select], Recorded]
"""Runs the test sets with the selected cases and returns what was recorded; the number counts the repeats from 0."""


@dataclass(frozen=True)
class Rerun:
    """What came of it."""

    differences: tuple[TestSetDifference, ...]
    """Of the team's test sets to the submitted ones."""
    comparison: Comparison
    """Of the first repeat to the recorded run; flaky tests are marked."""
    runs: tuple[Recorded, ...]


@dataclass(frozen=True)
class RerunPlan:
    """What is to be run again."""

    recorded: Recorded
    test_sets: tuple[TestSet, ...]
    """The team's sets of the ids that were submitted, in their order."""
    differences: tuple[TestSetDifference, ...]

    def select(self, test_set: TestSet, case: Case) -> bool:
        """Tell whether ``case`` was submitted, or is a test of the team's that the submitted set does not have."""
        source = next((one for one in self.recorded.run.started.test_sets if one.id == test_set.id), None)
        added = next((one.tests for one in self.differences if one.id == test_set.id), {})
        return source is not None and (case.id in source.tests or added.get(case.test.id) in ("added", "changed"))


def plan_rerun(recorded: Recorded, catalogue: Catalogue) -> RerunPlan:
    """Return what to run: the team's test sets in place of the submitted ones.

    Raises AcceptanceError when the team has none of them.
    """
    here = {test_set.id: test_set for test_set in catalogue.test_sets}
    started = recorded.run.started
    test_sets = tuple(here[source.id] for source in started.test_sets if source.id in here)
    if not test_sets:
        listed = ", ".join(source.id for source in started.test_sets)
        raise AcceptanceError(f"{recorded.path}: none of its test sets is here ({listed}); name yours with --root")
    submitted = recorded.readable_test_sets([source.id for source in started.test_sets])
    return RerunPlan(recorded, test_sets, differences(submitted.values(), test_sets))


def rerun(plan: RerunPlan, perform: Perform, repeat: int = 1) -> Rerun:
    """Run ``repeat`` times and compare the first to the recorded run.

    A test whose verdict is not the same in all repeats is flaky: it cannot be compared.
    """
    runs = tuple(perform(number, plan.test_sets, plan.select) for number in range(repeat))
    comparison = compare(plan.recorded, runs[0], [one.run for one in runs[1:]])
    return Rerun(plan.differences, replace(comparison, notes=(*_gone(plan), *comparison.notes)), runs)


def _gone(plan: RerunPlan) -> tuple[dict[str, str], ...]:
    return tuple(
        {
            "en": f"the test set {one.id} is not in the local catalogue: it was not run",
            "fr": f"le jeu de tests {one.id} n'est pas dans le catalogue local : il n'a pas été exécuté",
        }
        for one in plan.differences
        if not one.local
    )
