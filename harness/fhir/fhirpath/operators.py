"""FHIRPath's operators on collections (N1 §6): each is a plain function of its two operands' items."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from harness.errors import FHIRPathError, FHIRPathValueError
from harness.fhir.fhirpath.durations import shift
from harness.fhir.fhirpath.values import (
    Quantity,
    compare,
    contains,
    distinct,
    equal,
    equivalent_lists,
    moment_of,
    plain,
    scalar,
    written,
)

Items = list[Any]


def one(items: Items, what: str) -> Any:
    """The only item, None if there is none. Raises FHIRPathValueError if there are more (N1 §4.5)."""
    if not items:
        return None
    if len(items) > 1:
        raise FHIRPathValueError(*_several(what, items))
    return items[0]


def _several(what: str, items: Items) -> tuple[str, str]:
    return (
        f"FHIRPath {what}: expected at most one item but found {len(items)}",
        f"FHIRPath {what} : au plus un élément est attendu, {len(items)} trouvés",
    )


def text_of(items: Items, what: str) -> str | None:
    """The only item as a text, None if there is none. Raises FHIRPathValueError if it is something else."""
    value = scalar(one(items, what))
    if value is None or type(value) is str:
        return value
    raise unexpected(what, ("a text", "un texte"), value)


def integer_of(items: Items, what: str) -> int | None:
    """The only item as an integer, None if there is none. Raises FHIRPathValueError if it is something else."""
    value = scalar(one(items, what))
    if value is None or type(value) is int:
        return value
    raise unexpected(what, ("an integer", "un entier"), value)


def unexpected(what: str, wanted: tuple[str, str], value: Any) -> FHIRPathValueError:
    """What to raise where ``wanted`` (English, French) should stand, and does not."""
    return FHIRPathValueError(
        f"FHIRPath {what}: expected {wanted[0]} but found {written(value)}",
        f"FHIRPath {what} : {wanted[1]} est attendu, trouvé : {written(value)}",
    )


def truth_of(items: Items) -> bool | None:
    """A collection where a condition is wanted: empty is None, one item that is not boolean is True (N1 §4.5)."""
    if not items:
        return None
    if len(items) > 1:  # the expression is not the condition that it should be, whatever the values
        raise FHIRPathError(*_several("condition", items))
    value = plain(items[0])
    return value if value is None or type(value) is bool else True


def equals(left: Items, right: Items) -> bool | None:
    """``=``: None if a side is empty; same length and, in order, equal items (N1 §6.1.1)."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    unknown = False
    for a, b in zip(left, right, strict=True):
        verdict = equal(a, b)
        if verdict is False:
            return False
        unknown = unknown or verdict is None
    return None if unknown else True


def differs(left: Items, right: Items) -> bool | None:
    """``!=``."""
    verdict = equals(left, right)
    return None if verdict is None else not verdict


def is_equivalent(left: Items, right: Items) -> bool:
    """``~``: two empty collections are equivalent."""
    return len(left) == len(right) and equivalent_lists(left, right)


def is_not_equivalent(left: Items, right: Items) -> bool:
    """``!~``."""
    return not is_equivalent(left, right)


def _ordered(accepts: Callable[[int], bool], symbol: str) -> Callable[[Items, Items], bool | None]:
    def judge(left: Items, right: Items) -> bool | None:
        a, b = one(left, symbol), one(right, symbol)
        order = None if a is None or b is None else compare(a, b)
        return None if order is None else accepts(order)

    return judge


def is_in(left: Items, right: Items) -> bool | None:
    """``in``: is the one item on the left among those on the right?"""
    item = one(left, "in")
    return None if item is None else contains(right, item)


COMPARISONS: dict[str, Callable[[Items, Items], bool | None]] = {
    "=": equals,
    "!=": differs,
    "~": is_equivalent,
    "!~": is_not_equivalent,
    "<": _ordered(lambda order: order < 0, "<"),
    "<=": _ordered(lambda order: order <= 0, "<="),
    ">": _ordered(lambda order: order > 0, ">"),
    ">=": _ordered(lambda order: order >= 0, ">="),
    "in": is_in,
    "contains": lambda left, right: is_in(right, left),
}
"""Operators whose answer is true, false or empty (None)."""


