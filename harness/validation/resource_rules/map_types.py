"""What the variables of a StructureMap may hold, as far as the definitions at hand say (FHIR R4 structuremap §13.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import DefinitionError
from harness.validation.compile.slicing import navigate
from harness.validation.compile.tree import Node
from harness.validation.resource_rules.reading import parts, text
from harness.validation.scope import Scope

Variables = dict[str, "list[Node] | None"]
"""The variables that are known, with the elements that they may hold; None where that is not known."""
_OPEN = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})


class MapTypes:
    """The types that a map uses: by the alias of a structure that it declares, or by their own name."""

    def __init__(self, structure_map: Mapping[str, Any], scope: Scope) -> None:
        judge = scope.session.judge
        self._compiler = judge.compiler
        self._definitions = judge.definitions
        self._urls: dict[str, str] = {}
        for entry, _ in parts(structure_map, "structure", (None, "", -1)):
            url = text(entry, "url") or ""
            self._urls[text(entry, "alias") or url.rpartition("/")[2]] = url

    def names(self, kind: str) -> bool:
        """Whether ``kind`` is declared, or is a type."""
        return kind in self._urls or self._definitions.type_definition(kind) is not None

    def named(self, kind: str | None) -> list[Node] | None:
        """The element that is of the type ``kind``; None where that is not known."""
        if kind is None:
            return None
        try:
            url = self._urls.get(kind)
            tree = self._compiler.tree(url) if url else self._compiler.type_tree(kind)
        except (DefinitionError, ValueError):
            tree = None
        return [tree] if tree is not None else None

    def child(self, around: list[Node] | None, element: str) -> list[Node] | None:
        """The elements called ``element`` in ``around``; empty where there is none, None where that is not known."""
        if around is None or any(not self._closed(node) for node in around):
            return None
        return [found for node in around for found in navigate(node, (("child", element),), self._compiler)]

    @staticmethod
    def _closed(node: Node) -> bool:
        """Whether all that can stand in the element is known: it has children, or types that say."""
        return bool(node.children) or (bool(node.type_codes) and _OPEN.isdisjoint(node.type_codes))
