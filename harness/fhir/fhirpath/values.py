"""The values that expressions work on, and when two of them are equal, equivalent, before or after.

An item of a collection is either an `Element` (something that stands in a resource) or a plain system value: ``bool``,
``int``, ``Decimal``, ``str``, ``Temporal`` or ``Quantity``. Sources: FHIRPath N1 §5.5 (conversion), §6.1 and §6.2
(equality, comparison); FHIR R4 https://hl7.org/fhir/R4/fhirpath.html.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from harness.errors import FHIRPathValueError
from harness.fhir.primitives import Temporal, exact_decimal, temporal
from harness.fhir.units import convert

CALENDAR_UNITS = {
    name + plural: name
    for name in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for plural in ("", "s")
}
"""The words for units of time, with the singular they stand for."""

MILLISECONDS = {
    **dict.fromkeys(("ms", "millisecond"), 1),
    **dict.fromkeys(("s", "second"), 1000),
    **dict.fromkeys(("min", "minute"), 60_000),
    **dict.fromkeys(("h", "hour"), 3_600_000),
    **dict.fromkeys(("d", "day"), 86_400_000),
    **dict.fromkeys(("wk", "week"), 604_800_000),
}
"""The units of time that always have the same length, with that length."""
_TEMPORAL_TYPES = frozenset({"date", "dateTime", "instant", "time"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a UCUM code, or with a calendar's unit such as ``year``."""

    value: Decimal
    unit: str
    calendar: bool = False

    def __str__(self) -> str:
        return f"{self.value} {self.unit}" if self.calendar else f"{self.value} '{self.unit}'"


class Element:
    """Something that stands in a resource: its JSON value, the ``_name`` object beside it, its type where the key says
    it (``valueQuantity``), and the way to it."""

    __slots__ = ("extra", "kind", "name", "parent", "value")

    def __init__(
        self,
        value: Any,
        extra: dict[str, Any] | None = None,
        kind: str | None = None,
        parent: "Element | None" = None,
        name: str | None = None,
    ) -> None:
        self.value = value
        self.extra = extra
        self.kind = kind
        self.parent = parent
        self.name = name


def plain(item: Any) -> Any:
    """The JSON or system value of an item; None for a primitive element that only has extensions."""
    return item.value if type(item) is Element else item


def scalar(item: Any) -> Any:
    """As `plain`, with exact numbers, and with a Quantity (of the unit '1' if it has none) for one of FHIR."""
    value = item.value if type(item) is Element else item
    if type(value) is float:
        return exact_decimal(value)
    if type(value) is dict and "value" in value and "currency" not in value:
        number = exact_decimal(value["value"])
        unit = value.get("code") or value.get("unit") or "1"
        if number is not None and isinstance(unit, str):
            return Quantity(number, unit)
    return value


def written(value: Any) -> str:
    """A value as a message shows it: texts in quotes, what has parts by the names of these."""
    value = plain(value)
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"an element with {', '.join(map(str, list(value)[:5]))}"
    return "a list" if isinstance(value, list) else str(value)


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is Decimal


def moment_of(item: Any) -> Temporal | None:
    """The date or time that an item is, None for anything else."""
    return _moment(item, scalar(item))


def _moment(item: Any, value: Any) -> Temporal | None:
    """The date or time that an item is; None for one that the resource calls by another type."""
    if type(value) is Temporal:
        return value
    if type(value) is not str or type(item) is not Element:
        return None
    return temporal(value) if item.kind is None or item.kind in _TEMPORAL_TYPES else None


def _same_unit(left: Quantity, right: Quantity) -> tuple[Decimal, Decimal] | None:
    if left.unit == right.unit and left.calendar is right.calendar:
        return left.value, right.value
    factors = MILLISECONDS.get(left.unit), MILLISECONDS.get(right.unit)
    if factors[0] is not None and factors[1] is not None:
        return left.value * factors[0], right.value * factors[1]
    if left.calendar or right.calendar:
        return None
    converted = convert(left.value, left.unit, right.unit)
    return None if converted is None else (converted, right.value)


def equal(left: Any, right: Any) -> bool | None:
    """Are two items equal (``=``)? None where precision or units leave it open, or where one has no value."""
    a, b = scalar(left), scalar(right)
    if a is None or b is None:
        return None
    if type(a) is str and type(b) is str:
        if a == b:
            return True
        if not ("T" in a and "T" in b and type(left) is Element and type(right) is Element):
            return False
    if type(a) is Quantity and type(b) is Quantity:
        pair = _same_unit(a, b)
        return None if pair is None else pair[0] == pair[1]
    if type(a) is Temporal or type(b) is Temporal or (type(a) is str and type(b) is str):
        first = temporal(a) if type(a) is str else a
        second = temporal(b) if type(b) is str else b
        if type(first) is not Temporal or type(second) is not Temporal:
            return False
        order = first.compare(second)
        return None if order is None and first.is_time is second.is_time else order == 0
    return same(plain(left), plain(right))


