"""A Questionnaire that is derived from another, as it says how: it keeps to its items (R4 Questionnaire.derivedFrom).

HL7's extension questionnaire-derivationType knows three ways: ``compliesWith`` (every response to this one is one to
the other), ``extends`` (so it is, but for items of its own) and ``inspiredBy``, of which nothing follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.validation.location import Location
from harness.validation.resource_rules.reading import Placed, choice, descend, extension, part, parts, text, texts
from harness.validation.scope import Scope

_TYPE = "http://hl7.org/fhir/StructureDefinition/questionnaire-derivationType"
_EXTENDS = "extends"
_KEEPING = frozenset({_EXTENDS, "compliesWith"})


def check_derivation(questionnaire: Mapping[str, Any], items: list[Placed], where: Location, scope: Scope) -> None:
    """Report items that are not as the questionnaires say that this one is derived from."""
    companions = questionnaire.get("_derivedFrom")
    for canonical, companion in zip(
        texts(questionnaire, "derivedFrom"), companions if isinstance(companions, list) else (), strict=False
    ):
        manner = extension(companion, _TYPE) if isinstance(companion, Mapping) else None
        code = text(manner, "code") if isinstance(manner, Mapping) else None
        base = scope.session.judge.definitions.find(canonical, "Questionnaire") if code in _KEEPING else None
        if base is None:
            continue
        known = {text(item, "linkId"): item for item, _ in descend(base, "item", where)}
        for item, place in items:
            name = text(item, "linkId")
            if name in known:
                found: Iterator[tuple[Location, str]] = _changes(item, known[name], place)
            else:
                found = iter([(place, "-")] if code != _EXTENDS else [])
            for spot, detail in found:
                scope.report("questionnaire-derived", spot, found=name, expected=canonical, detail=detail)


def _changes(item: Mapping[str, Any], base: Mapping[str, Any], where: Location) -> Iterator[tuple[Location, str]]:
    """The place and the facet of each thing that ``item`` allows and ``base`` does not."""
    if item.get("type") != base.get("type"):
        yield (where, "type", -1), "type"
    if item.get("repeats") is True and base.get("repeats") is not True:
        yield (where, "repeats", -1), "repeats"
    if base.get("required") is True and item.get("required") is not True:
        yield ((where, "required", -1) if "required" in item else where), "required"
    longest, limit = item.get("maxLength"), base.get("maxLength")
    if type(limit) is int and (type(longest) is not int or longest > limit):
        yield ((where, "maxLength", -1) if "maxLength" in item else where), f"maxLength ≤ {limit}"
    yield from _options(item, base, where)


def _options(item: Mapping[str, Any], base: Mapping[str, Any], where: Location) -> Iterator[tuple[Location, str]]:
    allowed = [choice(option, "value") for option, _ in parts(base, "answerOption", where)]
    own = list(parts(item, "answerOption", where))
    if allowed and not own:
        yield where, "answerOption"
    elif own and "answerValueSet" in base:
        yield where, "answerValueSet"
    for option, place in own if allowed else ():
        held = choice(option, "value")
        if held is not None and not any(known is not None and _key(held) == _key(known) for known in allowed):
            yield place, "answerOption"


def _key(held: tuple[str, Any]) -> tuple[Any, ...]:
    """What makes two options the same: their value, for a coding its system and code, for a reference its target."""
    suffix, value = held
    coded = part({"value": value}, "value")
    return (suffix, *(coded.get(key) for key in ("system", "code", "reference"))) if coded else (suffix, value)
