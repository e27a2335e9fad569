"""Servers that see less than they should: what a seeded defect overlooks does not refuse a write.

Without a defect nothing is wrapped: the healthy server has the checks and the rules as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.sandbox.codec import Resource
from harness.sandbox.problems import Problem
from harness.sandbox.seams import Overlook
from harness.sandbox.store import Record
from harness.sandbox.unit import Change, Check, Rule, Unit


def lenient_check(check: Check, overlooked: tuple[Overlook, ...]) -> Check:
    """``check``, blind to what ``overlooked`` takes out."""
    if not overlooked:
        return check

    def lenient(resource: Resource) -> list[dict[str, Any]]:
        try:
            return check(resource)
        except Problem as problem:
            _raise_rest(problem, overlooked)
            return []

    return lenient


def lenient_rules(rules: tuple[Rule, ...], overlooked: tuple[Overlook, ...]) -> tuple[Rule, ...]:
    """``rules``, each blind to what ``overlooked`` takes out, also in what it defers."""
    return tuple(_Lenient(rule, overlooked) for rule in rules) if overlooked else rules


@dataclass(frozen=True, slots=True)
class _Lenient:
    """A rule whose refusals are looked through first."""

    rule: Rule
    overlooked: tuple[Overlook, ...]

    def before(self, unit: Unit, change: Change) -> Change:
        """See ``change`` as the rule does; where its refusal is overlooked, let the change pass."""
        planned = len(unit.deferred)
        try:
            return self.rule.before(unit, change)
        except Problem as problem:
            _raise_rest(problem, self.overlooked)
            return change
        finally:
            unit.deferred[planned:] = [partial(self._later, step) for step in unit.deferred[planned:]]

    def deleting(self, unit: Unit, latest: Record) -> None:
        """See a deletion as the rule does."""
        self.rule.deleting(unit, latest)

    def _later(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Problem as problem:
            _raise_rest(problem, self.overlooked)


def _raise_rest(problem: Problem, overlooked: tuple[Overlook, ...]) -> None:
    errors = [item for item in problem.issues if item.get("severity") in {"error", "fatal"}]
    left = errors
    for look in overlooked:
        left = look(left)
    if len(left) == len(errors):
        raise problem
    if left:
        raise Problem(problem.status, issues=left, headers=problem.headers)
