"""The elements of a snapshot as a tree: children by name, slices beside what they slice.

ElementDefinitions come as a flat list in order (FHIR R4 ElementDefinition §2.26.3.1): children follow their parent,
slices follow the element they slice together with its children, and ``a/b`` slices again the slice ``a``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Element = Mapping[str, Any]


class Node:
    """One ElementDefinition in its tree. ``profile`` is the canonical of the StructureDefinition it belongs to."""

    __slots__ = ("above", "children", "element", "name", "profile", "slice_name", "slices")

    def __init__(self, element: Element, profile: str) -> None:
        self.element = element
        self.profile = profile
        self.name = str(element["path"]).rpartition(".")[2]
        self.slice_name: str | None = element.get("sliceName")
        self.children: dict[str, Node] = {}
        self.slices: list[Node] = []
        self.above: Node | None = None
        """For a slice that is judged: the element that it slices, whose facets hold for its items too."""

    @property
    def id(self) -> str:
        """The id of the element in its profile."""
        return str(self.element.get("id") or self.element["path"])

    @property
    def path(self) -> str:
        """The path of the element in its profile."""
        return str(self.element["path"])

    @property
    def min(self) -> int:
        """The least number of times it occurs."""
        return int(self.element.get("min") or 0)

    @property
    def max(self) -> int | None:
        """The greatest number of times it occurs; None for any number."""
        text = str(self.element.get("max", "*"))
        return None if text == "*" else int(text)

    @property
    def types(self) -> list[Mapping[str, Any]]:
        """The ``type`` entries; those of its slices where a published snapshot leaves them to these."""
        return list(self.element.get("type") or ()) or [entry for part in self.slices for entry in part.types]

    @property
    def type_codes(self) -> list[str]:
        """The type codes, with FHIRPath's system types as FHIR writes them (``System.String`` as ``string``)."""
        return [type_code(entry) for entry in self.types]

    def walk(self) -> Iterator[Node]:
        """This node and everything below it, slices included."""
        yield self
        for child in self.children.values():
            yield from child.walk()
        for part in self.slices:
            yield from part.walk()

    def overlay(self, base: Node) -> Node:
        """This node with what ``base``, the element that it slices, says about children that it does not mention."""
        if not base.children:
            return self
        merged = self._copy()
        for name, child in base.children.items():
            own = self.children.get(name)
            merged.children[name] = child if own is None else own.overlay(child)
        for name, child in self.children.items():
            merged.children.setdefault(name, child)
        return merged

    def _copy(self) -> Node:
        copied = Node(self.element, self.profile)
        copied.slices, copied.above = self.slices, self.above
        return copied

    def as_slice_of(self, base: Node) -> Node:
        """This slice with all that the sliced element says: about its children, and about every item."""
        merged = self.overlay(base)
        if merged is self:
            merged = self._copy()
            merged.children = self.children
        merged.above = base
        return merged


_SYSTEM = "http://hl7.org/fhirpath/System."
_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"


def type_code(entry: Mapping[str, Any]) -> str:
    """The FHIR type that a ``type`` entry names."""
    code = str(entry.get("code", ""))
    if not code.startswith(_SYSTEM):
        return code.removeprefix("http://hl7.org/fhir/StructureDefinition/")
    listed = entry.get("extension")
    for extension in listed if isinstance(listed, list) else ():
        if isinstance(extension, Mapping) and extension.get("url") == _FHIR_TYPE:
            return str(extension.get("valueUrl") or extension.get("valueUri"))
    short = code.removeprefix(_SYSTEM)
    return short[0].lower() + short[1:]


def build(elements: Iterable[Element], profile: str) -> Node:
    """The root node of a snapshot. ``elements`` must not be empty and start with the root."""
    stack: list[Node] = []
    root: Node | None = None
    for element in elements:
        node = Node(element, profile)
        if root is None:
            root = node
            stack = [node]
            continue
        parent_path = node.path.rpartition(".")[0]
        while len(stack) > 1 and stack[-1].path != parent_path:
            stack.pop()
        _attach(stack[-1], node)
        stack.append(node)
    if root is None:
        raise ValueError(f"{profile}: the snapshot has no elements")
    return root


def _attach(parent: Node, node: Node) -> None:
    known = parent.children.get(node.name)
    if known is None or node.slice_name is None:
        parent.children[node.name] = node
        return
    owner = known
    head, slash, _ = node.slice_name.rpartition("/")
    if slash:
        owner = next((part for part in _all_slices(known) if part.slice_name == head), known)
    owner.slices.append(node)


def _all_slices(node: Node) -> Iterator[Node]:
    for part in node.slices:
        yield part
        yield from _all_slices(part)
