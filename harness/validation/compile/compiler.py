"""Compiler: canonical -> ElementSchema, element by element, as instances need them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import DefinitionError
from harness.fhir.definitions import Definitions
from harness.fhir.primitives import PRIMITIVES
from harness.validation.assertions.attachment import AttachmentRule
from harness.validation.assertions.binding import Binding
from harness.validation.assertions.coding import CodingRule
from harness.validation.assertions.conformity import Conformity
from harness.validation.assertions.element_id import ElementId
from harness.validation.assertions.extension import ExtensionRule
from harness.validation.assertions.identifier import IdentifierRule
from harness.validation.assertions.narrative import Narrative
from harness.validation.assertions.reference import ReferenceRule
from harness.validation.assertions.texts import AbsoluteUrl, CanonicalRule, CodeRule, MarkdownRule, StringRule, UriRule
from harness.validation.compile import bindings, invariants, values
from harness.validation.compile.children import children_of
from harness.validation.compile.tree import Node, build
from harness.validation.compile.tree import type_code as code_of
from harness.validation.schema import Assertion, Children, ElementSchema, Origin

_NATIVES: dict[str, tuple[Assertion, ...]] = {
    "Attachment": (AttachmentRule(),),
    "Identifier": (IdentifierRule(),),
    "canonical": (CanonicalRule(), UriRule()),
    "code": (CodeRule(),),
    "markdown": (MarkdownRule(),),
    "string": (StringRule(),),
    "uri": (UriRule(),),
    "url": (UriRule(),),
    "xhtml": (Narrative(),),
}
_ABSTRACT = frozenset({"Element", "BackboneElement"})
_CODED = frozenset({"Coding", "Quantity", "Age", "Count", "Distance", "Duration"})
_EXTENSION = "http://hl7.org/fhir/StructureDefinition/Extension"


class Compiler:
    """Compiles the StructureDefinitions of one set of definitions, each once; safe to ask again and again."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.primitives = frozenset(PRIMITIVES) | {"xhtml"}
        self.resources = definitions.resource_types | {"Resource", "DomainResource"}
        self._trees: dict[int, Node] = {}
        self._types: dict[str, Node | None] = {}
        self._type_children: dict[str, Children] = {}
        self._profiles: dict[int, ElementSchema] = {}
        self._kept: list[Mapping[str, Any]] = []

    def tree(self, canonical: str) -> Node | None:
        """The snapshot of ``canonical`` as a tree; None when not known. Raises SnapshotError when broken."""
        structure = self.definitions.structure(canonical)
        if structure is None:
            return None
        key = id(structure)
        if key not in self._trees:
            self._kept.append(structure)  # its id stays taken as long as the tree is kept
            url = str(structure.get("url", canonical))
            self._trees[key] = build(self.definitions.snapshot(canonical), url)
        return self._trees[key]

    def type_tree(self, code: str) -> Node | None:
        """The tree of the type ``code``; None for one that FHIR R4 does not know."""
        if code not in self._types:
            structure = self.definitions.type_definition(code)
            self._types[code] = self.tree(str(structure["url"])) if structure else None
        return self._types[code]

    def profile(self, canonical: str) -> ElementSchema | None:
        """The schema of a whole profile or type; None when it is not known. Raises SnapshotError when it is broken."""
        root = self.tree(canonical)
        if root is None:
            return None
        key = id(root)
        if key not in self._profiles:
            self._profiles[key] = self.element(root, root.path)
        return self._profiles[key]

    def element(self, node: Node, code: str, contexts: frozenset[str] = frozenset()) -> ElementSchema:
        """The schema of ``node`` for its type ``code``; ``contexts`` are the names of its parent, for extensions."""
        origin = Origin(node.profile, node.id)
        assertions = self._facets(node, code)
        assertions.extend(invariants.build(self._constraints(node, code), self._focus_type(node, code), origin))
        if (node.element.get("base") or {}).get("path") == "Element.id":
            if not node.path.startswith("ElementDefinition."):  # snapshot and differential share their ids
                assertions.append(ElementId())
        elif node.path != "Extension.url":
            closed = code == "code" and (node.element.get("binding") or {}).get("strength") == "required"
            assertions.extend(() if closed else _NATIVES.get(code, ()))  # no code of a value set has odd spaces
            if code == "uri" and self._names_definition(node):
                assertions.append(AbsoluteUrl())
        if code in _CODED:
            bound = any(isinstance(facet, Binding) for facet in assertions)
            assertions.append(CodingRule(alone=not bound and node.name != "coding"))
        if code == "Reference":
            targets, places = _stated(node, "targetProfile"), _stated(node, "aggregation")
            assertions.append(ReferenceRule(origin, targets, places, *_stated(node, "versioning")[:1]))
        elif code == "Extension" and node.path != "Extension":
            general = self.children(node, code) or self.type_children(code)
            modifier = node.name == "modifierExtension"
            assertions.append(ExtensionRule(origin, modifier, contexts, general, bool(node.children)))
            return ElementSchema(origin, code, tuple(assertions), None)
        return ElementSchema(origin, code, tuple(assertions), self.children(node, code))

    def _facets(self, node: Node, code: str) -> list[Assertion]:
        """What ``node`` says about its own value; an item of a slice obeys the element that is sliced as well."""
        facets: list[Assertion] = []
        told: list[dict[str, Any]] = []
        current: Node | None = node
        while current is not None:
            origin = Origin(current.profile, current.id)
            entry: Mapping[str, Any] = next((e for e in current.types if code_of(e) == code), {})
            profiles = tuple(entry.get("profile") or ())
            own: list[Assertion] = [*values.build(current, origin), *bindings.build(current, code, origin)]
            if profiles and code not in self.resources and code != "Extension":
                own.append(Conformity(origin, profiles))
            for facet in own:
                if (dumped := facet.dump()) not in told:
                    told.append(dumped)
                    facets.append(facet)
            current = current.above
        return facets

    def children(self, node: Node, code: str) -> Children | None:
        """The children of ``node`` for its type ``code``."""
        if not node.children and not node.element.get("contentReference") and code not in self.primitives:
            return self.type_children(code)
        return children_of(self, node, code)

    def type_children(self, code: str) -> Children:
        """The children that the type itself defines."""
        if code not in self._type_children:
            tree = self.type_tree(code)
            if tree is None:
                raise DefinitionError(
                    f"The type '{code}' is not known to FHIR R4", f"Le type « {code} » n'est pas connu de FHIR R4"
                )
            self._type_children[code] = children_of(self, tree, code)
        return self._type_children[code]

    def referenced(self, node: Node) -> Node | None:
        """The element that ``node`` takes its content from (contentReference)."""
        reference = node.element.get("contentReference")
        if not reference:
            return None
        canonical, _, element = str(reference).rpartition("#")
        root = self.tree(canonical or node.profile)
        found = next((n for n in root.walk() if n.id == element), None) if root else None
        return found or self._by_type(element)

    def _by_type(self, element: str) -> Node | None:
        tree = self.type_tree(element.partition(".")[0])
        return next((n for n in tree.walk() if n.id == element), None) if tree else None

    def _constraints(self, node: Node, code: str) -> list[Mapping[str, Any]]:
        constraints = list(node.element.get("constraint") or ())
        target = self.referenced(node)
        if target is not None:
            constraints.extend(target.element.get("constraint") or ())
        if "." in node.path and code not in _ABSTRACT and code not in self.primitives and code not in self.resources:
            tree = self.type_tree(code)
            if tree is not None:
                constraints.extend(tree.element.get("constraint") or ())
        return constraints

    def _names_definition(self, node: Node) -> bool:
        """Whether the element is the ``url`` of a resource that others refer to by canonical URL."""
        owner, _, name = str((node.element.get("base") or {}).get("path") or node.path).partition(".")
        tree = self.type_tree(owner) if name == "url" and owner in self.resources else None
        return tree is not None and "publisher" in tree.children

    @staticmethod
    def _focus_type(node: Node, code: str) -> str:
        base = (node.element.get("base") or {}).get("path") or node.path
        return str(base) if code in _ABSTRACT else code


def _stated(node: Node, facet: str) -> tuple[str, ...]:
    """What ``node`` says of the targets of a reference; where a slice says nothing, what it slices says."""
    current: Node | None = node
    while current is not None:
        for entry in current.types:
            if code_of(entry) == "Reference" and entry.get(facet):
                stated = entry[facet]
                return (stated,) if isinstance(stated, str) else tuple(stated)
        current = current.above
    return ()
