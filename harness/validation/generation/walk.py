"""Every element of a good resource with all that is asserted of it: what mutants are derived from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.validation.assertions.slicing import Slice, SlicedSlot, Slicing
from harness.validation.generation.element import Element, Filled
from harness.validation.generation.paths import Path
from harness.validation.judge import Judge
from harness.validation.location import Location, root
from harness.validation.schema import ElementSchema
from harness.validation.scope import Scope, Session, Settings
from harness.validation.slots import ResourceSlot


@dataclass(frozen=True)
class Spot:
    """One element of the resource. ``name`` is its id in the profile, or what that would be inside a data type."""

    path: Path
    where: Location
    name: str
    element: Element
    value: Any
    array: bool = False
    """Whether it is an item of a JSON array."""

    def child_name(self, key: str) -> str:
        """The element id of the child under ``key``."""
        for slot in self.element.slots(key):
            origin = slot.schema.origin.element
            if origin.rpartition(".")[0] == self.name:
                return origin
        return f"{self.name}.{key}"


def spots(resource: dict[str, Any], profile: str, judge: Judge) -> Iterator[Spot]:
    """Yield the resource and every element in it, each with the schemas of the slices it belongs to."""
    schema = judge.schema(profile)
    if schema is None:
        return
    where = root(schema.type)
    scope = Scope(Session(judge, Settings()), resource, where)
    first = Spot((), where, schema.origin.element, Element(judge, [schema]), resource)
    yield from below(first, scope)


def below(spot: Spot, scope: Scope) -> Iterator[Spot]:
    """Yield ``spot`` and what is in it."""
    yield spot
    if not isinstance(spot.value, dict):
        return
    for key in spot.value:
        slots = spot.element.slots(key) if not key.startswith("_") and key != "resourceType" else []
        if slots and not isinstance(slots[0], ResourceSlot):
            for child in children(spot, key, slots, scope):
                yield from below(child, scope)


def children(spot: Spot, key: str, slots: list[Filled], scope: Scope) -> Iterator[Spot]:
    """Yield the items under ``key``."""
    value = spot.value[key]
    place = slots[0].place
    many = isinstance(value, list)
    for index, item in enumerate(value if many else [value]):
        if item is None:
            continue
        path = (*spot.path, key, index) if many else (*spot.path, key)
        where = (spot.where, place.segment, index if many else -1)
        schemas: list[ElementSchema] = []
        for slot in slots:
            if isinstance(slot, SlicedSlot):
                schemas.extend(part.schema() for part in reversed(belonging(slot.slicing, item, where, scope)))
            schemas.append(slot.schema)
        origin = schemas[0].origin.element
        named = origin.rpartition(".")[0] == spot.name
        url = item.get("url") if schemas[0].type == "Extension" and isinstance(item, dict) else None
        element = Element(spot.element.judge, schemas, url if isinstance(url, str) and ":" in url else None)
        name = origin if named else spot.child_name(key)
        yield Spot(path, where, name, element, item, many)


def belonging(slicing: Slicing, item: Any, where: Location, scope: Scope) -> Sequence[Slice]:
    """The slice that ``item`` belongs to, and the one inside that."""
    for part in slicing.slices:
        if part.matcher.matches(item, where, scope):
            return (part, *(belonging(part.inner, item, where, scope) if part.inner else ()))
    return ()
