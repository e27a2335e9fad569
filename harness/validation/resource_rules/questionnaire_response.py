"""QuestionnaireResponse: the answers are those that its Questionnaire asks for (FHIR R4 §2.43)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.location import Location
from harness.validation.resource_rules.questionnaire_answers import (
    agrees,
    check_answer,
    excludes_others,
    is_answered,
    values,
)
from harness.validation.resource_rules.reading import Placed, descend, extension, parts, text
from harness.validation.scope import Scope

_COMPLETE = frozenset({"completed", "amended"})
"""With these statuses every required question has its answer (valueset questionnaire-answers-status)."""
_MAX_OCCURS = "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs"
_MIN_OCCURS = "http://hl7.org/fhir/StructureDefinition/questionnaire-minOccurs"
_EXPRESSION = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression"


def check(response: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Judge the response by the Questionnaire that it names, where that is contained or known."""
    canonical = text(response, "questionnaire")
    if not canonical:
        return
    questionnaire = _questionnaire(canonical, scope)
    if questionnaire is None:
        scope.report("questionnaire-unknown", (where, "questionnaire", -1), found=canonical, undecided=True)
        return
    known = {text(item, "linkId") or "": item for item, _ in descend(questionnaire, "item", where)}
    complete = text(response, "status") in _COMPLETE
    given: dict[str, list[Mapping[str, Any]]] = {}
    for item in _below(response):
        given.setdefault(str(item.get("linkId")), []).append(item)
    walk = _Walk(questionnaire, known, given, complete, scope)
    walk.check(questionnaire, response, where, (response,))


def _questionnaire(canonical: str, scope: Scope) -> Mapping[str, Any] | None:
    if canonical.startswith("#"):
        found = scope.contained(canonical[1:])
        return found if found is not None and found.get("resourceType") == "Questionnaire" else None
    found = scope.session.judge.definitions.find(canonical, "Questionnaire")
    version = canonical.partition("|")[2]
    return None if found is not None and version and found.get("version") != version else found


