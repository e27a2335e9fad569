"""pattern[x]: the value has at least these parts (FHIR R4 ElementDefinition.pattern[x])."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.validation.assertions.difference import differences, tell
from harness.validation.assertions.fixed import codes_in, same
from harness.validation.location import Location
from harness.validation.schema import Origin
from harness.validation.scope import Scope


def contains(value: Any, pattern: Any) -> bool:
    """Whether ``value`` has every part of ``pattern``; a list has, for each item of the pattern, one that fits."""
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(contains(value.get(key), part) for key, part in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(contains(item, part) for item in value) for part in pattern)
    return same(value, pattern)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The value contains ``expected``."""

    origin: Origin
    expected: Any
    codes: frozenset[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", codes_in(self.expected))

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report each part that is missing or different where it stands."""
        scope.session.told_codes.update(self.codes)
        if not contains(value, self.expected):
            self._compare(value, self.expected, where, scope)

    def _compare(self, value: Any, expected: Any, where: Location, scope: Scope, name: str = "") -> None:
        """Report what differs at ``where``; ``name`` is the list below it that is meant."""
        if isinstance(expected, Mapping) and isinstance(value, Mapping):
            for key, part in expected.items():
                if contains(value.get(key), part):
                    continue
                listed = isinstance(part, list)
                inside = where if listed else (where, key, -1)
                self._compare(value.get(key), part, inside, scope, key if listed else "")
            return
        tell("pattern", value, expected, differences(value, expected, contains, name), self.origin, where, scope)

    def matches(self, value: Any) -> bool:
        """Whether ``value`` contains the pattern."""
        return contains(value, self.expected)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"pattern": self.expected}