def _number_pair(left: Items, right: Items, symbol: str) -> tuple[Any, Any] | None:
    a, b = scalar(one(left, symbol)), scalar(one(right, symbol))
    if a is None or b is None:
        return None
    if type(a) not in (int, Decimal) or type(b) not in (int, Decimal):
        raise FHIRPathValueError(
            f"FHIRPath {symbol}: cannot be applied to {written(a)} and {written(b)}",
            f"FHIRPath {symbol} : ne s'applique pas à {written(a)} et {written(b)}",
        )
    return a, b


def add(left: Items, right: Items) -> Items:
    """``+`` of numbers, texts, quantities in one unit, or a date and a duration."""
    shifted = _shifted(left, right, "+")
    if shifted is not None:
        return shifted
    a, b = scalar(one(left, "+")), scalar(one(right, "+"))
    if type(a) is str and type(b) is str:
        return [a + b]
    return _quantities(a, b, 1) or _numbers(left, right, "+", lambda x, y: x + y)


def subtract(left: Items, right: Items) -> Items:
    """``-`` of numbers, quantities in one unit, or a date and a duration."""
    shifted = _shifted(left, right, "-")
    if shifted is not None:
        return shifted
    a, b = scalar(one(left, "-")), scalar(one(right, "-"))
    return _quantities(a, b, -1) or _numbers(left, right, "-", lambda x, y: x - y)


def _shifted(left: Items, right: Items, symbol: str) -> Items | None:
    """A date or time and a duration; None where the operands are something else."""
    duration = scalar(right[0]) if len(right) == 1 else None
    if type(duration) is not Quantity:
        return None
    moment = moment_of(one(left, symbol)) if left else None
    if moment is None:
        return None
    moved = shift(moment, duration, 1 if symbol == "+" else -1)
    return [] if moved is None else [moved]


def _quantities(a: Any, b: Any, sign: int) -> Items:
    if type(a) is Quantity and type(b) is Quantity and (a.unit, a.calendar) == (b.unit, b.calendar):
        return [Quantity(a.value + sign * b.value, a.unit, a.calendar)]
    return []


def _numbers(left: Items, right: Items, symbol: str, operation: Callable[[Any, Any], Any]) -> Items:
    pair = _number_pair(left, right, symbol)
    return [] if pair is None else [operation(*pair)]


def _divide(left: Items, right: Items, symbol: str) -> Items:
    pair = _number_pair(left, right, symbol)
    if pair is None or pair[1] == 0:  # division by zero is empty (N1 §6.6.2)
        return []
    a, b = Decimal(pair[0]), Decimal(pair[1])
    if symbol == "/":
        return [a / b]
    if symbol == "div":
        return [int(a / b)]
    rest = a - b * int(a / b)
    return [int(rest)] if type(pair[0]) is int and type(pair[1]) is int else [rest]


def join(left: Items, right: Items) -> Items:
    """``&``: texts one after the other; an empty collection counts as an empty text."""
    return [(text_of(left, "&") or "") + (text_of(right, "&") or "")]


def negate(items: Items) -> Items:
    """``-`` before a number or quantity. Raises FHIRPathValueError before anything else."""
    value = scalar(one(items, "-"))
    if value is None:
        return []
    if type(value) is Quantity:
        return [Quantity(-value.value, value.unit, value.calendar)]
    if type(value) in (int, Decimal):
        return [-value]
    said = written(value)
    raise FHIRPathValueError(f"FHIRPath -: cannot be applied to {said}", f"FHIRPath - : ne s'applique pas à {said}")


ARITHMETIC: dict[str, Callable[[Items, Items], Items]] = {
    "+": add,
    "-": subtract,
    "*": lambda left, right: _numbers(left, right, "*", lambda x, y: x * y),
    "/": lambda left, right: _divide(left, right, "/"),
    "div": lambda left, right: _divide(left, right, "div"),
    "mod": lambda left, right: _divide(left, right, "mod"),
    "&": join,
    "|": lambda left, right: distinct(left + right),
}
"""Operators that give a collection."""
