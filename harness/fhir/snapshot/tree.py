"""A snapshot as a tree: an element, its children, and its slices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Element = dict[str, Any]


@dataclass(slots=True)
class Node:
    """One element. ``name`` is the last part of its path, ``slice`` its slice name ("" for the element itself)."""

    name: str
    slice: str
    element: Element
    children: "list[Node]" = field(default_factory=list)
    slices: "list[Node]" = field(default_factory=list)
    before: "Node | None" = None  # as it was in the base, once a differential has reached it

    def child(self, name: str) -> "Node | None":
        """Return the child element called ``name``."""
        return next((c for c in self.children if c.name == name), None)

    def slice_named(self, name: str) -> "Node | None":
        """Return the slice called ``name``."""
        return next((s for s in self.slices if s.slice == name), None)

    def remember(self) -> None:
        """Keep the present state as that of the base, unless one is kept already."""
        if self.before is None:
            self.before = self.copied()

    def copied(self) -> "Node":
        """Return a copy that can be changed; the values inside the elements stay shared."""
        return Node(
            self.name,
            self.slice,
            dict(self.element),
            [c.copied() for c in self.children],
            [s.copied() for s in self.slices],
        )

    def flat(self, parent_id: str = "", parent_path: str = "") -> Iterator[Element]:
        """Yield the elements in the order of a snapshot, with ``id`` and ``path`` for this place."""
        path = f"{parent_path}.{self.name}" if parent_path else self.name
        own = f"{self.name}:{self.slice}" if self.slice else self.name
        identity = f"{parent_id}.{own}" if parent_id else own
        yield {**self.element, "id": identity, "path": path}
        for child in self.children:
            yield from child.flat(identity, path)
        for part in self.slices:
            yield from part.flat(parent_id, parent_path)


def split_id(identity: str) -> list[tuple[str, str]]:
    """Split an element id into (name, slice) pairs: ``a.b:c.d`` gives ``[(a, ""), (b, c), (d, "")]``."""
    pairs = []
    for part in identity.split("."):
        name, _, piece = part.partition(":")
        pairs.append((name, piece))
    return pairs


def build(elements: Sequence[Element]) -> Node:
    """Return the tree of a snapshot's ``elements``, which are in its order (parents before children)."""
    identities = list(identify(elements))
    root = Node(identities[0], "", dict(elements[0]))
    for identity, element in zip(identities[1:], elements[1:], strict=True):
        node = root
        pairs = split_id(identity)[1:]
        for name, piece in pairs[:-1]:
            found = node.child(name)
            if found is None:
                break
            node = (found.slice_named(piece) or found) if piece else found
        name, piece = pairs[-1]
        made = Node(name, piece, dict(element))
        sliced = node.child(name) if piece else None
        (sliced.slices if sliced else node.children).append(made)
    return root


def identify(elements: Sequence[Element]) -> Iterator[str]:
    """Yield the id of each element; where it has none, one made from its path and the slices that it stands under."""
    last: dict[str, str] = {}
    for element in elements:
        path = element["path"]
        parent, _, name = path.rpartition(".")
        piece = element.get("sliceName")
        own = f"{name}:{piece}" if piece else name
        made = f"{last.get(parent, parent)}.{own}" if parent else own
        identity = element.get("id") or made
        for known in [p for p in last if p.startswith(f"{path}.")]:
            del last[known]
        last[path] = identity
        yield identity
