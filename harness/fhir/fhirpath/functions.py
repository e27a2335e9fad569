"""FHIRPath N1's functions on collections and numbers (N1 §5.1 to §5.4, §5.7 to §5.9).

A function takes the items it is applied to, the environment, and the items of each argument. Those in `JUDGES` answer
True, False or None (empty); those in `FUNCTIONS` a collection. The functions whose arguments are evaluated for each
item (``where``, ``select``, …) are part of the translation.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.environment import Environment
from harness.fhir.fhirpath.navigation import children, descendants
from harness.fhir.fhirpath.operators import integer_of, one, text_of, truth_of, unexpected
from harness.fhir.fhirpath.values import contains, distinct, plain, scalar
from harness.fhir.primitives import temporal

Items = list[Any]


@dataclass(frozen=True, slots=True)
class Function:
    """An implementation with the least and the greatest number of its arguments."""

    call: Callable[..., Any]
    least: int = 0
    most: int = 0


def _booleans(items: Items) -> list[bool]:
    values = [plain(item) for item in items]
    if any(type(value) is not bool for value in values):
        raise FHIRPathError(
            "FHIRPath allTrue, anyTrue, allFalse and anyFalse need a collection of booleans",
            "FHIRPath allTrue, anyTrue, allFalse et anyFalse veulent une collection de booléens",
        )
    return values


def _negation(items: Items, _: Environment) -> bool | None:
    verdict = truth_of(items)
    return None if verdict is None else not verdict


JUDGES: dict[str, Function] = {
    "empty": Function(lambda items, _: not items),
    "not": Function(_negation),
    "allTrue": Function(lambda items, _: all(_booleans(items))),
    "anyTrue": Function(lambda items, _: any(_booleans(items))),
    "allFalse": Function(lambda items, _: not any(_booleans(items))),
    "anyFalse": Function(lambda items, _: not all(_booleans(items))),
    "subsetOf": Function(lambda items, _, other: all(contains(other, item) for item in items), 1, 1),
    "supersetOf": Function(lambda items, _, other: all(contains(items, item) for item in other), 1, 1),
    "isDistinct": Function(lambda items, _: len(distinct(items)) == len(items)),
}


def _single(items: Items, _: Environment) -> Items:
    one(items, "single()")
    return items


def _skip(items: Items, _: Environment, number: Items) -> Items:
    return items[max(0, integer_of(number, "skip()") or 0) :]


def _take(items: Items, _: Environment, number: Items) -> Items:
    return items[: max(0, integer_of(number, "take()") or 0)]


def _intersect(items: Items, _: Environment, other: Items) -> Items:
    return [item for item in distinct(items) if contains(other, item)]


def _exclude(items: Items, _: Environment, other: Items) -> Items:
    return [item for item in items if not contains(other, item)]


def _trace(items: Items, environment: Environment, name: Items, shown: Items | None = None) -> Items:
    if environment.trace is not None:
        values = items if shown is None else shown
        environment.trace(text_of(name, "trace()") or "", [plain(item) for item in values])
    return items


def _moment(environment: Environment) -> datetime:
    return environment.now or datetime.now(UTC)


def _now(_: Items, environment: Environment) -> Items:
    return [temporal(_moment(environment).isoformat(timespec="milliseconds"))]


def _today(_: Items, environment: Environment) -> Items:
    return [temporal(_moment(environment).date().isoformat())]


def _time_of_day(_: Items, environment: Environment) -> Items:
    return [temporal(_moment(environment).time().isoformat(timespec="milliseconds"))]


def _number(items: Items, what: str) -> Any:
    value = scalar(one(items, what))
    if value is None or type(value) in (int, Decimal):
        return value
    raise unexpected(what, ("a number", "un nombre"), value)


def _whole(name: str, rule: Callable[[Any], int]) -> Function:
    def call(items: Items, _: Environment) -> Items:
        value = _number(items, name)
        return [] if value is None else [rule(value)]

    return Function(call)


def _absolute(items: Items, _: Environment) -> Items:
    value = _number(items, "abs()")
    return [] if value is None else [abs(value)]


def _round(items: Items, _: Environment, digits: Items | None = None) -> Items:
    value = _number(items, "round()")
    places = 0 if digits is None else integer_of(digits, "round()") or 0
    if value is None or places < 0:
        return []
    return [Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)]


FUNCTIONS: dict[str, Function] = {
    "count": Function(lambda items, _: [len(items)]),
    "distinct": Function(lambda items, _: distinct(items)),
    "single": Function(_single),
    "first": Function(lambda items, _: items[:1]),
    "last": Function(lambda items, _: items[-1:]),
    "tail": Function(lambda items, _: items[1:]),
    "skip": Function(_skip, 1, 1),
    "take": Function(_take, 1, 1),
    "intersect": Function(_intersect, 1, 1),
    "exclude": Function(_exclude, 1, 1),
    "union": Function(lambda items, _, other: distinct(items + other), 1, 1),
    "combine": Function(lambda items, _, other: items + other, 1, 1),
    "children": Function(lambda items, _: children(items)),
    "descendants": Function(lambda items, _: descendants(items)),
    "trace": Function(_trace, 1, 2),
    "now": Function(_now),
    "today": Function(_today),
    "timeOfDay": Function(_time_of_day),
    "abs": Function(_absolute),
    "ceiling": _whole("ceiling()", math.ceil),
    "floor": _whole("floor()", math.floor),
    "truncate": _whole("truncate()", int),
    "round": Function(_round, 0, 1),
}
