"""One answer to one question: its type, its options and its limits (FHIR R4 questionnaire §2.42)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.reason import Reason
from harness.validation.location import Location
from harness.validation.resource_rules.questionnaire_limits import broken, order, wrong_kind
from harness.validation.resource_rules.reading import choice, extension, part, parts, text
from harness.validation.scope import Scope

_EXCLUSIVE = "http://hl7.org/fhir/StructureDefinition/questionnaire-optionExclusive"
TYPES = {
    "boolean": "Boolean",
    "decimal": "Decimal",
    "integer": "Integer",
    "date": "Date",
    "dateTime": "DateTime",
    "time": "Time",
    "string": "String",
    "text": "String",
    "url": "Uri",
    "attachment": "Attachment",
    "reference": "Reference",
    "quantity": "Quantity",
}
"""Item type -> the suffix of ``value[x]`` in an answer (valueset item-type, its definitions)."""

_CHOICES = frozenset({"choice", "open-choice"})
_NAMES = {suffix: suffix[0].lower() + suffix[1:] for suffix in TYPES.values()} | {
    name: name for name in ("Attachment", "Reference", "Quantity", "Coding")
}


def check_answer(
    item: Mapping[str, Any],
    answer: Mapping[str, Any],
    where: Location,
    questionnaire: Mapping[str, Any],
    scope: Scope,
) -> None:
    """Report an answer of another type, that is none of the options, or beyond a limit of ``item``."""
    held = choice(answer, "value")
    kind = text(item, "type")
    if held is None or kind is None:
        return
    suffix, value = held
    place = (where, f"value.ofType({_NAMES.get(suffix, suffix)})", -1)
    allowed = _allowed(item, kind)
    if allowed and suffix not in allowed:
        names = " | ".join(_NAMES[name] for name in allowed)
        options = kind in _CHOICES and bool(item.get("answerOption"))
        scope.report("answer-type", where if options else place, found=_NAMES.get(suffix, suffix), expected=names)
        return
    _check_options(item, held, where, place, scope)
    if suffix == "Coding":
        _check_value_set(item, value, where, questionnaire, scope)
    _check_limits(item, value, place, scope)
    if suffix == "Attachment" and isinstance(value, Mapping) and (kinds := wrong_kind(item, value)) is not None:
        scope.report("answer-limit", where, found=kinds[0], expected=kinds[1], detail="mimeType")


def excludes_others(item: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """Whether the answer is an option of ``item`` beside which none else may be chosen."""
    held = choice(answer, "value")
    return held is not None and any(
        extension(option, _EXCLUSIVE) is True and (found := choice(option, "value")) and _same(held[1], found[1])
        for option in _options(item)
    )


def _allowed(item: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    """The types an answer may have; empty where that is open."""
    if kind not in _CHOICES:
        return (TYPES[kind],) if kind in TYPES else ()
    options = [held[0] for option in _options(item) if (held := choice(option, "value"))]
    found = dict.fromkeys(options or ["Coding"])
    if kind == "open-choice":
        found["String"] = None
    return tuple(found)


def _options(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = item.get("answerOption")
    return [option for option in listed if isinstance(option, Mapping)] if isinstance(listed, list) else []


def _check_options(
    item: Mapping[str, Any], held: tuple[str, Any], where: Location, place: Location, scope: Scope
) -> None:
    suffix, value = held
    kind = text(item, "type")
    options = [found[1] for option in _options(item) if (found := choice(option, "value")) and found[0] == suffix]
    if not options or (kind == "open-choice" and suffix == "String"):
        return
    if not any(_same(value, option) for option in options):
        shown = ", ".join(map(_shown, options[:12]))
        at = where if kind in _CHOICES else place
        scope.report("answer-option", at, found=_shown(value), expected=shown)


def _same(value: Any, option: Any) -> bool:
    """Whether an answer is this option; codings by system and code, references by what they refer to."""
    if isinstance(value, Mapping) and isinstance(option, Mapping):
        keys = ("reference",) if "reference" in option else ("system", "code")
        return all(value.get(key) == option.get(key) for key in keys)
    return bool(value == option)


def _shown(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    system, code = value.get("system"), value.get("code") or value.get("reference")
    return f"{system}#{code}" if system else str(code)


def _check_value_set(
    item: Mapping[str, Any], value: Any, where: Location, questionnaire: Mapping[str, Any], scope: Scope
) -> None:
    canonical = text(item, "answerValueSet")
    if canonical is None or not isinstance(value, Mapping):
        return
    system, code = text(value, "system"), text(value, "code")
    judge = scope.session.judge
    answer: bool | None
    if code is None:  # a text of one's own is a valueString
        answer, reason = False, "there is no code"
    elif canonical.startswith("#"):
        held = next((r for r, _ in parts(questionnaire, "contained", where) if r.get("id") == canonical[1:]), None)
        absent = Reason(f"{canonical} is not contained", f"{canonical} n'est pas contenu")
        answer, reason = (None, absent) if held is None else judge.inside(held, system, code)
    else:
        answer, reason = judge.member(canonical, system, code)
    if answer is False:
        scope.report("answer-value-set", where, found=_shown(value), expected=canonical)
    elif answer is None:
        scope.report("binding-undecided", where, found=_shown(value), expected=canonical, detail=reason, undecided=True)


def _check_limits(item: Mapping[str, Any], value: Any, place: Location, scope: Scope) -> None:
    for name, limit in broken(item, value, scope.session.judge):
        scope.report("answer-limit", place, found=_shown(value), expected=limit, detail=name)


def is_answered(item: Mapping[str, Any]) -> bool:
    """Whether an item of a response, or one below it, holds an answer."""
    waiting: list[Any] = [item]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, Mapping):
            continue
        answers = found.get("answer")
        if isinstance(answers, list) and any(isinstance(a, Mapping) and choice(a, "value") for a in answers):
            return True
        for key in ("item", "answer"):
            listed = found.get(key)
            waiting.extend(listed if isinstance(listed, list) else ())
    return False


def values(items: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The values of all answers to ``items``."""
    answers = [answer for item in items for answer, _ in parts(item, "answer", (None, "", -1))]
    return [held[1] for answer in answers if (held := choice(answer, "value"))]


def agrees(condition: Mapping[str, Any], given: list[Any]) -> bool | None:
    """Whether the answers ``given`` satisfy an enableWhen (R4 §2.42.5.4); None where that cannot be told."""
    operator, held = text(condition, "operator"), choice(condition, "answer")
    if operator is None or held is None:
        return None
    wanted = held[1]
    if operator == "exists":
        return bool(given) is wanted
    if operator in ("=", "!="):
        return any(_equal(value, wanted) is (operator == "=") for value in given)
    orders = [order(_number(value), _number(wanted)) for value in given]
    if None in orders:
        return None
    tests = {">": (1,), "<": (-1,), ">=": (0, 1), "<=": (-1, 0)}
    return any(found in tests.get(operator, ()) for found in orders)


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, Mapping) and isinstance(wanted, Mapping) and "value" in wanted:
        return part({"q": value}, "q").get("value") == wanted.get("value") and value.get("code") == wanted.get("code")
    return _same(value, wanted)


def _number(value: Any) -> Any:
    """A quantity is compared by its value: its unit is fixed by the question."""
    return value.get("value") if isinstance(value, Mapping) else value
