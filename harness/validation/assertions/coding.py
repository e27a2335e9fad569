"""Coding: the code is one of its code system, the display is one of the code's (FHIR R4 datatypes §2.24.0.8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.fhir.terminology import Verdict
from harness.validation.hints import nearest_word
from harness.validation.location import Location
from harness.validation.scope import Scope

_URI = re.compile(r"(?:https?|urn):\S")
_TERMINOLOGIES = (
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://unitsofmeasure.org",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
)
"""Whole code systems: no other one begins with their URI."""
_HL7 = re.compile(r"https?://hl7\.org/fhir(?!/test)|https?://build\.fhir\.org")
"""Where HL7 publishes: what is not known there is not there."""


@dataclass(frozen=True, slots=True)
class CodingRule:
    """Looks a coding up in its code system, where that is complete and at hand.

    A coding that is ``alone``, in no CodeableConcept and with no value set to come from, has nothing but its system to
    say what it means: so that must be one. In a CodeableConcept it may be one translation among others.
    """

    alone: bool = False

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Report an unknown code, and a display that is none of the code's."""
        system, code = value.get("system"), value.get("code")
        if type(system) is not str or type(code) is not str:
            return
        judge = scope.session.judge
        table = judge.code_system(system)
        displays = table.get(code) if table is not None and "version" not in value else None
        if displays is None:
            if table is not None or not self._odd(system, where, scope):
                _ask(value, table or {}, where, scope)
            return
        if judge.retired and code in judge.retired.get(system, ()):
            scope.report("code-inactive", (where, "code", -1), found=code, expected=system)
        display = value.get("display")
        if type(display) is str and displays and " ".join(display.split()).casefold() not in displays:
            shown = displays[next(iter(displays))]
            scope.report(
                "display-wrong",
                (where, "display", -1),
                found=display,
                expected=shown,
                detail=f"{system}#{code}",
            )

    def _odd(self, system: str, where: Location, scope: Scope) -> bool:
        """Whether ``system`` cannot be a code system, after saying so."""
        if system in _TERMINOLOGIES:  # nearly every one
            return False
        if not _URI.match(system) and (self.alone or ":" not in system):
            rule = "coding-system-relative"
        elif scope.session.judge.is_value_set(system):
            rule = "coding-system-value-set"
        elif self.alone and _nowhere(system, scope):
            rule = "coding-system-unknown"
        elif self.alone and _misspelt(system, scope):
            rule = "coding-system-https"
        else:
            return False
        translation = where[1] == "coding"
        place = where if self.alone else (where, "system", -1)
        scope.report(rule, place, found=system, severity="warning" if translation else None)
        return True

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"coding": "code and display", **({"alone": True} if self.alone else {})}


def _nowhere(system: str, scope: Scope) -> bool:
    """Whether ``system`` begins as those of a publisher whose code systems are known, and is none of them."""
    if system.startswith(_TERMINOLOGIES):
        return True
    return bool(_HL7.match(system)) and scope.session.judge.definitions.code_system(system) is None


def _misspelt(system: str, scope: Scope) -> bool:
    """Whether ``system`` would be one that is known, were it not for https: a URI is a name, each letter of it."""
    plain = f"http{system[5:]}" if system.startswith("https://") else ""
    return plain in _TERMINOLOGIES or (bool(plain) and scope.session.judge.definitions.code_system(plain) is not None)


def _ask(value: Mapping[str, Any], known: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report what a grammar, a part or a version of the code system or a terminology server says, or that nobody knows.

    ``known`` are the codes of the code system that are listed here.
    """
    judge = scope.session.judge
    system, code, version, display = (value.get(key) for key in ("system", "code", "version", "display"))
    given = display if type(display) is str else None
    stated = version if type(version) is str else None
    answer = judge.terminology.coding(str(system), str(code), given, stated)
    if answer.verdict is Verdict.NOT_IN:
        near = nearest_word(str(code), known.keys, scope) if stated is None else None
        detail = f" ({near}?)" if near else None
        named = f"{system}|{stated}" if stated else system
        scope.report("code-unknown", (where, "code", -1), found=code, expected=named, detail=detail)
    elif answer.display_agrees is False:
        detail = f"{system}#{code}"
        scope.report("display-wrong", (where, "display", -1), found=given, expected=answer.display, detail=detail)
    elif answer.verdict is Verdict.UNDECIDED:
        scope.session.open_codes.append((where, str(system), str(code), answer.reason))
    elif judge.terminology.is_inactive(str(system), str(code), stated):
        scope.report("code-inactive", (where, "code", -1), found=code, expected=system)
