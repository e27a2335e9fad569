"""Element.id: unique in the resource (FHIR R4 element §2.24.0.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.validation.location import Location, render
from harness.validation.scope import Scope


@dataclass(frozen=True, slots=True)
class ElementId:
    """One id of one element."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report, at the element, an id that another element of the resource has."""
        if type(value) is not str:
            return
        place = render(where[0])
        if scope.ids.setdefault(value, place) != place:
            scope.report("duplicate-id", where[0], found=value)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"id": "unique"}
