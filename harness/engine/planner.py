"""Which tests of a set run, and in which order: rows of ``each``, selection, controls and dependencies."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError
from harness.suite.model import Test, TestSet
from harness.suite.problem import nearest


@dataclass(frozen=True)
class Case:
    """One test as it runs: a test, or one row of its table."""

    id: str
    test: Test
    row: Mapping[str, Any]

    @property
    def needed(self) -> tuple[str, ...]:
        """Ids of the tests that must have run before."""
        return (*((self.test.control,) if self.test.control else ()), *self.test.depends)


Select = Callable[[TestSet, Case], bool]


@dataclass(frozen=True)
class Selection:
    """Chooses tests by id (``id``, ``id[row]``, ``set/id``) and by tag; what is empty chooses all."""

    tests: Sequence[str] = ()
    tags: Sequence[str] = ()

    def __call__(self, test_set: TestSet, case: Case) -> bool:
        """Tell whether ``case`` is chosen."""
        labels = {*case.test.tags, *test_set.tags}
        return (not self.tests or not _names(test_set, case).isdisjoint(self.tests)) and (
            not self.tags or not labels.isdisjoint(self.tags)
        )

    def check(self, test_sets: Sequence[TestSet]) -> None:
        """Raise UsageError for an id that is no test's of ``test_sets``: a slip, which would choose less than meant."""
        if not self.tests:
            return
        known = {name: None for found in test_sets for case in cases(found) for name in sorted(_names(found, case))}
        for name in self.tests:
            if name not in known:
                raise UsageError(f'no test of the chosen test sets is called "{name}"{nearest(name, known)}')

    def strangers(self, test_sets: Sequence[TestSet]) -> Iterator[str]:
        """What to tell of each tag that no test of ``test_sets`` has: another set may have it, so it is no fault."""
        tags = {
            tag for found in test_sets for names in (found.tags, *(one.tags for one in found.tests)) for tag in names
        }
        for name in self.tags:
            if name not in tags:
                hint = nearest(name, tags) or f"; known are {', '.join(sorted(tags)) or 'none'}"
                yield f'no test of the chosen test sets has the tag "{name}"{hint}'


@dataclass(frozen=True)
class Named:
    """Chooses exactly these cases: (id of the set, id of the case)."""

    tests: frozenset[tuple[str, str]]

    def __call__(self, test_set: TestSet, case: Case) -> bool:
        """Tell whether ``case`` is one of them."""
        return (test_set.id, case.id) in self.tests


@dataclass(frozen=True)
class Shard:
    """Chooses part ``number`` (from 1) of ``count``: every test is in one part, with its controls and dependencies."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str, option: str) -> "Shard":
        """Return part K of N for ``K/N``, the value of ``option``. Raises UsageError."""
        found = re.fullmatch(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", text)
        if found is None or int(found[1]) > int(found[2]):
            raise UsageError(f'{option} needs K/N with K from 1 to N, such as 1/4, not "{text}"')
        return cls(int(found[1]), int(found[2]))

    def __call__(self, test_set: TestSet, case: Case) -> bool:
        """Tell whether ``case`` is in this part: decided by the ids alone, so that parts can run anywhere."""
        name = f"{test_set.id}/{_kin(test_set)[case.test.id]}".encode()
        return int.from_bytes(hashlib.sha256(name).digest()[:8]) % self.count == self.number - 1


@dataclass(frozen=True)
class Every:
    """Chooses what all of ``selects`` choose."""

    selects: Sequence[Select]

    def __call__(self, test_set: TestSet, case: Case) -> bool:
        """Tell whether ``case`` is chosen by each."""
        return all(select(test_set, case) for select in self.selects)


def _names(test_set: TestSet, case: Case) -> set[str]:
    """Return what ``case`` may be called: ``id``, ``id[row]``, and both after ``set/``."""
    names = {case.id, case.test.id}
    return names | {f"{test_set.id}/{name}" for name in names}


def _kin(test_set: TestSet) -> dict[str, str]:
    """Return for each test the first one of the set that it hangs together with by controls and dependencies."""
    first = {test.id: test.id for test in test_set.tests}
    for test in test_set.tests:
        for name in (*((test.control,) if test.control else ()), *test.depends):
            one, other = sorted((first[name], first[test.id]))
            first = {key: one if value == other else value for key, value in first.items()}
    return first


def cases(test_set: TestSet) -> tuple[Case, ...]:
    """Return the tests of a set in file order; the rows of ``each`` are ``id[0]``, ``id[1]``, …"""
    found: list[Case] = []
    for test in test_set.tests:
        if test.each:
            found += [Case(f"{test.id}[{index}]", test, row) for index, row in enumerate(test.each)]
        else:
            found.append(Case(test.id, test, {}))
    return tuple(found)


def plan(test_set: TestSet, select: Select | None = None) -> tuple[Case, ...]:
    """Return the cases to run, in file order: those selected, and those that they need.

    A control or dependency stands before what needs it (the loader sees to it), so file order is a running order.
    """
    everything = cases(test_set)
    if select is None:
        return everything
    wanted = {case.id for case in everything if select(test_set, case)}
    needed: set[str] = set()
    for case in reversed(everything):
        if case.id in wanted or case.test.id in needed:
            wanted.add(case.id)
            needed.update(case.needed)
    return tuple(case for case in everything if case.id in wanted)
