"""The children of an element: JSON keys to slots, and the rules that look at several keys (cardinality, slices)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

from harness.errors import DefinitionError
from harness.fhir.primitives import PRIMITIVES, Primitive
from harness.reason import told
from harness.validation.assertions.bare_value import BareValue
from harness.validation.assertions.cardinality import Cardinality
from harness.validation.assertions.must_support import MustSupport, SlicedElement
from harness.validation.assertions.slicing import AbsentSlices, SlicedResourceSlot, SlicedSlot, Slicing
from harness.validation.compile import slicing
from harness.validation.compile.contract import Compiling
from harness.validation.compile.tree import Node
from harness.validation.schema import Assertion, Children, ElementSchema, Origin, Slot, Slots
from harness.validation.slots import (
    CompanionSlot,
    ComplexSlot,
    Place,
    PrimitiveRule,
    PrimitiveSlot,
    RefusedSlot,
    ResourceSlot,
    UnusableSlot,
)

_XHTML = Primitive("xhtml", "string", None, lambda value: None if type(value) is str else "type")
_ANCESTORS = {
    "BackboneElement": ("BackboneElement", "Element"),
    "Resource": ("Resource",),
}


def children_of(compiler: Compiling, node: Node, code: str) -> Children:
    """The children of ``node``, whose type is ``code``: its own, over those of its type."""
    builder = _Builder(compiler, node, code)
    return Children(
        Slots(builder.slot), tuple(builder.groups()), builder.names, builder.keys, code in compiler.resources
    )


class _Builder:
    """Makes the slots of one element when their keys are met."""

    def __init__(self, compiler: Compiling, node: Node, code: str) -> None:
        self.compiler = compiler
        self.node = node
        self.code = code
        self.nodes = self._merge()
        self.names = self._contexts()
        self.choices = {name[:-3]: child for name, child in self.nodes.items() if name.endswith("[x]")}

    def _merge(self) -> dict[str, Node]:
        node, code = self.node, self.code
        base: Node | None = self.compiler.referenced(node)
        if base is None and "." in node.path:
            base = self.compiler.type_tree("Element" if code in self.compiler.primitives else code)
        nodes = dict(base.children) if base is not None else {}
        for name, child in node.children.items():
            choice = str((child.element.get("base") or {}).get("path", "")).rpartition(".")[2]
            if choice.endswith("[x]") and not name.endswith("[x]"):  # an older way to write a slice by type
                whole = nodes.get(choice) or child
                renamed = Node(whole.element, whole.profile)
                renamed.children, renamed.slices = whole.children, [*whole.slices, child]
                nodes[choice] = renamed
            else:
                nodes[name] = child.overlay(nodes[name]) if name in nodes and not child.children else child
        if code in self.compiler.primitives:
            nodes.pop("value", None)
        return nodes

    def _contexts(self) -> frozenset[str]:
        """The names by which an extension's context may know the element."""
        node, code = self.node, self.code
        names = {code, node.path, *_ANCESTORS.get(code, ())}
        target = self.compiler.referenced(node)
        for other in (node, target) if target is not None else (node,):
            names.add(other.path)
            names.add(str((other.element.get("base") or {}).get("path") or other.path))
        if code in self.compiler.resources:
            names.update(("Resource", "DomainResource"))
        names.add("Element")  # as a context it means any element, resources too
        return frozenset(names)

    def keys(self) -> tuple[str, ...]:
        """Every JSON key that the element may have, without the companions."""
        found: list[str] = []
        for name, child in self.nodes.items():
            if name.endswith("[x]"):
                found.extend(_choice_key(name[:-3], code) for code in child.type_codes)
            else:
                found.append(name)
        return tuple(found)

    # ---- slots

    def slot(self, key: str) -> Slot | None:
        """The slot of ``key``; None when it is no element here."""
        if key.startswith("_"):
            plain = key[1:]
            found = self._find(plain)
            if found is None or found[1] not in self.compiler.primitives:
                return None
            child, code, _ = found
            return CompanionSlot(self._place(child, code, plain), self.compiler.element(child, code, self.names))
        found = self._find(key)
        if found is None:
            return None
        child, code, allowed = found
        place = self._place(child, code, key)
        if not allowed:
            return self._refused(place, child, code)
        try:
            return self._make(place, child, code)
        except DefinitionError as problem:  # a type or a profile that its own definition does not hold together
            return UnusableSlot(place, Origin(child.profile, child.id), told(problem))

    def _find(self, key: str) -> tuple[Node, str, bool] | None:
        child = self.nodes.get(key)
        if child is not None and not key.endswith("[x]"):  # JSON names the type of a choice
            return child, self._single_type(child), True
        for stem, choice in self.choices.items():
            if not key.startswith(stem):
                continue
            suffix = key[len(stem) :]
            for code in choice.type_codes:
                if suffix == code[:1].upper() + code[1:]:
                    return choice, code, code in _possible(choice)
            for code in self._base_types(choice):
                if suffix == code[:1].upper() + code[1:]:
                    return choice, code, not choice.type_codes  # without a type, nothing is said about types
        return None

    def _refused(self, place: Place, choice: Node, code: str) -> RefusedSlot:
        """The slot of a type that the choice does not have here: ``known`` are the keys of the only one that it has."""
        left = _possible(choice)
        known = children_of(self.compiler, choice, left[0]).keys if len(left) == 1 else None
        origin = Origin(choice.profile, choice.id)
        return RefusedSlot(place, origin, code, tuple(left), known, known is None or self.node.path == "Extension")

    def _base_types(self, choice: Node) -> list[str]:
        """The types that the choice has where it is first defined."""
        path = str((choice.element.get("base") or {}).get("path") or choice.path)
        tree = self.compiler.type_tree(path.partition(".")[0])
        found = next((n for n in tree.walk() if n.path == path), None) if tree else None
        return found.type_codes if found else []

    def _single_type(self, child: Node) -> str:
        if child.element.get("contentReference"):
            return "BackboneElement"
        base = (child.element.get("base") or {}).get("path")
        if base == "Resource.id" or child.path == "Resource.id":
            return "id"
        codes = child.type_codes
        return codes[0] if codes else "Element"

    def _place(self, child: Node, code: str, key: str) -> Place:
        name = child.name
        segment = f"{name[:-3]}.ofType({code})" if name.endswith("[x]") else key
        most = str((child.element.get("base") or {}).get("max") or child.element.get("max") or "1")
        return Place(key, segment, most not in ("0", "1"))

    def _make(self, place: Place, child: Node, code: str) -> Slot:
        compiler = self.compiler
        child, parts = _judged(child, code)
        schema = compiler.element(child, code, self.names)
        rule = None
        if code in compiler.primitives:
            rule = PrimitiveRule(PRIMITIVES.get(code, _XHTML), child.profile, child.id)
        if parts:
            sliced = slicing.build(child, code, compiler, self.names, parts)
            if code not in compiler.resources:
                return SlicedSlot(place, sliced, schema, rule)
            own = {Origin(p.profile, p.id): self._resource(place, p.as_slice_of(child), schema) for p in _slices(parts)}
            return SlicedResourceSlot(place, sliced, self._resource(place, child, schema), own)
        if rule is not None:
            return PrimitiveSlot(place, rule.primitive.check, rule, schema)
        return self._resource(place, child, schema) if code in compiler.resources else ComplexSlot(place, schema)

    def _resource(self, place: Place, child: Node, schema: ElementSchema) -> ResourceSlot:
        profiles = tuple(p for entry in child.types for p in entry.get("profile") or ())
        return ResourceSlot(place, tuple(child.type_codes), profiles, schema, self._inline(child))

    def _inline(self, child: Node) -> Callable[[str], Children | None]:
        """What the profile says about the elements of the resource under ``child``, by the resource's type."""
        made: dict[str, Children | None] = {}

        def inline(name: str) -> Children | None:
            if name not in made:
                made[name] = self.compiler.children(child, name) if child.children else None
            return made[name]

        return inline

    # ---- groups

    def groups(self) -> list[Assertion]:
        """The cardinalities that the shape of JSON does not already ensure, and the slices that must be there."""
        groups: list[Assertion] = []
        marked: list[tuple[Origin, tuple[str, ...]]] = []
        sliced: list[SlicedElement] = []
        for name, child in self.nodes.items():
            choice = name.endswith("[x]")
            if choice:
                codes = dict.fromkeys(
                    (*child.type_codes, *(self._base_types(child) if child.min or child.max == 0 else ()))
                )
                keys = tuple(_choice_key(name[:-3], code) for code in codes)
            else:
                codes, keys = {self._single_type(child): None}, (name,)
            pairs = tuple((key, "_" + key) for key in keys)
            array = str((child.element.get("base") or {}).get("max") or child.element.get("max")) not in ("0", "1")
            low, high = child.min, child.max
            if low or high == 0 or (high is not None and (array or (choice and len(keys) > 1))):
                groups.append(Cardinality(Origin(child.profile, child.id), pairs, low, high))
            groups.extend(self._slice_groups(name, child, keys))
            groups.extend(self._beside(child, zip(keys, codes, strict=True)))
            if child.element.get("mustSupport") is True and not low and high != 0:
                marked.append((Origin(child.profile, child.id), keys))
            if any(part.element.get("mustSupport") is True and not part.min for part in _slices(child.slices)):
                segments = tuple(self._place(child, code, key).segment for key, code in zip(keys, codes, strict=True))
                sliced.append(SlicedElement(keys, segments, cache(partial(self._slicing, child))))
        return [*groups, MustSupport(tuple(marked), tuple(sliced))] if marked or sliced else groups

    def _beside(self, child: Node, kinds: Iterable[tuple[str, str]]) -> Iterator[BareValue]:
        """What is asked for beside the primitive values of ``child``, by JSON key and type."""
        for key, code in kinds:
            node, parts = _judged(child, code)
            if code in self.compiler.primitives and not parts and _asks_beside(node):
                schema = partial(self.compiler.element, node, code, self.names)
                yield BareValue(key, self._place(child, code, key).segment, cache(schema))

    def _slicing(self, child: Node) -> Slicing:
        return slicing.build(child, self._single_type(child), self.compiler, self.names)

    def _slice_groups(self, name: str, child: Node, keys: tuple[str, ...]) -> list[Assertion]:
        if name.endswith("[x]") and _by_type(child):
            return [
                Cardinality(
                    Origin(part.profile, part.id),
                    tuple((key, "_" + key) for key in (_choice_key(name[:-3], code) for code in part.type_codes)),
                    part.min,
                    part.max,
                )
                for part in child.slices
                if part.min or part.max == 0
            ]
        if any(part.min for part in child.slices):
            code = self._single_type(child)
            return [AbsentSlices(keys, slicing.build(child, code, self.compiler, self.names))]
        return []


