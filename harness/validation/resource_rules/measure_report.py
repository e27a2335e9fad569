"""MeasureReport: groups, populations and stratifiers are those of its Measure (FHIR R4 measurereport §10.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.fhir.primitives import exact_decimal
from harness.validation.location import Location
from harness.validation.resource_rules.reading import Placed, codings, part, parts, text
from harness.validation.scope import Scope

_SCORED = frozenset({"proportion", "ratio", "continuous-variable"})
Codes = list[tuple[str | None, str]]


def check(report: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Judge the report by the Measure that it names, where that is known."""
    canonical = text(report, "measure")
    measure = scope.session.judge.definitions.find(canonical, "Measure") if canonical else None
    if canonical is None or measure is None:
        return
    wanted, given = list(parts(measure, "group", where)), list(parts(report, "group", where))
    kind = text(report, "type")
    if kind == "data-collection":
        for group, place in given:
            if "measureScore" in group:
                scope.report("measure-score-prohibited", (place, "measureScore", -1), expected="data-collection")
        return
    if not wanted:
        return
    if len(wanted) == 1 and len(given) == 1:
        asked, told = _codes(wanted[0][0]), _codes(given[0][0])
        if asked and told and not set(asked) & set(told):
            scope.report("measure-code-unknown", given[0][1], found=_shown(told), expected=_shown(asked))
        pairs: list[tuple[Mapping[str, Any], Placed]] = [(wanted[0][0], given[0])]
    else:
        pairs = _matched(wanted, given, where, scope)
    for definition, (group, place) in pairs:
        _check_score(group, place, measure, scope)
        _check_group(definition, group, place, kind, scope)


def _codes(value: Mapping[str, Any]) -> Codes:
    """The codes of a group, population or stratifier, whose code is one concept in a Measure, a list in a report."""
    code = value.get("code")
    return [pair for concept in (code if isinstance(code, list) else [code]) for pair in codings(concept)]


def _shown(codes: Codes) -> str:
    return ", ".join(f"{system}#{code}" if system else code for system, code in codes)


def _matched(
    wanted: list[Placed], given: list[Placed], where: Location, scope: Scope
) -> list[tuple[Mapping[str, Any], Placed]]:
    """Each given part with its definition by code, after saying which have none, come twice or lack."""
    found: list[tuple[Mapping[str, Any], Placed]] = []
    seen: set[int] = set()
    for value, place in given:
        codes = _codes(value)
        if not codes:
            scope.report("measure-code", place, expected=", ".join(_shown(_codes(w)) for w, _ in wanted))
            continue
        index = next((i for i, (w, _) in enumerate(wanted) if set(_codes(w)) & set(codes)), -1)
        if index < 0:
            names = ", ".join(_shown(_codes(w)) for w, _ in wanted)
            scope.report("measure-code-unknown", place, found=_shown(codes), expected=names)
        elif index in seen:
            scope.report("measure-code-twice", place, found=_shown(codes))
        else:
            seen.add(index)
            found.append((wanted[index][0], (value, place)))
    for index, (definition, _) in enumerate(wanted):
        if index not in seen:
            scope.report("measure-missing", where, found=_shown(_codes(definition)) or "(no code)")
    return found


def _check_group(
    definition: Mapping[str, Any],
    group: Mapping[str, Any],
    place: Location,
    kind: str | None,
    scope: Scope,
) -> None:
    populations = list(parts(group, "population", place))
    _matched(list(parts(definition, "population", place)), populations, place, scope)
    for population, spot in populations:
        if kind != "subject-list" and "subjectResults" in population:
            scope.report("measure-subjects", spot, found=kind)
    _matched(list(parts(definition, "stratifier", place)), list(parts(group, "stratifier", place)), place, scope)


def _check_score(group: Mapping[str, Any], place: Location, measure: Mapping[str, Any], scope: Scope) -> None:
    """What Measure.scoring says about the score (valueset measure-scoring)."""
    scoring = next((code for _, code in codings(measure.get("scoring"))), None)
    score = group.get("measureScore")
    spot = (place, "measureScore", -1)
    if scoring == "cohort" and score is not None:
        scope.report("measure-score-prohibited", spot, expected=scoring)
    elif scoring in _SCORED and score is None:
        scope.report("measure-score-missing", place, expected=scoring)
    elif scoring == "proportion":
        number = exact_decimal(part(group, "measureScore").get("value"))
        if number is not None and not 0 <= number <= 1:
            scope.report("measure-score-range", (spot, "value", -1), found=str(number))
        for key in ("unit", "code"):
            if key in part(group, "measureScore"):
                scope.report("measure-score-unit", (spot, key, -1), expected=scoring)
                break
