"""Compiler: canonical -> ElementSchema, element by element, as instances need them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import DefinitionError
from harness.fhir.definitions import Definitions
from harness.fhir.primitives import PRIMITIVES
from harness.validation.assertions.attachment import AttachmentSize
from harness.validation.assertions.coding import CodingRule
from harness.validation.assertions.conformity import Conformity
from harness.validation.assertions.element_id import ElementId
from harness.validation.assertions.extension import ExtensionRule
from harness.validation.assertions.narrative import Narrative
from harness.validation.assertions.reference import ReferenceRule
from harness.validation.assertions.texts import CanonicalRule, MarkdownRule, StringRule, UriRule
from harness.validation.compile import bindings, invariants, values
from harness.validation.compile.children import children_of
from harness.validation.compile.tree import Node, build
from harness.validation.compile.tree import type_code as code_of
from harness.validation.schema import Assertion, Children, ElementSchema, Origin

_NATIVES: dict[str, tuple[Assertion, ...]] = {
    "Attachment": (AttachmentSize(),),
    "Coding": (CodingRule(),),
    "canonical": (CanonicalRule(),),
    "markdown": (MarkdownRule(),),
    "string": (StringRule(),),
    "uri": (UriRule(),),
    "url": (UriRule(),),
    "xhtml": (Narrative(),),
}
_ABSTRACT = frozenset({"Element", "BackboneElement"})
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
        entry: Mapping[str, Any] = next((e for e in node.types if code_of(e) == code), {})
        assertions: list[Assertion] = list(values.build(node, origin))
        assertions.extend(bindings.build(node, code, origin))
        assertions.extend(invariants.build(self._constraints(node, code), self._focus_type(node, code), origin))
        if (node.element.get("base") or {}).get("path") == "Element.id":
            if not node.path.startswith("ElementDefinition."):  # snapshot and differential share their ids
                assertions.append(ElementId())
        elif node.path != "Extension.url":
            assertions.extend(_NATIVES.get(code, ()))
        if code == "Reference":
            assertions.append(ReferenceRule(origin, tuple(entry.get("targetProfile") or ())))
        elif code == "Extension" and node.path != "Extension":
            general = self.children(node, code) or self.type_children(code)
            modifier = node.name == "modifierExtension"
            assertions.append(ExtensionRule(origin, modifier, contexts, general, bool(node.children)))
            return ElementSchema(origin, code, tuple(assertions), None)
        profiles = tuple(p for p in entry.get("profile") or () if code != "Extension")
        if profiles and code not in self.resources:
            assertions.append(Conformity(origin, profiles))
        return ElementSchema(origin, code, tuple(assertions), self.children(node, code))

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
                raise DefinitionError(f"The type '{code}' is not known to FHIR R4")
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

    @staticmethod
    def _focus_type(node: Node, code: str) -> str:
        base = (node.element.get("base") or {}).get("path") or node.path
        return str(base) if code in _ABSTRACT else code
