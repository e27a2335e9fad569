"""StructureMap: the variables and groups that its rules name are there (FHIR R4 structuremap §13.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.validation.location import Location
from harness.validation.resource_rules.reading import parts, text, texts
from harness.validation.scope import Scope

Groups = Mapping[str, int]
"""The names of the groups with the number of their inputs."""


def check(structure_map: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report names that are used twice, and contexts, variables and groups that nothing defines."""
    listed = list(parts(structure_map, "group", where))
    groups: dict[str, int] = {}
    for group, place in listed:
        name = text(group, "name")
        if name is not None:
            groups.setdefault(name, len(list(parts(group, "input", place))))
    imports = bool(texts(structure_map, "import"))
    for group, place in listed:
        names: set[str] = set()
        for given, spot in parts(group, "input", place):
            name = text(given, "name")
            if name in names:
                scope.report("map-name-twice", spot, found=name)
            names.add(name or "")
        _check_rules(group, place, names, None if imports else groups, scope)


def _check_rules(
    holder: Mapping[str, Any], where: Location, known: set[str], groups: Groups | None, scope: Scope
) -> None:
    """The rules of a group or a rule; ``known`` are the variables around them, ``groups`` None where more may be."""
    for rule, place in parts(holder, "rule", where):
        names = set(known)
        for key in ("source", "target"):
            for entry, spot in parts(rule, key, place):
                context = text(entry, "context")
                if context is not None and context not in names and text(entry, "contextType") != "type":
                    scope.report("map-variable", spot, found=context, expected=", ".join(sorted(names)))
                names.add(text(entry, "variable") or "")
        for call, spot in parts(rule, "dependent", place):
            _check_call(call, spot, names, groups, scope)
        _check_rules(rule, place, names, groups, scope)


def _check_call(call: Mapping[str, Any], where: Location, names: set[str], groups: Groups | None, scope: Scope) -> None:
    name, variables = text(call, "name"), texts(call, "variable")
    if groups is not None and name is not None:
        if name not in groups:
            scope.report("map-group", where, found=name, expected=", ".join(groups))
            return
        if groups[name] != len(variables):
            scope.report("map-call", where, found=len(variables), expected=groups[name], detail=name)
            return
    for index, variable in enumerate(variables):
        if variable not in names:
            spot = (where, "variable", index)
            scope.report("map-variable", spot, found=variable, expected=", ".join(sorted(names)))
