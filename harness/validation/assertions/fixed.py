"""fixed[x]: the value is exactly this one (FHIR R4 ElementDefinition.fixed[x])."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.validation.assertions.difference import differences, tell
from harness.validation.location import Location
from harness.validation.schema import Origin
from harness.validation.scope import Scope


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same; 1 and true are not, 1 and 1.0 are."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def codes_in(value: Any) -> frozenset[str]:
    """The codes that a fixed value or a pattern names: a code itself, or those of its codings."""
    if isinstance(value, str):
        return frozenset({value})
    if isinstance(value, Mapping):
        own = {value["code"]} if isinstance(value.get("code"), str) else set()
        return frozenset(own).union(*(codes_in(part) for part in value.values() if not isinstance(part, str)))
    return frozenset().union(*map(codes_in, value)) if isinstance(value, list) else frozenset()


@dataclass(frozen=True, slots=True)
class Fixed:
    """The value equals ``expected``, and has nothing that it has not."""

    origin: Origin
    expected: Any
    codes: frozenset[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", codes_in(self.expected))

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report each difference where it stands."""
        scope.session.told_codes.update(self.codes)
        if value != self.expected or not same(value, self.expected):
            self._compare(value, self.expected, where, scope)

    def _compare(self, value: Any, expected: Any, where: Location, scope: Scope) -> None:
        if isinstance(value, Mapping) and isinstance(expected, Mapping):
            for key in value.keys() - expected.keys():
                self.refuse(key, (where, key, -1), scope)
            for key, wanted in expected.items():
                if not same(value.get(key), wanted):
                    self._member(key, value.get(key), wanted, where, scope)
            return
        tell("fixed-value", value, expected, differences(value, expected, same), self.origin, where, scope)

    def _member(self, key: str, value: Any, expected: Any, where: Location, scope: Scope) -> None:
        """Report what differs in the member ``key`` of what stands at ``where``: of a list, the items that do.

        A list of another length differs as a whole, which is said of its owner.
        """
        if not isinstance(expected, list):
            self._compare(value, expected, (where, key, -1), scope)
        elif isinstance(value, list) and len(value) == len(expected):
            for index, pair in enumerate(zip(value, expected, strict=True)):
                if not same(*pair):
                    self._compare(*pair, (where, key, index), scope)
        else:
            tell("fixed-value", value, expected, differences(value, expected, same, key), self.origin, where, scope)

    def refuse(self, key: str, where: Location, scope: Scope) -> None:
        """Report that the fixed value has no ``key``, which the value has."""
        origin = self.origin
        scope.report("fixed-extra", where, found=key, profile=origin.profile, definition=origin.element)

    def matches(self, value: Any) -> bool:
        """Whether ``value`` is the fixed one."""
        return same(value, self.expected)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"fixed": self.expected}
