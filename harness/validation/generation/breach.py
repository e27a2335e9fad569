"""What a mutant is to break, and the changes that may break it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from harness.validation.generation.paths import Edit
from harness.validation.location import Location, render
from harness.validation.outcome import Issue

Proposal = tuple[Edit, ...]


@dataclass(frozen=True)
class Breach:
    """One constraint of the element ``element``, and ``proposals`` of changes, the likeliest first.

    ``where`` is the element at which the validator reports it; ``expected`` what the constraint asks for.
    """

    rule: str
    element: str
    where: Location
    proposals: Iterable[Proposal]
    constraint: str | None = None
    definition: str | None = None
    expected: Any = None
    suspects: Callable[[dict[str, Any]], bool] = lambda _: True
    """Whether a changed resource may break the constraint: a quick look before the whole is judged."""

    @property
    def name(self) -> str:
        """``rule@element-id``; an invariant with its key: ``invariant:obs-6@Observation``."""
        return f"{self.rule}{':' + self.constraint if self.constraint else ''}@{self.element}"

    def told_by(self, issue: Issue) -> bool:
        """Whether ``issue`` is about this constraint, at this place."""
        if issue.rule != self.rule or (self.constraint is not None and issue.constraint != self.constraint):
            return False
        here = render(self.where)
        inside = issue.expression == here or issue.expression.startswith((here + ".", here + "["))
        if self.definition is not None and issue.definition is not None:
            return inside and issue.definition == self.definition
        return inside
