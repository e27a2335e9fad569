"""minValue[x], maxValue[x] and maxLength (FHIR R4 ElementDefinition), and what HL7's extensions add to them.

Those are ``minLength`` and ``regex`` (R4), and R5's ``mustHaveValue``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from harness.fhir.primitives import compare_temporal, exact_decimal
from harness.fhir.units import commensurable, convert
from harness.validation.location import Location
from harness.validation.schema import Origin
from harness.validation.scope import Scope

_UCUM = "http://unitsofmeasure.org"
_LONGEST = 1000
"""Characters of a text that is compared with a pattern that somebody wrote."""


def compare(value: Any, bound: Any) -> int | None:
    """-1, 0 or 1 as ``value`` is before, at or after ``bound``; None where that cannot be told."""
    if isinstance(value, Mapping) and isinstance(bound, Mapping):
        return _compare_quantities(value, bound)
    if isinstance(value, str) and isinstance(bound, str):
        return compare_temporal(value, bound)
    left, right = exact_decimal(value), exact_decimal(bound)
    return None if left is None or right is None else (left > right) - (left < right)


def _compare_quantities(value: Mapping[str, Any], bound: Mapping[str, Any]) -> int | None:
    left, right = exact_decimal(value.get("value")), exact_decimal(bound.get("value"))
    if left is None or right is None or (bound.get("system") and value.get("system") != bound["system"]):
        return None  # a code of another system, or a unit in words, is not the code that the bound means
    unit, wanted = value.get("code") or value.get("unit"), bound.get("code") or bound.get("unit")
    if wanted is not None and unit != wanted:
        converted: Decimal | None = convert(left, str(unit), str(wanted))
        if converted is None:
            return None
        left = converted
    return (left > right) - (left < right)


def _other_dimension(value: Any, bound: Any) -> bool:
    """Whether both are UCUM quantities of units that measure different things."""
    if not isinstance(value, Mapping) or not isinstance(bound, Mapping):
        return False
    units = [part.get("code") for part in (value, bound) if part.get("system") == _UCUM]
    return len(units) == 2 and commensurable(str(units[0]), str(units[1])) is False


def _text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return " ".join(
            str(part) for part in (value.get("value"), value.get("unit") or value.get("code")) if part is not None
        )
    return value


@dataclass(frozen=True, slots=True)
class Bound:
    """A least (``sign`` -1) or greatest (``sign`` 1) value."""

    origin: Origin
    bound: Any
    sign: int

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report a value beyond the bound, or one that cannot be compared with it."""
        if value is None:
            return
        order = compare(value, self.bound)
        origin = self.origin
        if order is None and _other_dimension(value, self.bound):
            scope.report(
                "value-other-dimension",
                where,
                found=_text(value),
                expected=_text(self.bound),
                profile=origin.profile,
                definition=origin.element,
            )
        elif order is None:
            scope.report(
                "value-not-comparable",
                where,
                found=_text(value),
                expected=_text(self.bound),
                profile=origin.profile,
                definition=origin.element,
                undecided=True,
            )
        elif order == self.sign:
            scope.report(
                "max-value" if self.sign > 0 else "min-value",
                where,
                found=_text(value),
                expected=_text(self.bound),
                profile=origin.profile,
                definition=origin.element,
            )

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"maxValue" if self.sign > 0 else "minValue": self.bound}


@dataclass(frozen=True, slots=True)
class MaxLength:
    """A text has at most ``limit`` characters."""

    origin: Origin
    limit: int

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report a longer text."""
        if isinstance(value, str) and len(value) > self.limit:
            origin = self.origin
            scope.report(
                "max-length",
                where,
                found=len(value),
                expected=self.limit,
                profile=origin.profile,
                definition=origin.element,
            )

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"maxLength": self.limit}


@dataclass(frozen=True, slots=True)
class MinLength:
    """A text has at least ``limit`` characters."""

    origin: Origin
    limit: int

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report a shorter text."""
        if isinstance(value, str) and len(value) < self.limit:
            at = self.origin
            scope.report(
                "min-length", where, found=len(value), expected=self.limit, profile=at.profile, definition=at.element
            )

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"minLength": self.limit}


@dataclass(frozen=True, slots=True)
class Form:
    """A text is as a regular expression says, from its first to its last character."""

    origin: Origin
    pattern: str

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report a text of another form."""
        if isinstance(value, str) and matches(self.pattern, value) is False:
            at = self.origin
            scope.report(
                "text-form", where, found=value, expected=self.pattern, profile=at.profile, definition=at.element
            )

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"regex": self.pattern}


@dataclass(frozen=True, slots=True)
class MustHaveValue:
    """A primitive has a value, and not only extensions that say why it has none."""

    origin: Origin

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report a primitive without a value."""
        if value is None:
            scope.report("value-needed", where, profile=self.origin.profile, definition=self.origin.element)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"mustHaveValue": True}


def matches(pattern: str, value: str) -> bool | None:
    """Whether the whole ``value`` matches; None for a long one, and a pattern unusable or with loops inside loops."""
    if len(value) > _LONGEST or re.search(r"[+*}]\)[+*{]", pattern):
        return None
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return None
