"""Coding: the code is one of its code system, the display is one of the code's (FHIR R4 datatypes §2.24.0.8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.fhir.terminology import Verdict
from harness.validation.location import Location
from harness.validation.scope import Scope


@dataclass(frozen=True, slots=True)
class CodingRule:
    """Looks a coding up in its code system, where that is complete and at hand."""

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Report an unknown code, and a display that is none of the code's."""
        system, code = value.get("system"), value.get("code")
        if type(system) is not str or type(code) is not str:
            return
        table = scope.session.judge.code_system(system)
        if table is None:
            if ":" not in system:
                scope.report("coding-system-relative", (where, "system", -1), found=system)
            elif scope.session.judge.is_value_set(system):
                scope.report("coding-system-value-set", (where, "system", -1), found=system)
            else:
                _ask(value, system, code, where, scope)
            return
        displays = table.get(code)
        if displays is None:
            near = scope.session.judge.nearest(code, tuple(table))
            scope.report(
                "code-unknown",
                (where, "code", -1),
                found=code,
                expected=system,
                detail=f" ({near}?)" if near else None,
            )
            return
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

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"coding": "code and display"}


def _ask(value: Mapping[str, Any], system: str, code: str, where: Location, scope: Scope) -> None:
    """Report what a grammar, a part of the code system or a terminology server says, or note that nobody knows."""
    version, display = value.get("version"), value.get("display")
    given = display if type(display) is str else None
    answer = scope.session.judge.terminology.coding(system, code, given, version if type(version) is str else None)
    if answer.verdict is Verdict.NOT_IN:
        scope.report("code-unknown", (where, "code", -1), found=code, expected=system)
    elif answer.display_agrees is False:
        detail = f"{system}#{code}"
        scope.report("display-wrong", (where, "display", -1), found=given, expected=answer.display, detail=detail)
    elif answer.verdict is Verdict.UNDECIDED:
        scope.session.open_codes.append((where, system, code, answer.reason))