def same(a: Any, b: Any) -> bool:
    """Are two JSON values equal, all the way down? Numbers by value; true is never 1."""
    if type(a) is bool or type(b) is bool:
        return a is b
    if type(a) is dict:
        return type(b) is dict and a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if type(a) is list:
        return type(b) is list and len(a) == len(b) and all(map(same, a, b))
    if type(a) is float or type(b) is float:
        return exact_decimal(a) == exact_decimal(b) if exact_decimal(a) is not None else False
    return bool(a == b)


def equivalent(left: Any, right: Any) -> bool:
    """Are two items equivalent (``~``)? Case, space, order and the precision of numbers do not count (N1 §6.1.3)."""
    a, b = scalar(left), scalar(right)
    if type(a) is str and type(b) is str:
        if _moment(left, a) is None or _moment(right, b) is None:
            return a.lower().split() == b.lower().split()
        return bool(equal(left, right))
    if _is_number(a) and _is_number(b):
        return _rounded_equal(Decimal(a), Decimal(b))
    if type(a) is Quantity and type(b) is Quantity:
        pair = _same_unit(a, b)
        return pair is not None and _rounded_equal(*pair)
    if type(a) is dict and type(b) is dict:
        keys = a.keys() - {"id"}
        return keys == b.keys() - {"id"} and all(equivalent_lists(_items(a[key]), _items(b[key])) for key in keys)
    return bool(equal(left, right))


def equivalent_lists(left: list[Any], right: list[Any]) -> bool:
    """Does each item have its own equivalent on the other side, in whatever order?"""
    rest = list(right)
    for item in left:
        index = next((i for i, other in enumerate(rest) if equivalent(item, other)), None)
        if index is None:
            return False
        del rest[index]
    return not rest


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _rounded_equal(a: Decimal, b: Decimal) -> bool:
    places = min(_places(a), _places(b))
    unit = Decimal(1).scaleb(-places)
    return a.quantize(unit) == b.quantize(unit)


def _places(number: Decimal) -> int:
    return max(0, -int(number.normalize().as_tuple().exponent))


def compare(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 for the order of two items; None where precision or units leave it open, or where one has no value.

    Raises FHIRPathValueError for two that have no order, such as a text and a number.
    """
    if type(left) is int and type(right) is int:
        return (left > right) - (left < right)
    a, b = scalar(left), scalar(right)
    if a is None or b is None:
        return None
    if _is_number(a) and _is_number(b):
        return int(a > b) - int(a < b)
    first, second = _moment(left, a), _moment(right, b)
    if type(a) is Temporal or type(b) is Temporal:
        first, second = temporal(a) if type(a) is str else first, temporal(b) if type(b) is str else second
    if first is not None and second is not None:
        return first.compare(second)
    if type(a) is str and type(b) is str:
        return (a > b) - (a < b)
    if type(a) is Quantity and type(b) is Quantity:
        pair = _same_unit(a, b)
        return None if pair is None else (pair[0] > pair[1]) - (pair[0] < pair[1])
    if _is_bare_quantity(a) or _is_bare_quantity(b):
        return None
    raise FHIRPathValueError(
        f"FHIRPath cannot order {written(a)} and {written(b)}: they are of different types",
        f"FHIRPath ne peut pas ordonner {written(a)} et {written(b)} : leurs types diffèrent",
    )


def _is_bare_quantity(value: Any) -> bool:
    """Whether it is a FHIR Quantity without a value, which has no place in an order."""
    return type(value) is dict and "value" not in value and ("unit" in value or "comparator" in value)


def contains(items: list[Any], item: Any) -> bool:
    """Is an equal item among these?"""
    return any(equal(other, item) for other in items)


def distinct(items: list[Any]) -> list[Any]:
    """The items without those that equal an earlier one, in their order."""
    if len(items) < 2:
        return items
    kept: list[Any] = []
    buckets: dict[Any, list[Any]] = {}
    for item in items:
        bucket = buckets.setdefault(_bucket(item), [])
        if not contains(bucket, item):
            bucket.append(item)
            kept.append(item)
    return kept


def _bucket(item: Any) -> Any:
    """A key that equal items share, so that only few need to be compared."""
    value = scalar(item)
    if type(value) is str:
        return "moment" if value[:1].isdigit() and temporal(value) is not None else (str, value)
    if type(value) is dict:
        return frozenset(value), frozenset(pair for pair in value.items() if type(pair[1]) is str)
    if type(value) is bool:
        return bool, value
    return (Decimal, value) if _is_number(value) else "moment" if type(value) is Temporal else type(value)
