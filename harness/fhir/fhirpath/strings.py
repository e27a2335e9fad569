"""FHIRPath N1's functions on texts (§5.6) and its conversions (§5.5)."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.environment import Environment
from harness.fhir.fhirpath.functions import Function
from harness.fhir.fhirpath.operators import integer_of, one, text_of
from harness.fhir.fhirpath.values import CALENDAR_UNITS, Quantity, scalar
from harness.fhir.primitives import Temporal, temporal

Items = list[Any]

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_QUANTITY = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)\s*(?:'([^']+)'|([a-z]+))?")
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})


_MATCHED = 8192
"""Characters of a text that a pattern is tried on: the time may grow with their square, and a stranger chose them."""


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise FHIRPathError(
            f"FHIRPath: '{text}' is not a regular expression: {error}",
            f"FHIRPath : « {text} » n'est pas une expression régulière ({error})",
        ) from error


def _tried(name: str, text: str) -> str:
    if len(text) > _MATCHED:
        raise FHIRPathError(
            f"FHIRPath: {name} takes texts of at most {_MATCHED} characters; this one has {len(text)}",
            f"FHIRPath : {name} prend des textes de {_MATCHED} caractères au plus ; celui-ci en a {len(text)}",
        )
    return text


def _judge(name: str, rule: Callable[[str, str], bool]) -> Function:
    def call(items: Items, _: Environment, other: Items) -> bool | None:
        text, argument = text_of(items, name), text_of(other, name)
        return None if text is None or argument is None else rule(text, argument)

    return Function(call, 1, 1)


TEXT_JUDGES: dict[str, Function] = {
    "startsWith": _judge("startsWith()", str.startswith),
    "endsWith": _judge("endsWith()", str.endswith),
    "contains": _judge("contains()", lambda text, part: part in text),
    "matches": _judge("matches()", lambda text, wanted: _pattern(wanted).search(_tried("matches()", text)) is not None),
    "matchesFull": _judge(
        "matchesFull()", lambda text, wanted: _pattern(wanted).fullmatch(_tried("matchesFull()", text)) is not None
    ),
}
"""Questions about a text. ``matches`` looks for the pattern anywhere in it, as FHIRPath 3 made clear."""


def _text_function(name: str, rule: Callable[..., Any], arguments: int = 0) -> Function:
    def call(items: Items, _: Environment, *others: Items) -> Items:
        texts = [text_of(each, name) for each in (items, *others)]
        return [] if None in texts else [rule(*texts)]

    return Function(call, arguments, arguments)


def _substring(items: Items, _: Environment, start: Items, length: Items | None = None) -> Items:
    text, first = text_of(items, "substring()"), integer_of(start, "substring()")
    if text is None or first is None or not 0 <= first < len(text):
        return []
    number = None if length is None else integer_of(length, "substring()")
    return [text[first:] if number is None else text[first : first + max(0, number)]]


def _characters(items: Items, _: Environment) -> Items:
    return list(text_of(items, "toChars()") or "")


def _split(items: Items, _: Environment, separator: Items) -> Items:
    text, mark = text_of(items, "split()"), text_of(separator, "split()")
    return [] if text is None or mark is None else text.split(mark) if mark else list(text)


def _join(items: Items, _: Environment, separator: Items | None = None) -> Items:
    texts = [text_of([item], "join()") or "" for item in items]
    return [(text_of(separator or [], "join()") or "").join(texts)] if texts else []


def _replace_matches(text: str, pattern: str, replacement: str) -> str:
    groups = re.sub(r"\$(\d+)", r"\\g<\1>", replacement)  # FHIRPath writes groups as $1
    return _pattern(pattern).sub(groups, _tried("replaceMatches()", text))


def _to_boolean(value: Any) -> bool | None:
    if type(value) is bool:
        return value
    text = value.lower() if type(value) is str else str(value) if type(value) in (int, Decimal) else ""
    return True if text in _TRUE else False if text in _FALSE else None


def _to_integer(value: Any) -> int | None:
    if type(value) in (bool, int):
        return int(value)
    return int(value) if type(value) is str and _INTEGER.fullmatch(value) else None


def _to_decimal(value: Any) -> Decimal | None:
    if type(value) in (bool, int, Decimal):
        return Decimal(value)
    return Decimal(value) if type(value) is str and _DECIMAL.fullmatch(value) else None


def to_text(value: Any) -> str | None:
    """The text of a single value (N1 §5.5.5); None for a complex element."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is Decimal:
        return format(value, "f")
    return str(value) if type(value) in (int, str, Temporal, Quantity) else None


def _to_quantity(value: Any) -> Quantity | None:
    if type(value) is Quantity:
        return value
    if type(value) in (bool, int, Decimal):
        return Quantity(Decimal(value), "1")
    found = _QUANTITY.fullmatch(value) if type(value) is str else None
    if found is None or (found[3] and found[3] not in CALENDAR_UNITS):
        return None
    return Quantity(Decimal(found[1]), CALENDAR_UNITS.get(found[3], found[2] or "1"), calendar=bool(found[3]))


def _to_temporal(value: Any) -> Temporal | None:
    return value if type(value) is Temporal else temporal(value) if type(value) is str else None


def _to_date(value: Any) -> Temporal | None:
    moment = _to_temporal(value)
    return temporal(moment.text[:10].rstrip("T")) if moment is not None and not moment.is_time else None


def _to_date_time(value: Any) -> Temporal | None:
    moment = _to_temporal(value)
    return moment if moment is not None and not moment.is_time else None


def _to_time(value: Any) -> Temporal | None:
    moment = _to_temporal(value)
    return moment if moment is not None and moment.is_time else None


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "Boolean": _to_boolean,
    "Integer": _to_integer,
    "Decimal": _to_decimal,
    "String": to_text,
    "Quantity": _to_quantity,
    "Date": _to_date,
    "DateTime": _to_date_time,
    "Time": _to_time,
}


def _to(name: str, convert: Callable[[Any], Any]) -> Function:
    def call(items: Items, _: Environment) -> Items:
        item = one(items, f"to{name}()")
        value = None if item is None else convert(scalar(item))
        return [] if value is None else [value]

    return Function(call)


def _converts_to(name: str, convert: Callable[[Any], Any]) -> Function:
    def call(items: Items, _: Environment) -> bool | None:
        item = one(items, f"convertsTo{name}()")
        return None if item is None else convert(scalar(item)) is not None

    return Function(call)


TEXT_JUDGES.update({f"convertsTo{name}": _converts_to(name, rule) for name, rule in _CONVERSIONS.items()})
TEXT_FUNCTIONS: dict[str, Function] = {
    **{f"to{name}": _to(name, rule) for name, rule in _CONVERSIONS.items()},
    "indexOf": _text_function("indexOf()", str.find, 1),
    "substring": Function(_substring, 1, 2),
    "upper": _text_function("upper()", str.upper),
    "lower": _text_function("lower()", str.lower),
    "trim": _text_function("trim()", str.strip),
    "length": _text_function("length()", len),
    "replace": _text_function("replace()", str.replace, 2),
    "replaceMatches": _text_function("replaceMatches()", _replace_matches, 2),
    "toChars": Function(_characters),
    "split": Function(_split, 1, 1),
    "join": Function(_join, 0, 1),
}
