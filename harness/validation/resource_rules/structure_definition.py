"""StructureDefinition: what it says of itself, and its differential beside its base (FHIR R4 §5.3, profiling §5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import DefinitionError, FHIRPathError
from harness.fhir.fhirpath import compile_expression
from harness.fhir.snapshot import generate
from harness.reason import Reason, told
from harness.validation.compile.tree import Node
from harness.validation.location import Location, render
from harness.validation.resource_rules import discriminators, element_definition, slicing
from harness.validation.resource_rules.differential import Constrained, constrained, misplaced
from harness.validation.resource_rules.reading import part, parts, text
from harness.validation.scope import Scope

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/Extension"


def check(structure: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report what does not hold together in the definition."""
    judge = scope.session.judge
    canonical = text(structure, "baseDefinition")
    base = judge.definitions.structure(canonical) if canonical else None
    _check_identity(structure, canonical, base, where, scope)
    _check_extension(structure, canonical, where, scope)
    _check_snapshot(structure, (where, "snapshot", -1), scope)
    _check_codes(where, scope)
    _check_paths(structure, where, scope)
    differential = structure.get("differential")
    listed = differential.get("element") if isinstance(differential, dict) else None
    if not isinstance(listed, list) or base is None or canonical is None:
        return
    for index, element in enumerate(listed):
        if isinstance(element, dict) and text(element, "path") is None:
            named = f"differential.element[{index}]"
            detail = Reason(f"{named} has no path", f"{named} n'a pas de chemin (path)")
            scope.report("definition-invalid", where, detail=detail)
    if base.get("type") != structure.get("type") and structure.get("derivation") == "constraint":
        return
    try:
        root = judge.compiler.tree(canonical)
    except (DefinitionError, ValueError):
        root = None
    if root is not None:
        _check_differential(structure, listed, root, where, scope)


def _check_identity(
    structure: Mapping[str, Any],
    canonical: str | None,
    base: Mapping[str, Any] | None,
    where: Location,
    scope: Scope,
) -> None:
    """type, kind and derivation beside those of the base."""
    kind, name, derivation = (text(structure, key) for key in ("kind", "type", "derivation"))
    definitions = scope.session.judge.definitions
    place = (where, "type", -1)
    if derivation != "constraint" and name is not None:
        known = definitions.type_definition(name) if ":" not in name else None
        if known is not None and known.get("url") != text(structure, "url"):
            scope.report("definition-type", place, found=name)
        elif known is None and ":" not in name:
            scope.report("definition-type-local", place, found=name)
    if canonical is not None and derivation is None:
        detail = Reason("it has a baseDefinition and no derivation", "elle a une baseDefinition, sans derivation")
        scope.report("definition-invalid", where, detail=detail)
    if base is None or derivation is None:
        return
    if (base.get("type") == name) is (derivation == "specialization"):
        other = base.get("type")
        en, fr = f"the type {name} of a {derivation} of {other}", f"le type {name} pour une {derivation} de {other}"
        scope.report("definition-invalid", where, detail=Reason(en, fr))
    if derivation == "constraint" and kind is not None and base.get("kind") != kind:
        other = base.get("kind")
        detail = Reason(f"the kind is {kind}, that of the base {other}", f"kind vaut {kind}, celui de la base {other}")
        scope.report("definition-invalid", where, detail=detail)


def _check_extension(structure: Mapping[str, Any], canonical: str | None, where: Location, scope: Scope) -> None:
    """Only extensions have a context; their url is fixed to their canonical URL."""
    if text(structure, "type") != "Extension":
        for key in ("context", "contextInvariant"):
            listed = structure.get(key)
            for index in range(len(listed) if isinstance(listed, list) else 0):
                scope.report("context-not-extension", (where, key, index), found=text(structure, "type"))
        return
    url = text(structure, "url")
    fixed = [
        text(element, "fixedUri")
        for key in ("snapshot", "differential")
        for element, _ in parts(part(structure, key), "element", where)
        if element.get("path") == "Extension.url" and "fixedUri" in element
    ]
    if url is None or (not fixed and canonical != _EXTENSION):
        return
    if not fixed or any(found != url for found in fixed):
        scope.report("extension-url-fixed", where, found=fixed[0] if fixed else None, expected=url)


