"""ConceptMap: source and target codes are codes of their systems and value sets (FHIR R4 conceptmap §4.10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.validation.location import Location
from harness.validation.resource_rules.reading import Placed, choice, parts, text
from harness.validation.scope import Scope


def check(concept_map: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report codes that their code system, or the value set of their side, does not have."""
    sets = {side: _value_set(concept_map, side, where, scope) for side in ("source", "target")}
    for group, place in parts(concept_map, "group", where):
        for element, spot in parts(group, "element", place):
            _check_code((element, spot), "source", group, sets["source"], scope)
            for target, at in parts(element, "target", spot):
                _check_code((target, at), "target", group, sets["target"], scope)


def _value_set(concept_map: Mapping[str, Any], side: str, where: Location, scope: Scope) -> str | None:
    """The canonical of the value set of ``side``, where that is known; what is no value set is reported."""
    held = choice(concept_map, side)
    if held is None or not isinstance(held[1], str):
        return None
    definitions = scope.session.judge.definitions
    if definitions.value_set(held[1]) is not None:
        return held[1]
    other = definitions.find(held[1])
    if other is not None:
        place = (where, f"{side}.ofType({held[0].lower()})", -1)
        scope.report("not-a-value-set", place, found=held[1], expected=text(other, "resourceType"))
    return None


def _check_code(
    placed: Placed,
    side: str,
    group: Mapping[str, Any],
    value_set: str | None,
    scope: Scope,
) -> None:
    entry, where = placed
    system, code = text(group, side), text(entry, "code")
    if system is None or code is None:
        return
    judge = scope.session.judge
    version = text(group, f"{side}Version")
    place = (where, "code", -1)
    resource = judge.definitions.code_system(f"{system}|{version}" if version else system)
    if resource is None:
        return  # nothing is known of what its codes mean, nor by what other URL the value set may name it
    table = judge.code_system(system)
    if table is not None and version in (None, resource.get("version")) and code not in table:
        near = judge.nearest(code, tuple(table))
        scope.report("code-unknown", place, found=code, expected=system, detail=f" ({near}?)" if near else None)
    elif value_set is not None and judge.member(value_set, system, code)[0] is False:
        scope.report("binding-required", place, found=code, expected=value_set)
