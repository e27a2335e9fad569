"""Changes to what an element holds: unknown and missing children, too many of them, slices, types of a choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations, islice
from typing import Any

from harness.validation.assertions.cardinality import Cardinality
from harness.validation.assertions.invariant import Invariant
from harness.validation.assertions.slicing import Slice, SlicedSlot, Slicing
from harness.validation.generation.breach import Breach, Proposal
from harness.validation.generation.breaking_resource import of_resource
from harness.validation.generation.builder import Builder
from harness.validation.generation.choices import Seeded
from harness.validation.generation.paths import ABSENT, Path, find
from harness.validation.generation.walk import Spot, belonging
from harness.validation.location import root
from harness.validation.scope import Scope, Session, Settings
from harness.validation.slots import RefusedSlot

_UNKNOWN = "notAnElement"
_PAIRS = 60
_LEFT_ALONE = frozenset(
    {"id", "extension", "modifierExtension", "implicitRules", "contained", "meta", "text", "language"}
)


def of_structure(spot: Spot, seed: str, scope: Scope) -> Iterator[Breach]:
    """Yield what may be broken in what ``spot`` holds."""
    if not isinstance(spot.value, dict):
        return
    yield Breach("unknown-element", spot.name, spot.where, [(((*spot.path, _UNKNOWN), "x"),)])
    yield from _occurrences(spot, seed)
    yield from _single(spot)
    yield from _types(spot)
    yield from _slices(spot, scope)
    if not spot.path:
        yield from of_resource(spot, seed)
    for invariant in spot.element.of(Invariant):
        if invariant.severity == "error":
            yield _invariant(spot, invariant, seed)


def added(spot: Spot, seed: str) -> Iterator[Proposal]:
    """Yield, for each child and each slice that is absent and may be there, how to put in the simplest good one."""
    for unit in spot.element.units:
        if unit.high == 0 or not unit.keys or unit.keys[0] in _LEFT_ALONE:
            continue
        present = not spot.value.keys().isdisjoint(unit.keys)
        for key in () if present else unit.keys:
            made = _made(spot, key, seed)
            if made not in (None, [], {}):
                yield (((*spot.path, key), made),)
        yield from _absent_slices(spot, unit.keys[0], seed)


def _absent_slices(spot: Spot, key: str, seed: str) -> Iterator[Proposal]:
    for slot in spot.element.slots(key):
        if not isinstance(slot, SlicedSlot) or not slot.place.array:
            continue
        items = spot.value.get(key, [])
        for part in slot.slicing.slices:
            builder = Builder(spot.element.judge, Seeded(f"{seed}/{part.origin.element}"), 0)
            made = builder.member(spot.element, key, part) if part.max != 0 else None
            if made not in (None, {}):
                yield (((*spot.path, key), [*items, made]),)


def _made(spot: Spot, key: str, seed: str, count: int = 1) -> Any:
    if key == "extension":
        return None
    return Builder(spot.element.judge, Seeded(f"{seed}/{spot.name}.{key}"), 0).field(spot.element, key, count)


def _named(spot: Spot, origin: str) -> str:
    """The id of a child by the id that its definition has."""
    return origin if origin.rpartition(".")[0] == spot.name else f"{spot.name}.{origin.rpartition('.')[2]}"


def _occurrences(spot: Spot, seed: str) -> Iterator[Breach]:
    for group in spot.element.cardinalities:
        keys = [key for key, _ in group.keys]
        present = [key for key in keys if key in spot.value]
        name, origin = _named(spot, group.origin.element), group.origin.element
        if group.min and present:
            fewer = list(_fewer(spot, present[0], group.min))
            yield Breach("min-cardinality", name, spot.where, fewer, definition=origin, expected=group.min)
        if group.max is not None:
            more = list(_more(spot, group, keys, present, seed))
            yield Breach("max-cardinality", name, spot.where, more, definition=origin, expected=group.max)


def _fewer(spot: Spot, key: str, low: int) -> Iterator[Proposal]:
    """Leave one less than ``low``, the items that are left chosen in every simple way."""
    value = spot.value[key]
    path = (*spot.path, key)
    if not isinstance(value, list) or low == 1:
        yield ((path, ABSENT),)
    else:
        yield from (((path, list(kept)),) for kept in combinations(value, low - 1))


def _more(spot: Spot, group: Cardinality, keys: Sequence[str], present: Sequence[str], seed: str) -> Iterator[Proposal]:
    """One more than ``group.max``: copies of an item, a new one, another type of a choice."""
    high = group.max or 0
    if present and isinstance(spot.value[present[0]], list):
        items = spot.value[present[0]]
        for item in items:
            yield (((*spot.path, present[0]), [*items, *([item] * (high + 1 - len(items)))]),)
    for key in keys:
        if key in present or (len(present) >= high + 1):
            continue
        one = _made(spot, key, seed, high + 1)
        if one not in (None, [], {}):
            yield (((*spot.path, key), one),)


def _single(spot: Spot) -> Iterator[Breach]:
    """An element that occurs once is no JSON array, and one that may repeat is nothing else (R4 json.html)."""
    for key, value in spot.value.items():
        place = spot.element.place(key)
        if place is None:
            continue
        where = (spot.where, place.segment, -1)
        wrong = value[0] if isinstance(value, list) else [value]
        name = spot.child_name(key)
        if isinstance(wrong, list | dict):
            expected = "array" if place.array else "single value"
            yield Breach("json-kind", name, where, [(((*spot.path, key), wrong),)], expected=expected)
        if place.array:
            yield Breach("json-empty-array", name, where, [(((*spot.path, key), []),)])


def _types(spot: Spot) -> Iterator[Breach]:
    """A type of a choice that FHIR has and the profile leaves out."""
    for unit in spot.element.units:
        stem = _stem(spot, unit.keys)
        if not stem or spot.value.keys().isdisjoint(unit.keys):
            continue
        present = next(key for key in unit.keys if key in spot.value)
        for key, other in _OTHERS.items():
            slots = [children.slots[stem + key] for children in spot.element.children]
            if any(isinstance(slot, RefusedSlot) for slot in slots):
                change: Proposal = (((*spot.path, present), ABSENT), ((*spot.path, stem + key), other))
                name = f"{spot.name}.{stem}[x]"
                yield Breach("type-not-allowed", name, spot.where, [change], expected=" | ".join(unit.keys))
                break


_OTHERS: dict[str, Any] = {
    "String": "texte",
    "Boolean": True,
    "DateTime": "2024-05-01",
    "Instant": "2024-05-01T10:00:00Z",
    "Quantity": {"value": 1, "unit": "kg"},
    "Period": {"start": "2024-05-01"},
    "Integer": 1,
    "CodeableConcept": {"text": "texte"},
    "Uri": "https://exemple.example/",
}
"""A value of the types that choices have, by the end of their keys."""


def _stem(spot: Spot, keys: Sequence[str]) -> str | None:
    """The name of a choice without its type: ``value`` for ``valueQuantity``."""
    for key in keys:
        for slot in spot.element.slots(key):
            if ".ofType(" in slot.place.segment:
                return slot.place.segment.partition(".ofType(")[0]
    return None


def _slices(spot: Spot, scope: Scope) -> Iterator[Breach]:
    for key in spot.value:
        for slot in spot.element.slots(key):
            if isinstance(slot, SlicedSlot) and isinstance(spot.value[key], list):
                yield from _slicing(spot, key, slot.slicing, scope)


def _slicing(spot: Spot, key: str, slicing: Slicing, scope: Scope) -> Iterator[Breach]:
    items, path = spot.value[key], (*spot.path, key)
    segment = spot.element.slots(key)[0].place.segment
    owners = [belonging(slicing, item, (spot.where, segment, i), scope) for i, item in enumerate(items)]
    for part in _all(slicing):
        own = [item for item, owner in zip(items, owners, strict=True) if part in owner]
        name, origin = _named(spot, part.origin.element), part.origin.element
        if part.min and len(own) >= part.min:
            kept = [item for item in items if item not in own[part.min - 1 :]]
            fewer: Proposal = ((path, kept or ABSENT),)
            yield Breach("slice-min", name, spot.where, [fewer], definition=origin, expected=part.min)
        if part.max is not None and own:
            copies: Proposal = ((path, [*items, *([own[0]] * (part.max + 1 - len(own)))]),)
            yield Breach("slice-max", name, spot.where, [copies], definition=origin, expected=part.max)
    if slicing.rules == "closed":
        name = _named(spot, slicing.origin.element)
        strangers = [((*path, len(items)), stranger) for stranger in _strangers(items)]
        proposals = [(one,) for one in strangers]
        yield Breach("slice-unmatched", name, spot.where, proposals, definition=slicing.origin.element)
    if slicing.ordered and len(items) > 1:
        name = _named(spot, slicing.origin.element)
        turned: Proposal = ((path, list(reversed(items))),)
        yield Breach("slice-order", name, spot.where, [turned], definition=slicing.origin.element)


def _all(slicing: Slicing) -> Iterator[Slice]:
    for part in slicing.slices:
        yield part
        if part.inner is not None:
            yield from _all(part.inner)


def _strangers(items: Sequence[Any]) -> Iterator[Any]:
    """Items like those there, that no slice knows."""
    for item in items:
        if isinstance(item, dict):
            for key, value in item.items():
                if isinstance(value, str):
                    yield {**item, key: value + "-x"}
            yield {"url": "https://exemple.example/StructureDefinition/unknown", "valueString": "x"}
        elif isinstance(item, str):
            yield item + "-x"


# ---- invariants


def _invariant(spot: Spot, invariant: Invariant, seed: str) -> Breach:
    return Breach(
        "invariant",
        spot.name,
        spot.where,
        _edits(spot, seed),
        constraint=invariant.key,
        definition=invariant.origin.element,
        expected=invariant.human or invariant.text,
        suspects=partial(_breaks, spot, invariant),
    )


def _breaks(spot: Spot, invariant: Invariant, resource: dict[str, Any]) -> bool:
    """Whether the invariant alone, judged in the changed resource, does not hold."""
    value = find(resource, spot.path)
    if value is ABSENT:
        return False
    session = Session(spot.element.judge, Settings())
    invariant.check(value, spot.where, Scope(session, resource, root(str(resource.get("resourceType")))))
    return any(issue.rule == "invariant" for issue in session.issues)


def _edits(spot: Spot, seed: str) -> Iterator[Proposal]:
    """Small changes around the element: children left out, put in, changed, exchanged; then two at a time."""
    path = spot.path
    single: list[Proposal] = []
    for key, value in spot.value.items():
        if key == "resourceType":
            continue
        single.append((((*path, key), ABSENT),))
        single.extend(_inner(value, (*path, key)))
    single.extend(islice(added(spot, seed), 40))
    yield from single
    yield from _related(spot)
    yield tuple(((*path, key), ABSENT) for key in spot.value if key not in ("resourceType", "id"))
    short = [one for one in single if len(one[0][0]) <= len(path) + 1]
    yield from (one + other for one, other in islice(combinations(short, 2), _PAIRS * 4))


def _inner(value: Any, path: Path) -> Iterator[Proposal]:
    """Changes of a child: its text, its number, its own children."""
    match value:
        case str():
            yield from (((path, other),) for other in ("2024", "texte", "urn:other", "2300-01-01", "cancelled"))
        case bool():
            yield ((path, not value),)
        case int() | float():
            yield from (((path, other),) for other in (-1, 0, 10**6))
        case list():
            for index, item in enumerate(value):
                yield (((*path, index), ABSENT),)
                yield from _inner(item, (*path, index))
        case dict():
            for key, item in value.items():
                yield (((*path, key), ABSENT),)
                if isinstance(item, str):
                    yield (((*path, key), "2300-01-01"),)


def _related(spot: Spot) -> Iterator[Proposal]:
    """What breaks an invariant about two elements: an end before its start, bounds turned round, a code twice."""
    path, value = spot.path, spot.value
    yield (((*path, "start"), "2024-05-02T10:00:00Z"), ((*path, "end"), "2024-05-01T10:00:00Z"))
    yield (((*path, "low"), {"value": 9, "unit": "kg"}), ((*path, "high"), {"value": 1, "unit": "kg"}))
    if "component" in spot.element.keys and "code" in value:
        part = {"code": value["code"], "valueString": "x"}
        yield (((*path, "component"), [part]),)
        quantity = {key: item for key, item in value.items() if key.startswith("value")}
        yield (((*path, "component"), [{"code": value["code"], **quantity}]),)
    if "contained" in spot.element.keys:
        yield from _containing(spot)


def _containing(spot: Spot) -> Iterator[Proposal]:
    """Contained resources that must not be: in one another, with a version, with a tag of security."""
    inner = {"resourceType": "Basic", "id": "deep", "code": {"text": "x"}}
    labels = [{"system": "https://exemple.example/labels", "code": "x"}]
    for more in ({"contained": [inner]}, {"meta": {"versionId": "1"}}, {"meta": {"security": labels}}):
        linked = {"resourceType": "Basic", "id": "held", "code": {"text": "x"}, "subject": {"reference": "#"}}
        yield (((*spot.path, "contained"), [*spot.value.get("contained", ()), {**linked, **more}]),)
