"""How often an element occurs (ElementDefinition.min and .max, FHIR R4 §2.26.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.location import Location
from harness.validation.schema import Origin
from harness.validation.scope import Scope


@dataclass(frozen=True, slots=True)
class Cardinality:
    """Looks at the parent. ``keys`` pairs each JSON key of the element (several for a choice) with its companion."""

    origin: Origin
    keys: tuple[tuple[str, str], ...]
    min: int
    max: int | None

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Report, at the parent, fewer or more than allowed."""
        count = 0
        for key, companion in self.keys:
            if key in value or companion in value:
                item = value.get(key, value.get(companion))
                count += len(item) if type(item) is list else item is not None
        if count < self.min:
            rule, expected = "min-cardinality", self.min
        elif self.max is not None and count > self.max:
            rule, expected = "max-cardinality", self.max
        else:
            return
        origin = self.origin
        scope.report(rule, where, found=count, expected=expected, profile=origin.profile, definition=origin.element)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"cardinality": f"{self.min}..{'*' if self.max is None else self.max}", "element": self.origin.element}