def _check_snapshot(structure: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Elements of a snapshot differ, and have types and what fits these; their constraints can be read."""
    seen: set[str] = set()
    for element, place in parts(part(structure, "snapshot"), "element", where):
        name = text(element, "id")
        if name is not None and name in seen:
            scope.report("duplicate-id", place, found=name)
        seen.add(name or "")
        element_definition.check_relevance(element, place, scope)
        if "." in str(element.get("path")) and not element.get("type") and not element.get("contentReference"):
            scope.report("element-no-type", place, found=text(element, "path"))
        for constraint, spot in parts(element, "constraint", place):
            expression = text(constraint, "expression")
            if expression is not None:
                try:
                    compile_expression(expression)
                except FHIRPathError as error:
                    scope.report("constraint-expression", spot, found=text(constraint, "key"), detail=told(error))


def _check_codes(where: Location, scope: Scope) -> None:
    """Nothing can be made of a definition whose own codes mean nothing (severity, rules, status, …)."""
    place = render(where) + "."
    for issue in list(scope.session.issues):
        plain = issue.rule == "binding-required" and "#" not in (issue.found or "")
        if plain and issue.expression.startswith(place) and ".extension[" not in issue.expression:
            tail = issue.expression.removeprefix(place)
            en, fr = (
                f"the code {issue.found} of {tail} means nothing",
                f"le code {issue.found} de {tail} n'a pas de sens",
            )
            scope.report("definition-invalid", where, detail=Reason(en, fr))
            return


def _check_paths(structure: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Every path starts with the type."""
    name = text(structure, "type")
    if name is None or structure.get("derivation") is None:
        return
    tail = name.rpartition("/")[2]
    for key in ("snapshot", "differential"):
        for element, place in parts(part(structure, key), "element", (where, key, -1)):
            path = text(element, "path")
            if path is not None and path.partition(".")[0] not in (name, tail):
                scope.report("element-other-type", place, found=path, expected=name)


def _check_differential(
    structure: Mapping[str, Any], listed: list[Any], root: Node, where: Location, scope: Scope
) -> None:
    judge = scope.session.judge
    place = (where, "differential", -1)
    profile = structure.get("derivation") == "constraint"
    elements = list(constrained(listed, root, place, judge.compiler))
    snapshot: list[dict[str, Any]] = []
    failed = False
    try:
        snapshot = generate(_with_fitting_ids(structure, elements), judge.definitions)
    except DefinitionError as error:
        failed = True
        scope.report("definition-invalid", where, detail=told(error))
    if profile:
        _check_order(elements, failed, where, scope)
    _check_ids(elements, where, scope)
    _check_constraints(structure, elements, root, scope)
    slicing.check(elements, snapshot, where, scope)
    for item in elements:
        if profile:
            element_definition.check(item, where, scope)
    discriminators.check(listed, where, scope)


def _check_ids(elements: list[Constrained], where: Location, scope: Scope) -> None:
    """The ids of the elements differ (sdf-17), and so do the elements."""
    seen: set[str] = set()
    known: set[str] = set()
    for item in elements:
        name = text(item.element, "id")
        if name is not None and name in seen:
            scope.report("duplicate-id", item.where, found=name)
        seen.add(name or "")
        if item.identity in known:
            detail = Reason(f"{item.identity} is there twice", f"{item.identity} y est deux fois")
            scope.report("definition-invalid", where, detail=detail)
        known.add(item.identity)


def _with_fitting_ids(structure: Mapping[str, Any], elements: list[Constrained]) -> dict[str, Any]:
    """The structure without element ids that say another path or slice than the element's: these decide."""
    kept = [{k: v for k, v in item.element.items() if k != "id" or _fits(str(v), item)} for item in elements]
    return {**structure, "differential": {"element": kept}}


def _fits(identity: str, item: Constrained) -> bool:
    plain = ".".join(piece.partition(":")[0] for piece in identity.split("."))
    slice_name = identity.rpartition(".")[2].partition(":")[2]
    return "[x]" in plain or (plain == item.path and slice_name == (item.slice_name or ""))


def _check_order(elements: list[Constrained], failed: bool, where: Location, scope: Scope) -> None:
    """Elements that the base does not have, or that stand in another order than there."""
    wrong = {position for position, item in enumerate(elements) if failed and item.base is None}
    late = misplaced(elements)
    for position in sorted(wrong | late):
        item = elements[position]
        scope.report("element-unmatched", item.where, found=item.identity)
    if late and not failed:
        names = ", ".join(elements[position].identity for position in sorted(late))
        detail = Reason(f"{names}: not in the order of the base", f"{names} : hors de l'ordre de la base")
        scope.report("definition-invalid", where, detail=detail)


def _check_constraints(structure: Mapping[str, Any], elements: list[Constrained], root: Node, scope: Scope) -> None:
    """A key means one expression, and what a differential adds has this profile as its source."""
    known: dict[str, str] = {}
    for node in root.walk():
        for constraint in node.element.get("constraint") or ():
            if constraint.get("expression"):
                known.setdefault(str(constraint.get("key")), str(constraint["expression"]))
    url = text(structure, "url")
    for item in elements:
        for constraint, place in parts(item.element, "constraint", item.where):
            key, expression, source = (text(constraint, name) for name in ("key", "expression", "source"))
            if key is not None and expression is not None and known.setdefault(key, expression) != expression:
                scope.report("constraint-key", place, found=key, expected=known[key])
            foreign = source is not None and source.partition("|")[0] != url
            if foreign and (key not in known or expression is not None):
                scope.report("constraint-source", place, found=source, expected=url)
