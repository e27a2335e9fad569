"""Differential -> snapshot (https://hl7.org/fhir/R4/profiling.html#snapshot).

The base's snapshot becomes a tree; every element of the differential is walked to by its id, unfolding data types,
profiles of data types and content references on the way, and merged there; the tree is then read out again. Because
elements are found by name, the order of the differential does not matter; children keep the order of the base.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from harness.errors import SnapshotError
from harness.fhir.snapshot.merge import EXTENSION_SLICING, TYPE_SLICING, adopt_profile, constrain
from harness.fhir.snapshot.tree import Element, Node, build, identify, split_id

_TYPES = "http://hl7.org/fhir/StructureDefinition/"
_CHOICE = "[x]"
_ELEMENT_LIKE = frozenset({"BackboneElement", "Element"})


class Source(Protocol):
    """Where the definitions come from that a differential refers to."""

    def structure(self, canonical: str) -> dict[str, Any] | None:
        """Return the StructureDefinition of ``canonical``."""
        ...

    def snapshot(self, canonical: str) -> Sequence[Element]:
        """Return the elements of its snapshot."""
        ...


def generate(structure: Mapping[str, Any], source: Source) -> list[Element]:
    """Return the snapshot's elements of ``structure``, made from its differential and its base.

    Raises SnapshotError, naming the profile and the element, when the base or a type is not known, or when an element
    is not in the base.
    """
    return _Generator(structure, source).run()


class _Generator:
    def __init__(self, structure: Mapping[str, Any], source: Source) -> None:
        self._structure = structure
        self._source = source
        self._url = str(structure.get("url", structure.get("id", "profile")))
        self._extends = structure.get("derivation") == "specialization"
        self._touched: set[int] = set()
        self._tree: Node

    def run(self) -> list[Element]:
        base = self._structure.get("baseDefinition")
        differential = self._structure.get("differential", {}).get("element", [])
        if not base:
            return list(differential)
        if self._source.structure(base) is None:
            raise SnapshotError(f"{self._url}: its base {base} is not known; add the package that defines it.")
        self._tree = build(self._source.snapshot(base))
        if self._extends:
            self._tree.name = self._structure["type"].rpartition("/")[2]
        for identity, element in zip(identify(differential), differential, strict=True):
            node = self._reach(identity, element)
            self._apply(node, element)
        return list(self._tree.flat())

    def _fail(self, identity: str, what: str) -> SnapshotError:
        return SnapshotError(f"{self._url}: element {identity}: {what}")

    def _reach(self, identity: str, element: Element) -> Node:
        """Walk to the element ``identity``, unfolding what has to be on the way."""
        pairs = split_id(identity)
        if pairs[0][0] != self._tree.name:
            raise self._fail(identity, f"does not start with {self._tree.name}, the type of the base.")
        node = self._tree
        for place, (name, piece) in enumerate(pairs[1:], 1):
            self._unfold(node, identity)
            found = node.child(name)
            if found is None and not piece:
                found, piece = self._choice(node, name)  # noqa: PLW2901 (the short form names a slice)
            if found is None and self._extends:
                found = self._new(node, name, element)
            if found is None:
                raise self._fail(identity, f"{'.'.join(p[0] for p in pairs[:place])} has no element {name}.")
            node = self._sliced(found, piece) if piece else found
        return node

    @staticmethod
    def _new(parent: Node, name: str, element: Element) -> Node:
        """An element that a specialization adds."""
        own = {"path": element["path"], "min": element.get("min", 0), "max": element.get("max", "*")}
        made = Node(name, "", {"base": own})
        parent.children.append(made)
        return made

    @staticmethod
    def _choice(parent: Node, name: str) -> tuple[Node | None, str]:
        """The short form ``valueQuantity`` means the slice of that name of ``value[x]``."""
        for child in parent.children:
            stem = child.name.removesuffix(_CHOICE)
            if child.name != stem and name.startswith(stem) and _choice_type(child, name):
                return child, name
        return None, ""

    def _sliced(self, base: Node, piece: str) -> Node:
        """Return the slice ``piece`` of ``base``, made if the base has none of that name."""
        found = base.slice_named(piece)
        if found:
            return found
        outer = base.slice_named(piece.rpartition("/")[0]) if "/" in piece else None
        model = outer or base
        element = {k: v for k, v in model.element.items() if k not in ("slicing", "sliceName")}
        made = Node(base.name, piece, {**element, "sliceName": piece, "min": 0})
        if base.name.endswith(_CHOICE):
            one = _choice_type(base, piece)
            if one:
                made.element["type"] = [one]
            base.element.setdefault("slicing", TYPE_SLICING)
        elif base.name in ("extension", "modifierExtension"):
            base.element.setdefault("slicing", EXTENSION_SLICING)
        base.slices.append(made)
        made.children = [c.copied() for c in model.children]
        return made

    def _apply(self, node: Node, element: Element) -> None:
        """Merge the differential's ``element`` into ``node``."""
        profile = _only_profile(element)
        if profile and self._source.structure(profile) and profile != self._url:
            roots = self._source.snapshot(profile)
            if roots:
                adopt_profile(node.element, roots[0])
        if "type" in element and _types(element) != _types(node.element) and id(node) not in self._touched:
            node.children = []
        self._touched.add(id(node))
        constrain(node.element, {k: v for k, v in element.items() if k != "sliceName" or node.slice})

    def _unfold(self, node: Node, identity: str) -> None:
        """Give ``node`` the children of its type, if it has none yet."""
        if node.children:
            return
        reference = node.element.get("contentReference")
        if reference:
            target = self._target(reference, identity)
            node.element.pop("contentReference")
            if "type" in target.element:
                node.element["type"] = target.element["type"]
            node.children = [c.copied() for c in target.children]
            return
        types = node.element.get("type", [])
        if not types or (self._extends and types[0]["code"] in _ELEMENT_LIKE and len(types) == 1):
            if self._extends:
                node.children = self._children_of(_TYPES + "BackboneElement", identity)
                return
            raise self._fail(identity, "its parent has no type to look into.")
        codes = {t["code"] for t in types}
        if len(codes) > 1:
            node.children = self._children_of(_TYPES + "Element", identity)
            return
        profile = _only_profile(node.element)
        if profile and self._source.structure(profile):
            node.children = self._children_of(profile, identity)
            return
        code = types[0]["code"]
        node.children = self._children_of(code if ":" in code else _TYPES + code, identity)

    def _children_of(self, canonical: str, identity: str) -> list[Node]:
        if self._source.structure(canonical) is None:
            raise self._fail(identity, f"the type {canonical} of its parent is not known.")
        return build(self._source.snapshot(canonical)).children

    def _target(self, reference: str, identity: str) -> Node:
        node: Node | None = self._tree
        for name, piece in split_id(reference.partition("#")[2])[1:]:
            node = node.child(name) if node else None
            node = node.slice_named(piece) if node and piece else node
        if node is None:
            raise self._fail(identity, f"the content reference {reference} leads nowhere.")
        return node


def _types(element: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    return [(t["code"], tuple(t.get("profile", ()))) for t in element.get("type", ())]


def _only_profile(element: Mapping[str, Any]) -> str | None:
    profiles = [p for t in element.get("type", ()) for p in t.get("profile", ())]
    return profiles[0] if len(profiles) == 1 and len(element["type"]) == 1 else None


def _choice_type(node: Node, name: str) -> dict[str, Any] | None:
    """The type of the choice element ``node`` that the name ``valueQuantity`` stands for."""
    stem = node.name.removesuffix(_CHOICE)
    tail = name.removeprefix(stem)
    for one in node.element.get("type", ()):
        code = one["code"]
        if tail and tail == code[0].upper() + code[1:]:
            return dict(one)
    return None
