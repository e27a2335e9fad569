"""Differential -> snapshot (https://hl7.org/fhir/R4/profiling.html#snapshot).

The base's snapshot becomes a tree; every element of the differential is walked to by its id, unfolding data types,
profiles of data types and content references on the way, and merged there; the tree is then read out again. Because
elements are found by name, the order of the differential does not matter; children keep the order of the base.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from harness.errors import SnapshotError
from harness.fhir.snapshot.merge import CLOSED_TYPES, EXTENSION_SLICING, TYPE_SLICING, adopt_profile, constrain
from harness.fhir.snapshot.restriction import fault
from harness.fhir.snapshot.tree import Element, Node, build, identify, split_id
from harness.reason import Reason

_TYPES = "http://hl7.org/fhir/StructureDefinition/"
_CHOICE = "[x]"


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
    try:
        return _Generator(structure, source).run()
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        name = structure.get("url", structure.get("id", "profile"))
        raise SnapshotError(
            f"{name}: its differential is not a list of ElementDefinitions ({error}).",
            f"{name} : son differential n'est pas une liste d'ElementDefinition ({error}).",
        ) from error


class _Generator:
    def __init__(self, structure: Mapping[str, Any], source: Source) -> None:
        self._structure = structure
        self._source = source
        self._url = str(structure.get("url", structure.get("id", "profile")))
        self._extends = structure.get("derivation") == "specialization"
        self._tree: Node
        self._named: frozenset[str] = frozenset()

    def run(self) -> list[Element]:
        base = self._structure.get("baseDefinition")
        differential = self._structure.get("differential", {}).get("element", [])
        if not base:
            return list(differential)
        parent = self._source.structure(base)
        if parent is None:
            raise SnapshotError(
                f"{self._url}: its base {base} is not known; add the package that defines it.",
                f"{self._url} : sa base {base} n'est pas connue ; ajouter le paquet qui la définit.",
            )
        self._tree = build(self._source.snapshot(base) if self._extends else self._elements(base, parent))
        if self._extends and differential:
            self._tree.name = differential[0]["path"].partition(".")[0]
        identities = list(identify(differential))
        self._named = frozenset(identities)
        for identity, element in zip(identities, differential, strict=True):
            node = self._reach(identity, element)
            self._apply(node, element if self._extends else self._narrowing(node, element, identity))
        return list(self._tree.flat())

    def _fail(self, identity: str, what: Reason) -> SnapshotError:
        return SnapshotError(
            f"{self._url}: element {identity}: {what}", f"{self._url} : élément {identity} : {what.fr}"
        )

    def _narrowing(self, node: Node, element: Element, identity: str) -> Element:
        """Return ``element`` where it narrows ``node``. Raises SnapshotError where it widens it."""
        if node.slice and element.get("min") == 0:  # it says again how slices begin; the base may ask for more
            element = {**element, "min": node.element.get("min", 0)}
        wrong = fault(node.element, element, self._ancestors)
        if wrong:
            raise self._fail(identity, wrong)
        return element

    def _ancestors(self, code: str) -> Iterator[str]:
        """Yield the type ``code`` and those that it is derived from."""
        seen: set[str] = set()
        while code and code not in seen:
            seen.add(code)
            yield code
            structure = self._source.structure(code if ":" in code else _TYPES + code)
            code = str((structure or {}).get("baseDefinition", "")).removeprefix(_TYPES)

    def _reach(self, identity: str, element: Element) -> Node:
        """Walk to the element ``identity``, unfolding what has to be on the way."""
        pairs = split_id(identity)
        if pairs[0][0] != self._tree.name:
            en = f"does not start with {self._tree.name}, the type of the base."
            raise self._fail(identity, Reason(en, f"ne commence pas par {self._tree.name}, le type de la base."))
        node = self._tree
        for place, (name, piece) in enumerate(pairs[1:], 1):
            found, part = self._find(node, name, piece)
            if found is None:
                self._unfold(node, identity)
                found, part = self._find(node, name, piece)
            if found is None and self._extends:
                found = self._new(node, name, element)
            if found is None:
                above = ".".join(pair[0] for pair in pairs[:place])
                en, fr = f"{above} has no element {name}.", f"{above} n'a pas d'élément {name}."
                raise self._fail(identity, Reason(en, fr))
            found.remember()
            if part and found.name.endswith(_CHOICE):
                above, own = ".".join(identity.split(".")[:place]), place == len(pairs) - 1
                typed = name != found.name or (own and "type" in element)
                if typed and f"{above}.{found.name}" not in self._named:
                    found.element.setdefault("slicing", CLOSED_TYPES)
            node = self._sliced(found, part) if part else found
            node.remember()
        return node

    @staticmethod
    def _new(parent: Node, name: str, element: Element) -> Node:
        """An element that a specialization adds."""
        own = {"path": element["path"], "min": element.get("min", 0), "max": element.get("max", "*")}
        made = Node(name, "", {"base": own})
        parent.children.append(made)
        return made

    @staticmethod
    def _find(parent: Node, name: str, piece: str) -> tuple[Node | None, str]:
        """Return the child and the slice meant: ``valueQuantity`` is the slice of that name of ``value[x]``."""
        found = parent.child(name)
        if found:
            return found, piece
        for child in parent.children:
            stem = child.name.removesuffix(_CHOICE)
            if child.name != stem and name.startswith(stem) and _choice_type(child, name):
                return child, piece or name
        return None, piece

    def _sliced(self, base: Node, piece: str) -> Node:
        """Return the slice ``piece`` of ``base``, made if the base has none of that name."""
        found = base.slice_named(piece)
        if found:
            return found
        outer = (base.slice_named(piece.rpartition("/")[0]) if "/" in piece else None) or base
        # What this differential says of the unsliced element holds for its slices too, without being repeated there.
        # A slice that is sliced again gives all of itself.
        model = outer if outer is not base else outer.before or outer
        element = {k: v for k, v in model.element.items() if k not in ("slicing", "sliceName")}
        made = Node(base.name, piece, {**element, "sliceName": piece, "min": 0})
        if base.name.endswith(_CHOICE):
            one = _choice_type(model, piece)
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
        known = self._source.structure(profile) if profile else None
        if known:
            view = known.get("snapshot") or known.get("differential") or {"element": []}
            for root in view["element"][:1]:
                adopt_profile(node.element, root)
        constrain(node.element, {k: v for k, v in element.items() if k != "sliceName" or node.slice})

    def _unfold(self, node: Node, identity: str) -> None:
        """Give ``node`` the children of its type that it has not yet."""
        there = {child.name: child for child in node.children}
        fresh = self._unfolded(node, identity)
        names = {child.name for child in fresh}
        node.children = [there.get(child.name, child) for child in fresh]
        node.children += [child for name, child in there.items() if name not in names]

    def _unfolded(self, node: Node, identity: str) -> list[Node]:
        """Return the children that the content reference, the profile or the type of ``node`` gives."""
        reference = node.element.get("contentReference")
        if reference:
            target = self._target(reference, identity)
            del node.element["contentReference"]
            if "type" in target.element:
                node.element["type"] = target.element["type"]
            return [c.copied() for c in target.children]
        codes = {t["code"] for t in node.element.get("type", ())}
        if not codes:
            return []
        if len(codes) > 1:
            return self._children_of(_TYPES + "Element", identity)
        profile = _only_profile(node.element)
        if profile and self._source.structure(profile) and profile.partition("|")[0] != self._url:
            return self._children_of(profile, identity)
        code = codes.pop()
        return self._children_of(code if ":" in code else _TYPES + code, identity)

    def _children_of(self, canonical: str, identity: str) -> list[Node]:
        structure = self._source.structure(canonical)
        if structure is None:
            en, fr = f"the type {canonical} of its parent is not known.", f"le type {canonical} du parent est inconnu."
            raise self._fail(identity, Reason(en, fr))
        return build(self._elements(canonical, structure)).children

    def _elements(self, canonical: str, structure: Mapping[str, Any]) -> list[Element]:
        """Return a definition's snapshot for use elsewhere: its content references go on to mean those of its type."""
        origin = _TYPES + structure["type"]
        return [
            {**e, "contentReference": origin + e["contentReference"]} if _is_local(e.get("contentReference")) else e
            for e in self._source.snapshot(canonical)
        ]

    def _target(self, reference: str, identity: str) -> Node:
        """Return the element that a content reference means: that of the type itself, not of a profile on it."""
        origin, _, target = reference.partition("#")
        pairs = split_id(target)
        node: Node | None = self._tree
        if not self._extends:
            canonical = origin or _TYPES + pairs[0][0]
            structure = self._source.structure(canonical)
            node = build(self._elements(canonical, structure)) if structure else None
        for name, piece in pairs[1:]:
            node = node.child(name) if node else None
            node = node.slice_named(piece) if node and piece else node
        if node is None:
            en = f"the content reference {reference} leads nowhere."
            raise self._fail(identity, Reason(en, f"le renvoi de contenu {reference} ne mène à rien."))
        return node


def _is_local(reference: str | None) -> bool:
    return reference is not None and reference.startswith("#")


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
