"""What a profile asks for beside the value of a primitive: an extension, an id (FHIR R4 json.html §2.6.2.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.location import Location
from harness.validation.schema import ElementSchema
from harness.validation.scope import Scope


@dataclass(frozen=True, slots=True)
class BareValue:
    """Looks at the parent: the values under ``key`` that have no companion, although the profile asks for one."""

    key: str
    segment: str
    schema: Callable[[], ElementSchema]

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Report what is missing beside each bare value."""
        item, beside = value.get(self.key), value.get("_" + self.key)
        if type(item) is not list:
            if item is not None and beside is None:
                self._check(-1, where, scope)
            return
        for index, one in enumerate(item):
            known = type(beside) is list and index < len(beside) and beside[index] is not None
            if one is not None and not known:
                self._check(index, where, scope)

    def _check(self, index: int, where: Location, scope: Scope) -> None:
        children = self.schema().children
        if children is not None:
            children.check({}, (where, self.segment, index), scope)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"beside": self.key}
