"""Builds an instance of a profile from its compiled schema: what must be there, and some of what may be."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from harness.validation.assertions.binding import Binding
from harness.validation.assertions.extension import ExtensionRule
from harness.validation.assertions.fixed import Fixed
from harness.validation.assertions.limits import Bound, MaxLength
from harness.validation.assertions.matchers import Equals, Every, path_text
from harness.validation.assertions.pattern import Pattern
from harness.validation.assertions.reference import ReferenceRule
from harness.validation.assertions.slicing import DEFAULT, Matcher, Slice, SlicedSlot
from harness.validation.generation import words
from harness.validation.generation.choices import Choices, pick, seldom
from harness.validation.generation.codes import Concept, concepts, display
from harness.validation.generation.element import Element, Elements, Filled, Unit
from harness.validation.generation.holding import broken
from harness.validation.generation.settling import SETTLE
from harness.validation.generation.texts import fitting
from harness.validation.judge import Judge
from harness.validation.schema import ElementSchema
from harness.validation.slots import ResourceSlot

_NEVER = frozenset({"id", "implicitRules", "contained", "modifierExtension", "comparator"})
"""Optional elements that change what the rest means, or that are made where something needs them."""
_CODED = frozenset({"code", "Coding", "CodeableConcept", "Quantity", "uri", "string", "Duration", "Age"})
_DEEP = 4
_RESOURCES = "http://hl7.org/fhir/StructureDefinition/"


@dataclass
class _Course:
    """A resource while it is built."""

    contained: list[dict[str, Any]] = field(default_factory=list)
    contained_itself: bool = False
    """Whether it is contained in another one."""
    depth: int = 0
    """How many elements deep."""

    def down(self) -> _Course:
        """One element deeper."""
        return replace(self, depth=self.depth + 1)


class Builder:
    """Builds by what ``choices`` decide; ``fullness`` is how seldom an optional element is there (0: never)."""

    def __init__(self, judge: Judge, choices: Choices, fullness: int = 4, elements: Elements | None = None) -> None:
        self.judge = judge
        self.choices = choices
        self.fullness = fullness
        self._elements = elements or Elements(judge)

    def resource(self, canonical: str, *, inside: bool = False, alone: bool = True) -> dict[str, Any] | None:
        """Return a resource of the profile or type ``canonical``, which it claims; None when that is not known here.

        One that stands ``inside`` of another claims nothing; unless it could stand ``alone``, as that of an entry, it
        is contained, and contains none itself (references.html#contained).
        """
        schema = self.judge.schema(canonical)
        if schema is None:
            return None
        course = _Course(contained_itself=inside and not alone)
        element = self._elements.of([schema])
        built = {"resourceType": schema.type, **self._object(element, course)}
        if not inside and not canonical.startswith(_RESOURCES):
            built["meta"] = {"profile": [canonical], **built.get("meta", {})}
        if course.contained:
            built["contained"] = [*built.get("contained", ()), *course.contained]
        return built

    def value(self, element: Element, depth: int = 1) -> Any:
        """Return a value of one element that stands below a resource."""
        return self._value(element, _Course(depth=depth))

    def field(self, element: Element, key: str, count: int = 1) -> Any:
        """Return what may stand under ``key`` of ``element``: ``count`` items where that is an array."""
        return self._field(element, key, count, None, _Course(depth=1))

    def member(self, element: Element, key: str, part: Slice) -> Any:
        """Return an item of the slice ``part`` of what stands under ``key``; None where none can be made."""
        return self._item(element.slots(key), _nested(part), part, _Course(depth=1))

    def _plain(self) -> Builder:
        """A builder that leaves out whatever may be left out."""
        return Builder(self.judge, self.choices, 0, self._elements)

    # ---- values

    def _value(self, element: Element, course: _Course) -> Any:
        for fixed in element.of(Fixed):
            return copy.deepcopy(fixed.expected)
        if element.children and element.type not in words.MAKERS:
            return self._object(element, course)
        for pattern in element.of(Pattern):
            return copy.deepcopy(pattern.expected)
        return self._primitive(element)

    def _primitive(self, element: Element) -> Any:
        bindings = element.of(Binding)
        if bindings and element.type in _CODED:
            known = concepts(self.judge, bindings)
            if known:
                return pick(self.choices, known)[1]
        made = words.MAKERS.get(element.type, words.text)(self.choices)
        for bound in element.of(Bound):
            made = fitting(made, bound)
        for limit in element.of(MaxLength):
            made = made[: limit.limit]
        if not isinstance(made, str) or not broken(element, made):
            return made
        others = [make(self.choices) for make in (words.uuid, words.oid, words.uri, words.instant)]
        return next((other for other in others if not broken(element, other)), made)

    def _object(self, element: Element, course: _Course) -> dict[str, Any]:
        built: dict[str, Any] = {}
        units = list(element.units)
        if element.type == "Extension":
            units = _extension_units(units)
        for unit in units:
            low = unit.low
            if not unit.keys or unit.high == 0 or unit.keys == ("contained",):
                continue
            if not low and (unit.keys[0] in _NEVER or not self._wanted(element, unit, course.depth)):
                continue
            if unit.keys[0] == "url" and element.url is not None:
                built["url"] = element.url
                continue
            key = pick(self.choices, self._simplest_first(unit.keys))
            filled = self._field(element, key, max(low, 1), unit.high, course)
            if filled not in (None, [], {}):
                built[key] = filled
        for pattern in element.of(Pattern):
            built = merged(built, pattern.expected)
        if element.type == "Reference":
            self._refer(built, element, course)
        self._code(built, element, course)
        settle = SETTLE.get(element.type)
        if settle:
            built = settle(built, element.told, self.judge, self.choices)
        whole = self._mended(built, element, course)
        if settle and whole is not built:  # what was added has to fit, too
            whole = settle(whole, element.told, self.judge, self.choices)
        return whole

    def _mended(self, built: dict[str, Any], element: Element, course: _Course) -> dict[str, Any]:
        """Add or leave out optional children, one or two, until the element's own invariants hold."""
        if not broken(element, built):
            return built
        candidates = self._changes(built, element, course)
        return next((candidate for candidate in candidates if not broken(element, candidate)), built)

    def _changes(self, built: dict[str, Any], element: Element, course: _Course) -> Iterator[dict[str, Any]]:
        plain = [u for u in element.units if u.keys and u.high != 0 and u.keys[0] not in _NEVER | {"extension"}]
        optional = [key for unit in plain if not unit.low for key in unit.keys if key in built]
        yield from ({name: value for name, value in built.items() if name != key} for key in optional)
        added: list[dict[str, Any]] = []
        for unit in plain:
            if built.keys().isdisjoint(unit.keys):
                key = self._simplest_first(unit.keys)[0]
                made = self._plain()._field(element, key, 1, unit.high, course)
                if made not in (None, [], {}):
                    added.append({**built, key: made})
                    yield added[-1]
        yield {name: value for name, value in built.items() if name not in optional}
        yield from ({**one, **other} for one, other in combinations(added, 2))

    def _wanted(self, element: Element, unit: Unit, depth: int) -> bool:
        if element.type == "Coding" and unit.keys[0] not in element.told:
            return unit.keys[0] in ("system", "code") and bool(self.fullness) and seldom(self.choices, 3)
        if unit.keys[0] == "extension":
            return depth <= 1 and bool(self.fullness) and seldom(self.choices, 3)
        return bool(self.fullness) and depth < _DEEP and seldom(self.choices, self.fullness + depth)

    @staticmethod
    def _simplest_first(keys: Sequence[str]) -> Sequence[str]:
        plain = [key for key in keys if key.endswith(("String", "Boolean", "DateTime", "Quantity", "Code"))]
        return plain or keys

    # ---- fields

    def _field(self, element: Element, key: str, low: int, high: int | None, course: _Course) -> Any:
        slots = element.slots(key)
        if not slots:
            return None
        sliced = next((slot for slot in slots if isinstance(slot, SlicedSlot)), None)
        most = low + 2 if high is None else min(high, low + 2)
        if sliced is not None:
            items = self._sliced(slots, sliced, low, high, course)
        else:
            count = max(low, 1)
            while count < most and slots[0].place.array and self.fullness and seldom(self.choices, 4):
                count += 1
            items = [self._item(slots, (), None, course) for _ in range(count)]
        items = [item for item in items if item not in (None, {}, [])]
        if slots[0].place.array:
            return items
        return items[0] if items else None

    def _sliced(
        self, slots: list[Filled], sliced: SlicedSlot, low: int, high: int | None, course: _Course
    ) -> list[Any]:
        items: list[Any] = []
        for part in sliced.slicing.slices:
            count = part.min
            room = (high is None or len(items) < high) and (part.max is None or count < part.max)
            if room and course.depth < _DEEP and self.fullness and seldom(self.choices, 4):
                count += 1
            items.extend(self._item(slots, _nested(part), part, course) for _ in range(count))
        named = [part for part in sliced.slicing.slices if part.max != 0]
        closed = sliced.slicing.rules == "closed" or slots[0].schema.type == "Extension"
        while len(items) < low and named:
            part = pick(self.choices, named)
            free = not closed and len(items) >= sum(p.min for p in named)
            if free or part.name == DEFAULT:
                items.append(self._item(slots, (), None, course))
            else:
                items.append(self._item(slots, _nested(part), part, course))
        return [item for item in items if item is not None]

    def _item(self, slots: list[Filled], schemas: Sequence[ElementSchema], part: Slice | None, course: _Course) -> Any:
        own = slots[0]
        if isinstance(own, ResourceSlot):
            return self._inner_resource(own)
        wanted = [*schemas, *(slot.schema for slot in slots)]
        url = _url(part.matcher) if part is not None and own.schema.type == "Extension" else None
        if own.schema.type == "Extension" and part is None:
            return None  # any extension at all: none is as good
        rule = next((a for s in wanted for a in s.assertions if isinstance(a, ExtensionRule)), None)
        if rule is not None and url is not None and ":" in url and self.judge.extension(url) is None:
            return None  # its definition is not at hand
        item = self._value(self._elements.of(wanted, url), course.down())
        return enforced(item, part.matcher) if part is not None else item

    def _inner_resource(self, slot: ResourceSlot) -> Any:
        types = ("Basic" if name in ("Resource", "DomainResource") else name for name in slot.types)
        for profile in (*slot.profiles, *(_RESOURCES + name for name in types)):
            built = self._plain().resource(profile, inside=True, alone=slot.place.key != "contained")
            if built is not None:
                return built
        return None

    # ---- data types

    def _refer(self, built: dict[str, Any], element: Element, course: _Course) -> None:
        """Make the reference lead where the profile wants it to."""
        rules = element.of(ReferenceRule)
        unit = next((u for u in element.units if u.keys == ("reference",)), None)
        built.pop("type", None)
        if unit is None or unit.high == 0:
            return
        targets = _common(self.judge, [rule.targets for rule in rules if rule.targets])
        places = [frozenset(rule.aggregation) for rule in rules if rule.aggregation]
        target = pick(self.choices, targets) if targets else _RESOURCES + "Patient"
        name = self.judge.target_type(target)
        if name not in self.judge.resource_types:
            name = "Patient" if name in ("Resource", "DomainResource") else name.rpartition("/")[2]
        if places and all(place == {"contained"} for place in places) and not course.contained_itself:
            resource = self._plain().resource(target, inside=True, alone=False)
            if resource is not None:
                resource["id"] = f"c{len(course.contained) + 1}"
                course.contained.append(resource)
                built["reference"] = "#" + resource["id"]
            return
        if name in self.judge.resource_types:
            built["reference"] = f"{name}/{words.identifier(self.choices)}"
        else:
            built.pop("reference", None)
            built.setdefault("display", words.text(self.choices))

    def _code(self, built: dict[str, Any], element: Element, course: _Course) -> None:
        """Give a coded value a code of the value sets that it is bound to."""
        bindings = element.of(Binding)
        if not bindings or element.type not in _CODED:
            return
        given = built
        if element.type == "CodeableConcept":
            listed = built.get("coding") or self._field(element, "coding", 1, None, course)
            if listed and _sliced_coding(element):
                return
            given = listed[0] if listed else {}
        known = concepts(self.judge, bindings)
        system, code = given.get("system"), given.get("code")
        told = _coding_element(element).told
        said = told & given.keys()
        known = [c for c in known if ("system" not in said or c[0] == system) and ("code" not in said or c[1] == code)]
        if not known:
            return
        if element.type in ("code", "uri", "string"):
            return
        self._put_concept(given, pick(self.choices, known), told)
        if element.type == "CodeableConcept":
            built["coding"] = [given]

    def _put_concept(self, given: dict[str, Any], concept: Concept, told: frozenset[str]) -> None:
        system, code = concept
        if system:
            given["system"] = system
        given["code"] = code
        if "display" in told or "value" in given:
            return
        given.pop("display", None)
        shown = display(self.judge, concept)
        if shown and system and seldom(self.choices, 2):
            given["display"] = shown


def _extension_units(units: list[Unit]) -> list[Unit]:
    """An extension has a value or parts, never both (ext-1)."""
    parts = next((u for u in units if u.keys == ("extension",)), None)
    value = next((u for u in units if u.keys and u.keys[0].startswith("value")), None)
    if parts is not None and parts.high != 0 and (parts.low or value is None):
        must = [Unit(parts.keys, max(1, parts.low), parts.high)]
    elif value is not None:
        must = [Unit(value.keys, 1, 1)]
    else:
        must = []
    return [*(u for u in units if u.keys == ("url",)), *must]


def _nested(part: Slice) -> tuple[ElementSchema, ...]:
    """The schema of a slice, and that of the first slice it must hold again."""
    inner = next((p for p in part.inner.slices if p.min), None) if part.inner else None
    return (*(_nested(inner) if inner else ()), part.schema())


def _url(matcher: Matcher) -> str | None:
    """The url by which an extension's slice is told."""
    parts = matcher.parts if isinstance(matcher, Every) else (matcher,)
    for part in parts:
        if isinstance(part, Equals) and path_text(part.steps) == "url":
            return str(part.expected)
    return None


def enforced(item: Any, matcher: Matcher) -> Any:
    """Return ``item`` with the values by which its slice is told, where they stand in plain children."""
    for part in matcher.parts if isinstance(matcher, Every) else (matcher,):
        if not isinstance(part, Equals):
            continue
        if not part.steps:
            item = merged(item, part.expected)
        elif isinstance(item, dict) and len(part.steps) == 1 and part.steps[0][0] == "child":
            name = part.steps[0][1]
            present = item.get(name)
            if present is None:
                item[name] = copy.deepcopy(part.expected)
            elif not isinstance(present, list):
                item[name] = merged(present, part.expected)
    return item


def merged(value: Any, pattern: Any) -> Any:
    """Return ``value`` with everything that ``pattern`` has."""
    if isinstance(pattern, Mapping) and isinstance(value, Mapping):
        return {**value, **{key: merged(value.get(key), part) for key, part in pattern.items()}}
    if isinstance(pattern, list) and isinstance(value, list):
        rest = value[len(pattern) :]
        return [*(merged(value[i] if i < len(value) else None, part) for i, part in enumerate(pattern)), *rest]
    return copy.deepcopy(pattern)


def _common(judge: Judge, lists: list[tuple[str, ...]]) -> list[str]:
    """The targets of the first list whose type all others allow."""
    if not lists:
        return []
    return [
        t for t in lists[0] if all(any(judge.target_fits(o, judge.target_type(t)) for o in other) for other in lists)
    ]


def _sliced_coding(element: Element) -> bool:
    return any(isinstance(slot, SlicedSlot) for slot in element.slots("coding"))


def _coding_element(element: Element) -> Element:
    """The element that holds system and code: itself, or a concept's codings with what its pattern says of them."""
    if element.type != "CodeableConcept":
        return element
    return Element(element.judge, [slot.schema for slot in element.slots("coding")], patterns=_codings(element))


def _codings(element: Element) -> list[Pattern]:
    """The patterns of a concept as patterns of its first coding."""
    found = []
    for pattern in element.of(Pattern):
        listed = pattern.expected.get("coding") if isinstance(pattern.expected, Mapping) else None
        if listed:
            found.append(Pattern(pattern.origin, listed[0]))
    return found
