"""The elements of a differential beside those of the base that they constrain (FHIR R4 profiling §5.1.0.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.fhir.snapshot.tree import split_id
from harness.validation.compile.slicing import navigate
from harness.validation.compile.tree import Node
from harness.validation.location import Location

Element = Mapping[str, Any]
Key = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Constrained:
    """One element of a differential: its place, its id as its path and slice names make it, and its base element."""

    element: Element
    where: Location
    identity: str
    base: Node | None
    key: Key

    @property
    def path(self) -> str:
        """The path of the element."""
        return str(self.element.get("path"))

    @property
    def slice_name(self) -> str | None:
        """The name of the slice that it is; None for an element that is none."""
        name = self.element.get("sliceName")
        return name if isinstance(name, str) else None


def constrained(elements: list[Any], root: Node, where: Location, compiler: Any) -> Iterator[Constrained]:
    """Each element of a differential with what it constrains in ``root``, the tree of the base."""
    listed = [
        (index, element)
        for index, element in enumerate(elements)
        if isinstance(element, dict) and isinstance(element.get("path"), str)
    ]
    order = _Order(compiler)
    for (index, element), identity in zip(listed, _identities([element for _, element in listed]), strict=True):
        base, key = order.find(root, identity)
        yield Constrained(element, (where, "element", index), identity, base, key)


def _identities(elements: list[Element]) -> Iterator[str]:
    """The id of each element as its path and the slices that it stands under make it, whatever its own id says."""
    last: list[tuple[str, str]] = []
    for element in elements:
        path, name = str(element["path"]), element.get("sliceName")
        while last and not path.startswith(last[-1][0] + "."):
            last.pop()
        above, identity = last[-1] if last else ("", "")
        tail = path[len(above) :]
        made = f"{identity}{tail}:{name}" if isinstance(name, str) else identity + tail
        last.append((path, made))
        yield made


def misplaced(found: list[Constrained]) -> set[int]:
    """The positions of elements that stand after something that comes later in the base."""
    wrong: set[int] = set()
    least: Key | None = None
    for position in range(len(found) - 1, -1, -1):
        key = found[position].key
        if least is not None and least < key:
            wrong.add(position)
        else:
            least = key
    return wrong


class _Order:
    """Where elements stand in the base, slices in the order in which the differential names them."""

    def __init__(self, compiler: Any) -> None:
        self._compiler = compiler
        self._slices: dict[tuple[Key, int], dict[str, int]] = {}

    def find(self, root: Node, identity: str) -> tuple[Node | None, Key]:
        node: Node | None = root
        key: list[tuple[int, int]] = []
        for name, piece in split_id(identity)[1:]:
            position, node = self._child(node, name) if node is not None else (-1, None)
            names = self._slices.setdefault((tuple(key), position), {})
            key.append((position, names.setdefault(piece, len(names) + 1) if piece else 0))
            if node is not None and piece:
                node = next((part for part in node.slices if part.slice_name == piece), node)
        return node, tuple(key)

    def _child(self, node: Node, name: str) -> tuple[int, Node | None]:
        for holder in self._holders(node):
            for position, (known, child) in enumerate(holder.children.items()):
                stem = known.removesuffix("[x]")
                chosen = stem != known and name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper()
                if known == name or chosen:
                    return position, child
        found = navigate(node, (("child", name.removesuffix("[x]")),), self._compiler)
        return -1, found[-1] if found else None

    def _holders(self, node: Node) -> Iterator[Node]:
        yield node
        if not node.children:
            target = self._compiler.referenced(node)
            if target is not None:
                yield target
            for code in node.type_codes[:1]:
                tree = self._compiler.type_tree(code)
                if tree is not None:
                    yield tree
