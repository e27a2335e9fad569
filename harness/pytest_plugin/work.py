"""What a session is to run together."""

from dataclasses import dataclass, field
from pathlib import Path

from harness.engine.planner import Case
from harness.errors import UsageError
from harness.suite.model import TestSet
from harness.suite.requirements import Requirements

SUFFIXES = (".yaml", ".yml")
"""How the files of test sets end."""
Place = tuple[str, str]
"""Ids of the test set and of the test."""


@dataclass(frozen=True)
class Source:
    """Where a test set comes from: its folder, that of its fixtures, and the requirements that it keeps to."""

    root: Path
    fixtures: Path
    requirements: Requirements


@dataclass
class Work:
    """Test sets by id, the chosen cases, and where the files lie."""

    test_sets: dict[str, TestSet] = field(default_factory=dict)
    cases: set[Place] = field(default_factory=set)
    _roots: dict[tuple[Path, Path], Requirements] = field(default_factory=dict)

    def add(self, test_set: TestSet, case: Case, source: Source) -> None:
        """Add one item. Raises UsageError when two sets share an id."""
        known = self.test_sets.setdefault(test_set.id, test_set)
        if known.path != test_set.path:
            raise UsageError(f'two test sets have the id "{test_set.id}": {known.path} and {test_set.path}')
        self.cases.add((test_set.id, case.id))
        self._roots[source.root, source.fixtures] = source.requirements

    @property
    def roots(self) -> tuple[Path, Path]:
        """The folder of the test sets and that of the fixtures. Raises UsageError when there are several."""
        if len(self._roots) > 1:
            listed = ", ".join(sorted(str(one) for one, _ in self._roots))
            raise UsageError(f"a recorded run has one folder of test sets, here are several: {listed}")
        ((root, fixtures),) = self._roots
        return root, fixtures

    @property
    def requirements(self) -> Requirements | None:
        """What the tests verify; None where test sets of several folders keep to different catalogues."""
        found = {one.digest: one for one in self._roots.values()}
        return next(iter(found.values())) if len(found) == 1 else None
