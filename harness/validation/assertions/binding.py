"""binding: the code comes from a value set (FHIR R4 terminologies §4.1.3; strengths §4.1.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.hints import hint_wanted
from harness.validation.location import Location
from harness.validation.schema import Origin
from harness.validation.scope import Scope

Concept = tuple[str | None, str | None]
"""A system (None where the value set says it) and a code."""

Usage = tuple[str, frozenset[Concept]]
"""The path of an element and the codes of which it has one."""

RULES = {
    "required": "binding-required",
    "maximum": "binding-maximum",
    "extensible": "binding-extensible",
    "preferred": "binding-preferred",
}


def concepts(value: Any) -> list[Concept]:
    """What is coded in a code, Coding, CodeableConcept or Quantity."""
    if isinstance(value, str):
        return [(None, value)]
    if not isinstance(value, Mapping):
        return []
    codings = value.get("coding")
    if isinstance(codings, list):
        return [(_text(c.get("system")), _text(c.get("code"))) for c in codings if isinstance(c, Mapping)]
    if "code" not in value and "system" not in value:
        return []
    return [(_text(value.get("system")), _text(value.get("code")))]


def _text(value: Any) -> str | None:
    """``value`` where it is a string; anything else is no code, which its own slot reports."""
    return value if isinstance(value, str) else None


def written(concept: Concept) -> str:
    """A concept as ``system#code``."""
    system, code = concept
    return f"{system}#{code}" if system else str(code)


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding. ``strength`` is required, extensible, preferred or maximum (the value set no code may leave).

    ``coded``: text alone does not do, as with a required one.
    """

    origin: Origin
    strength: str
    value_set: str
    type: str
    coded: bool = False

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report a code outside the value set, with the severity of the strength; or that this is not known."""
        judge = scope.session.judge
        if type(value) is str:  # the usual case: one code, whose system the value set says
            answer, reason = judge.member(self.value_set, None, value)
            if answer is not True:
                self._report(answer, reason, [(None, value)], where, scope)
            return
        given = concepts(value)
        if not given or all(code is None for _, code in given):
            self._without_code(where, scope)
            return
        worst: tuple[bool | None, str] = (False, "")
        several = self.type == "CodeableConcept"  # of its codings each says its system, or means nothing (§4.1.5)
        for system, code in given:
            answer, reason = (False, "") if several and not system else judge.member(self.value_set, system, code)
            if answer is True:
                scope.session.told_codes.add(str(code))
                return
            if answer is None or not worst[1]:
                worst = (answer if worst[0] is not None else None, reason)
        self._report(worst[0], worst[1], given, where, scope)

    def _without_code(self, where: Location, scope: Scope) -> None:
        if not (self.coded or self.strength == "required") or self.type == "Quantity":
            return
        origin = self.origin
        scope.report(
            "binding-no-code", where, expected=self.value_set, profile=origin.profile, definition=origin.element
        )

    def _report(self, answer: bool | None, reason: str, given: list[Concept], where: Location, scope: Scope) -> None:
        origin = self.origin
        found = ", ".join(map(written, given))
        if answer is None:
            if self.strength == "preferred":
                return
            scope.session.told_codes.update(str(code) for _, code in given)
            rule, detail = "binding-undecided", reason
        else:
            rule = RULES[self.strength]
            hint = scope.session.judge.hint(self.value_set, given[0][1], given[0][0]) if hint_wanted(scope) else None
            detail = f" ({hint})" if hint else ""
        scope.report(
            rule,
            where,
            found=found,
            expected=self.value_set,
            profile=origin.profile,
            definition=origin.element,
            detail=detail,
            undecided=answer is None,
        )

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"binding": self.strength, "valueSet": self.value_set}


@dataclass(frozen=True, slots=True)
class UsedBinding:
    """An additional binding for the resources that its usage contexts speak of (R5 ElementDefinition.binding)."""

    binding: Binding
    usages: tuple[Usage, ...]

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Judge by the binding where every usage context is that of the resource."""
        for path, wanted in self.usages:
            found = [concept for item in _items(scope.resource, path) for concept in concepts(item)]
            if wanted.isdisjoint(found):
                return
        self.binding.check(value, where, scope)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {**self.binding.dump(), "usage": [path for path, _ in self.usages]}


def _items(resource: Mapping[str, Any], path: str) -> list[Any]:
    """The values at a plain path: ``Patient.contact.relationship``."""
    kind, *names = path.split(".")
    found: list[Any] = [resource] if resource.get("resourceType") == kind else []
    for name in names:
        inner = [item[name] for item in found if isinstance(item, Mapping) and name in item]
        found = [part for item in inner for part in (item if isinstance(item, list) else [item])]
    return found
