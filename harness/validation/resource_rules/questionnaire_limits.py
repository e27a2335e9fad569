"""What a question asks of an answer beyond its type: length, bounds, form, unit, kind of attachment (FHIR R4 §2.42).

Limits beyond maxLength come with HL7's own extensions: minValue, maxValue, minLength, maxDecimalPlaces, regex,
mimeType, questionnaire-unitOption and questionnaire-unitValueSet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from harness.fhir.primitives import compare_temporal, exact_decimal
from harness.validation.assertions.limits import matches
from harness.validation.knowledge import Knowledge
from harness.validation.resource_rules.reading import extension, extensions, text

_HL7 = "http://hl7.org/fhir/StructureDefinition/"


def broken(item: Mapping[str, Any], value: Any, judge: Knowledge) -> Iterator[tuple[str, Any]]:
    """Yield the name of each limit of ``item`` that ``value`` breaks, and what would do."""
    if isinstance(value, str):
        yield from _broken_by_text(item, value)
    elif isinstance(value, Mapping):
        yield from _broken_by_quantity(item, value, judge)
    for name, sign in (("minValue", -1), ("maxValue", 1)):
        bound = extension(item, _HL7 + name)
        if bound is not None and order(value, bound) == sign:
            yield name, bound
    places = extension(item, _HL7 + "maxDecimalPlaces")
    number = exact_decimal(value)
    if type(places) is int and number is not None and _places(number) > places:
        yield "maxDecimalPlaces", places


def wrong_kind(item: Mapping[str, Any], attachment: Mapping[str, Any]) -> tuple[str, str] | None:
    """The kind of an attachment and those that ``item`` takes, where it is none of them; ``text`` means ``text/…``."""
    kinds = [str(kind) for kind in extensions(item, _HL7 + "mimeType")]
    found = text(attachment, "contentType")
    if not kinds or (found is not None and found.startswith(tuple(kinds))):
        return None
    return found or "-", ", ".join(kinds)


def _broken_by_text(item: Mapping[str, Any], value: str) -> Iterator[tuple[str, Any]]:
    longest, shortest = item.get("maxLength"), extension(item, _HL7 + "minLength")
    if type(longest) is int and len(value) > longest:
        yield "maxLength", longest
    if type(shortest) is int and len(value) < shortest:
        yield "minLength", shortest
    pattern = extension(item, _HL7 + "regex")
    if isinstance(pattern, str) and matches(pattern, value) is False:
        yield "regex", pattern


def _broken_by_quantity(
    item: Mapping[str, Any], value: Mapping[str, Any], judge: Knowledge
) -> Iterator[tuple[str, Any]]:
    """The unit is one of the options, or of their value set."""
    units = [unit for unit in extensions(item, _HL7 + "questionnaire-unitOption") if isinstance(unit, Mapping)]
    if units and not any(_is_unit(value, unit) for unit in units):
        yield "questionnaire-unitOption", ", ".join(str(unit.get("code") or unit.get("display")) for unit in units)
    units_of = extension(item, _HL7 + "questionnaire-unitValueSet")
    if isinstance(units_of, str) and judge.member(units_of, text(value, "system"), text(value, "code"))[0] is False:
        yield "questionnaire-unitValueSet", units_of


def _is_unit(value: Mapping[str, Any], unit: Mapping[str, Any]) -> bool:
    if "code" in value:
        return value.get("code") == unit.get("code") and value.get("system") == unit.get("system")
    return value.get("unit") is not None and value["unit"] in (unit.get("display"), unit.get("code"))


def order(value: Any, bound: Any) -> int | None:
    """-1, 0 or 1 as ``value`` is before, at or after ``bound``; None where that cannot be told."""
    if isinstance(value, str) and isinstance(bound, str):
        return compare_temporal(value, bound)
    left, right = exact_decimal(value), exact_decimal(bound)
    return None if left is None or right is None else (left > right) - (left < right)


def _places(number: Decimal) -> int:
    return max(0, -int(number.as_tuple().exponent))