def _judged(child: Node, code: str) -> tuple[Node, list[Node]]:
    """What judges the values of ``child`` that are of the type ``code``, and the slices still to be told apart."""
    choice = child.name.endswith("[x]")
    parts = [part for part in child.slices if not choice or not part.types or code in part.type_codes]
    if choice and _by_type(child) and len(parts) == 1:
        return parts[0].as_slice_of(child), parts[0].slices
    if code == "Extension" and not any(part.min or part.max is not None for part in parts):
        return child, []  # the definition of each extension judges it; nothing is counted here
    return child, parts


def _asks_beside(primitive: Node) -> bool:
    """Whether something must stand beside the value: an extension, an id."""
    asked = [node for name, node in primitive.children.items() if name != "value"]
    return any(node.min or any(part.min for part in node.slices) for node in asked)


def _by_type(child: Node) -> bool:
    """Whether the slices of a choice tell its types apart, which the JSON keys already do."""
    discriminators = (child.element.get("slicing") or {}).get("discriminator") or ()
    return all(d.get("type") == "type" and d.get("path") in ("$this", None) for d in discriminators)


def _possible(choice: Node) -> list[str]:
    """The types of a choice, without those that its slices by type leave no room for: one must be there, or all are."""
    if not choice.slices or not choice.name.endswith("[x]") or not _by_type(choice):
        return choice.type_codes
    needed = [part for part in choice.slices if part.min] if choice.max == 1 else []
    if needed:
        return needed[0].type_codes
    closed = (choice.element.get("slicing") or {}).get("rules") == "closed"
    return [code for part in choice.slices for code in part.type_codes] if closed else choice.type_codes


def _slices(parts: Iterable[Node]) -> Iterator[Node]:
    """These slices and the slices of them."""
    for part in parts:
        yield part
        yield from _slices(part.slices)


def _choice_key(stem: str, code: str) -> str:
    return stem + code[:1].upper() + code[1:]