@dataclass(frozen=True, slots=True)
class _Walk:
    """Goes through questionnaire and response side by side."""

    questionnaire: Mapping[str, Any]
    known: Mapping[str, Mapping[str, Any]]
    given: Mapping[str, list[Mapping[str, Any]]]
    complete: bool
    scope: Scope

    def check(
        self,
        asked: Mapping[str, Any],
        given: Mapping[str, Any],
        where: Location,
        around: tuple[Mapping[str, Any], ...],
    ) -> None:
        """Judge the items of ``given`` by those of ``asked``; ``around`` are the response and the items around them."""
        wanted = [item for item, _ in parts(asked, "item", where)]
        groups = self._grouped([text(item, "linkId") or "" for item in wanted], given, where)
        for item in wanted:
            name = text(item, "linkId") or ""
            found = groups.get(name, [])
            enabled = self._enabled(item, around)
            if not found:
                if enabled and item.get("required") is True and self.complete and item.get("type") != "display":
                    self.scope.report("answer-missing", where, found=name)
                continue
            if len(found) > 1 and item.get("repeats") is not True:
                self.scope.report("answer-item-repeats", where, found=name)
            for answered, place in found:
                if enabled is False:
                    if is_answered(answered):
                        self.scope.report("answer-not-enabled", place, found=name)
                else:
                    self._item(item, answered, place, around, enabled is True)

    def _grouped(self, order: list[str], given: Mapping[str, Any], where: Location) -> dict[str, list[Placed]]:
        """The items of ``given`` by linkId, after saying which are unknown, misplaced or out of order."""
        groups: dict[str, list[Placed]] = {}
        positions = {name: position for position, name in enumerate(order)}
        last = 0
        for item, place in parts(given, "item", where):
            name = text(item, "linkId")
            if name is None:
                continue
            if name not in positions:
                rule = "answer-misplaced" if name in self.known else "answer-unknown"
                near = self.scope.session.judge.nearest(name, list(self.known)) if rule == "answer-unknown" else None
                self.scope.report(rule, where, found=name, detail=f" ({near}?)" if near else None)
                continue
            if positions[name] < last:
                self.scope.report("answer-order", where, found=name, expected=order[last])
            last = max(last, positions[name])
            groups.setdefault(name, []).append((item, place))
        return groups

    def _item(
        self,
        item: Mapping[str, Any],
        given: Mapping[str, Any],
        where: Location,
        around: tuple[Mapping[str, Any], ...],
        enabled: bool,
    ) -> None:
        """One item of the response by its definition."""
        title = text(item, "text")
        if title is not None and (said := text(given, "text")) is not None and said.split() != title.split():
            self.scope.report("answer-text", where, found=said, expected=title)
        answers = list(parts(given, "answer", where))
        kind = text(item, "type")
        inside = (*around, given)
        if kind in ("group", "display"):
            if answers:
                self.scope.report("answer-none-expected", where, expected=kind)
            if kind == "group":
                if enabled and self.complete and item.get("required") is True and not given.get("item"):
                    self.scope.report("answer-missing", where, found=text(item, "linkId"))
                self.check(item, given, where, inside)
            elif given.get("item"):
                self.scope.report("answer-display-items", where, found=text(item, "linkId"))
            return
        if not answers and enabled and self.complete and item.get("required") is True:
            self.scope.report("answer-missing", where, found=text(item, "linkId"))
        self._count(item, len(answers), where)
        for answer, place in answers:
            check_answer(item, answer, place, self.questionnaire, self.scope)
            if len(answers) > 1 and excludes_others(item, answer):
                self.scope.report("answer-exclusive", place, found=len(answers))
            self.check(item, answer, place if answer.get("item") else where, inside)

    def _count(self, item: Mapping[str, Any], count: int, where: Location) -> None:
        most, least = extension(item, _MAX_OCCURS), extension(item, _MIN_OCCURS)
        if count > 1 and item.get("repeats") is not True:
            self.scope.report("answer-count", where, found=count, expected="1")
        elif type(most) is int and count > most:
            self.scope.report("answer-count", where, found=count, expected=f"≤ {most}")
        elif type(least) is int and count and count < least and self.complete:
            self.scope.report("answer-count", where, found=count, expected=f"≥ {least}")

    def _enabled(self, item: Mapping[str, Any], around: tuple[Mapping[str, Any], ...]) -> bool | None:
        """Whether the conditions of ``item`` hold; None where that cannot be told."""
        conditions = [condition for condition, _ in parts(item, "enableWhen", (None, "", -1))]
        if extension(item, _EXPRESSION) is not None:
            return None
        if not conditions:
            return True
        told = [agrees(c, values(self._nearest(text(c, "question") or "", around))) for c in conditions]
        decisive = text(item, "enableBehavior") != "all"  # "any" is decided by one true, "all" by one false
        if decisive in told:
            return decisive
        return None if None in told else not decisive

    def _nearest(self, name: str, around: tuple[Mapping[str, Any], ...]) -> list[Mapping[str, Any]]:
        """The items with the linkId ``name`` in the nearest surrounding item that holds some."""
        everywhere = self.given.get(name, [])
        if len(everywhere) < 2:
            return everywhere
        for holder in reversed(around[1:]):
            found = [item for item in _below(holder) if item.get("linkId") == name]
            if found:
                return found
        return everywhere


def _below(holder: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every item below ``holder``, those in answers too."""
    found: list[Mapping[str, Any]] = []
    waiting: list[Mapping[str, Any]] = [holder]
    while waiting:
        current = waiting.pop()
        for key in ("item", "answer"):
            listed = current.get(key)
            inner = [entry for entry in (listed if isinstance(listed, list) else ()) if isinstance(entry, Mapping)]
            waiting.extend(inner)
            found.extend(inner if key == "item" else ())
    return found
