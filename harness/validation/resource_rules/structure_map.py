"""StructureMap: the variables, groups and elements that its rules name are there (FHIR R4 structuremap §13.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath import compile_expression
from harness.reason import told
from harness.validation.location import Location
from harness.validation.resource_rules.map_types import MapTypes, Variables
from harness.validation.resource_rules.reading import choice, parts, text, texts
from harness.validation.scope import Scope

Groups = Mapping[str, int]
"""The names of the groups with the number of their inputs."""


def check(structure_map: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report names that are used twice, and contexts, variables, elements and groups that nothing defines."""
    listed = list(parts(structure_map, "group", where))
    groups: dict[str, int] = {}
    for group, place in listed:
        name = text(group, "name")
        if name is not None:
            groups.setdefault(name, len(list(parts(group, "input", place))))
    walk = _Walk(MapTypes(structure_map, scope), None if texts(structure_map, "import") else groups, scope)
    for group, place in listed:
        walk.rules(group, place, walk.inputs(group, place))


class _Walk:
    """Goes through the rules with the variables that they know; ``groups`` is None where more may be imported."""

    def __init__(self, types: MapTypes, groups: Groups | None, scope: Scope) -> None:
        self._types = types
        self._groups = groups
        self._scope = scope

    def inputs(self, group: Mapping[str, Any], where: Location) -> Variables:
        """The inputs of a group."""
        known: Variables = {}
        for given, place in parts(group, "input", where):
            name, kind = text(given, "name"), text(given, "type")
            if name in known:
                self._scope.report("map-name-twice", place, found=name)
            if kind is not None and self._groups is not None and not self._types.names(kind):
                self._scope.report("map-type", place, found=kind)
            known[name or ""] = self._types.named(kind)
        return known

    def rules(self, holder: Mapping[str, Any], where: Location, known: Variables) -> None:
        """The rules of a group or a rule; ``known`` are the variables around them."""
        for rule, place in parts(holder, "rule", where):
            inner = dict(known)
            for key in ("source", "target"):
                for entry, spot in parts(rule, key, place):
                    self._part(entry, spot, inner)
            for call, spot in parts(rule, "dependent", place):
                self._call(call, spot, inner)
            self.rules(rule, place, inner)

    def _part(self, entry: Mapping[str, Any], where: Location, known: Variables) -> None:
        """A source or a target: its context and element are known; its variable is from here on."""
        context, element = text(entry, "context"), text(entry, "element")
        if context is not None and context not in known and text(entry, "contextType") != "type":
            self._scope.report("map-variable", where, found=context, expected=", ".join(sorted(known)))
        around = known.get(context or "")
        found = self._types.child(around, element) if element is not None else around
        if found == []:
            paths = ", ".join(sorted({node.path for node in around or ()}))
            self._scope.report("map-element", where, found=element, expected=paths)
        stated = text(entry, "type")
        created = self._created(entry, where)
        known[text(entry, "variable") or ""] = self._types.named(stated or created) if stated or created else found

    def _created(self, entry: Mapping[str, Any], where: Location) -> str | None:
        """The type that a target creates; what it evaluates can be read."""
        given = [held[1] for part, _ in parts(entry, "parameter", where) if (held := choice(part, "value"))]
        last = given[-1] if given and isinstance(given[-1], str) else None
        transform = text(entry, "transform")
        if transform == "evaluate" and last is not None:
            try:
                compile_expression(last)
            except FHIRPathError as problem:
                self._scope.report("map-expression", where, found=last, detail=told(problem))
        return last if transform == "create" else None

    def _call(self, call: Mapping[str, Any], where: Location, known: Variables) -> None:
        name, variables, groups = text(call, "name"), texts(call, "variable"), self._groups
        if groups is not None and name is not None:
            if name not in groups:
                self._scope.report("map-group", where, found=name, expected=", ".join(groups))
                return
            if groups[name] != len(variables):
                self._scope.report("map-call", where, found=len(variables), expected=groups[name], detail=name)
                return
        for index, variable in enumerate(variables):
            if variable not in known:
                place = (where, "variable", index)
                self._scope.report("map-variable", place, found=variable, expected=", ".join(sorted(known)))
