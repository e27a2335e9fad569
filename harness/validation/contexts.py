"""Where an extension may stand, as its definition says beyond a list of elements (FHIR R4 §2.4.0.3, extensibility).

A context of the type ``element`` names elements or types, and is looked up by name; what holds for a type holds for
those that build on it. The two others need the instance: ``fhirpath`` selects elements of the resource, ``extension``
names the extension that it may stand in. All rules of ``contextInvariant`` must hold for the element that holds the
extension.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath import compile_expression
from harness.validation.location import Location
from harness.validation.scope import Scope

_EXTENSIONS = ("extension", "modifierExtension")
_CANONICAL = "CanonicalResource"
"""What R5 calls the resources that others refer to by canonical URL; extensions of it are used with R4 too."""
_OF_OTHERS = frozenset({"ElementDefinition.fixed", "ElementDefinition.pattern", "ElementDefinition.example.value"})
"""Values that are none of the definition's own: they speak of the element that it describes."""

_RELEASES = "http://hl7.org/fhir/StructureDefinition/version-specific-use"
_R4 = (4, 0)


def for_r4(context: Mapping[str, Any]) -> bool:
    """Whether a context of an extension that is shared by several releases of FHIR is one in R4."""
    listed = context.get("extension")
    for found in listed if isinstance(listed, list) else ():
        if isinstance(found, Mapping) and found.get("url") == _RELEASES:
            inner = [part for part in found.get("extension") or () if isinstance(part, Mapping)]
            bounds = {part.get("url"): _release(part.get("valueCode")) for part in inner}
            if bounds.get("startFhirVersion", _R4) > _R4 or bounds.get("endFhirVersion", _R4) < _R4:
                return False
    return True


def _release(text: Any) -> tuple[int, ...]:
    """Major and minor number of a release of FHIR; R4's where it is none."""
    numbers = tuple(int(part) for part in str(text).split(".")[:2] if part.isdecimal())
    return numbers if len(numbers) == len(_R4) else _R4


def element_at(where: Location, scope: Scope) -> Any:
    """The value at ``where`` in the resource of ``scope``: JSON, None for a primitive that has extensions alone."""
    steps: list[tuple[str, int]] = []
    node: Location | None = where
    while node is not None and node is not scope.where:
        steps.append((node[1], node[2]))
        node = node[0]
    value: Any = scope.resource
    for segment, index in reversed(steps):
        stem, _, choice = segment.partition(".ofType(")
        key = stem + choice[:1].upper() + choice[1:-1] if choice else stem
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
        if index >= 0:
            value = value[index] if isinstance(value, list) and index < len(value) else None
    return value


def belongs(contexts: Iterable[str], where: Location, scope: Scope) -> bool:
    """Whether one of ``contexts``, names of elements, is the element at ``where``, or that is a value of others."""
    known = set(names_at(where, scope))
    return not known.isdisjoint(_OF_OTHERS) or not known.isdisjoint(name.replace("[x]", "") for name in contexts)


def names_at(where: Location, scope: Scope) -> Iterator[str]:
    """Every name by which a context may know the element at ``where``: its types, and its path from each type around.

    A choice goes by its general name, without ``[x]``.
    """
    compiler = scope.session.judge.compiler
    kind = str(scope.resource.get("resourceType"))
    tree = compiler.type_tree(kind)
    if tree is not None and {"url", "version", "status"} <= tree.children.keys() and where is scope.where:
        yield _CANONICAL
    around: list[tuple[str, tuple[str, ...]]] = [(kind, ())]
    for segment in _segments(where, scope):
        name, _, cast = segment.partition(".ofType(")
        child = None if tree is None else tree.children.get(name) or tree.children.get(f"{name}[x]")
        if child is None:
            return
        code = cast.removesuffix(")") or next(iter(child.type_codes), "Element")
        around = [*((start, (*path, name)) for start, path in around), (code, ())]
        tree = compiler.referenced(child) or (child if child.children else compiler.type_tree(code))
    for start, path in around:
        for ancestor in _lineage(start, scope):
            yield ".".join((ancestor, *path))


def _segments(where: Location, scope: Scope) -> list[str]:
    found: list[str] = []
    node: Location | None = where
    while node is not None and node is not scope.where:
        found.append(node[1])
        node = node[0]
    return found[::-1]


def _lineage(name: str, scope: Scope) -> Iterator[str]:
    """The type ``name`` and those that it builds on: Age, Quantity, Element."""
    current: str | None = name
    while current:
        yield current
        definition = scope.session.judge.definitions.type_definition(current)
        base = definition.get("baseDefinition") if definition else None
        current = base.rpartition("/")[2] if isinstance(base, str) else None


def selected(expressions: Iterable[str], where: Location, scope: Scope) -> bool | None:
    """Whether one of ``expressions``, asked of the resource, selects the element at ``where``; None if untold."""
    element = element_at(where, scope)
    environment = scope.surroundings(scope.resource.get("resourceType"))
    verdict: bool | None = False
    for text in expressions:
        try:
            found = compile_expression(text).evaluate(dict(scope.resource), environment)
        except FHIRPathError:
            verdict = None
            continue
        if any(item is element or item == element for item in found):
            return True
        if element is None:  # a primitive without a value is no item
            verdict = None
    return verdict


def inside(urls: frozenset[str], where: Location, scope: Scope) -> bool:
    """Whether the element at ``where`` is the extension of one of ``urls`` (``url``, or ``url#part`` for a part)."""
    part = ""
    node: Location | None = where
    while node is not None and node[1] in _EXTENSIONS:
        element = element_at(node, scope)
        url = element.get("url") if isinstance(element, Mapping) else None
        if not isinstance(url, str):
            return False
        if ":" in url:
            return (f"{url}#{part}" if part else url) in urls
        part = f"{url}.{part}" if part else url
        node = node[0]
    return False


def broken(
    rules: Iterable[str], extension: Mapping[str, Any], where: Location, scope: Scope
) -> Iterable[tuple[str, bool | None]]:
    """Yield each of ``rules`` that does not hold (False), or cannot be judged (None), for the element at ``where``."""
    element = element_at(where, scope)
    around = scope.surroundings(None)
    environment = replace(around, context=element, variables={**around.variables, "extension": dict(extension)})
    for text in rules:
        try:
            holds: bool | None = compile_expression(text).test({} if element is None else element, environment)
        except FHIRPathError:
            holds = None
        if not holds:
            yield text, holds
