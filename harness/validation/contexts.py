"""Where an extension may stand, as its definition says beyond a list of elements (FHIR R4 §2.4.0.3, extensibility).

A context of the type ``element`` names elements or types, and is looked up by name. The two others need the instance:
``fhirpath`` selects elements of the resource, ``extension`` names the extension that it may stand in. All rules of
``contextInvariant`` must hold for the element that holds the extension.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath import compile_expression
from harness.validation.location import Location
from harness.validation.scope import Scope

_EXTENSIONS = ("extension", "modifierExtension")


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
