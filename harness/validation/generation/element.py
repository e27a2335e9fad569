"""What several schemas say together about one element: the profile, its parents' data type profiles, an extension."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TypeVar

from harness.validation.assertions.cardinality import Cardinality
from harness.validation.assertions.conformity import Conformity
from harness.validation.assertions.extension import ExtensionRule
from harness.validation.assertions.fixed import Fixed
from harness.validation.assertions.pattern import Pattern
from harness.validation.assertions.slicing import AbsentSlices, SlicedSlot
from harness.validation.judge import Judge
from harness.validation.schema import Assertion, Children, ElementSchema, Slot
from harness.validation.slots import CompanionSlot, ComplexSlot, Place, PrimitiveSlot, RefusedSlot, ResourceSlot

A = TypeVar("A")
Filled = PrimitiveSlot | ComplexSlot | SlicedSlot | ResourceSlot
"""A slot that a value may stand in."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One child element: its JSON keys (several for a choice) and how often it occurs. ``high`` None: any number."""

    keys: tuple[str, ...]
    low: int
    high: int | None


class Element:
    """One element, by all the ``schemas`` that it must satisfy at once; ``url`` is that of an extension."""

    def __init__(
        self,
        judge: Judge,
        schemas: Iterable[ElementSchema],
        url: str | None = None,
        patterns: Iterable[Pattern] = (),
    ) -> None:
        self.judge = judge
        self._patterns = tuple(patterns)
        self.schemas = tuple(_expanded(judge, schemas, url))
        self.type = self.schemas[0].type
        self.url = url

    @cached_property
    def assertions(self) -> tuple[Assertion, ...]:
        """Everything that is asserted of the value as a whole, each once."""
        found: list[Assertion] = []
        told: list[object] = []
        for assertion in chain(self._patterns, *(schema.assertions for schema in self.schemas)):
            if (dumped := assertion.dump()) not in told:
                told.append(dumped)
                found.append(assertion)
        return tuple(found)

    def of(self, kind: type[A]) -> list[A]:
        """The assertions of one kind."""
        return [a for a in self.assertions if isinstance(a, kind)]

    @cached_property
    def told(self) -> frozenset[str]:
        """The keys whose value the profile itself gives."""
        patterns = [a.expected for a in self.assertions if isinstance(a, Pattern) and isinstance(a.expected, Mapping)]
        inner = {
            key
            for key in self.keys
            if any(isinstance(a, Fixed | Pattern) for slot in self.slots(key) for a in slot.schema.assertions)
        }
        return frozenset(inner.union(*patterns))

    @cached_property
    def children(self) -> tuple[Children, ...]:
        """The children by each schema."""
        found = []
        for schema in self.schemas:
            if schema.children is not None:
                found.append(schema.children)
            for rule in (a for a in schema.assertions if isinstance(a, ExtensionRule)):
                if rule.inline or len(self.schemas) == 1:
                    found.append(rule.general)
        return tuple(found)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The JSON keys that all schemas allow."""
        if not self.children:
            return ()
        first, *others = (children.keys() for children in self.children)
        return tuple(key for key in first if all(key in other for other in others))

    def slots(self, key: str) -> list[Filled]:
        """What each schema says about ``key``; nothing when one of them refuses it."""
        found: list[Slot | None] = [children.slots[key] for children in self.children]
        if any(slot is None or isinstance(slot, RefusedSlot | CompanionSlot) for slot in found):
            return []
        return [slot for slot in found if isinstance(slot, PrimitiveSlot | ComplexSlot | SlicedSlot | ResourceSlot)]

    def place(self, key: str) -> Place | None:
        """Where ``key`` stands; None when it is no element here."""
        slots = self.slots(key)
        return slots[0].place if slots else None

    @cached_property
    def cardinalities(self) -> tuple[Cardinality, ...]:
        """How often children occur, as far as that is asserted."""
        return tuple(g for children in self.children for g in children.groups if isinstance(g, Cardinality))

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The child elements, each choice as one."""
        left = dict.fromkeys(self.keys)
        units: list[Unit] = []
        for key in self.keys:
            if key in left:
                unit, members = self._unit(key)
                units.append(unit)
                for member in members:
                    left.pop(member, None)
        return tuple(units)

    def _unit(self, key: str) -> tuple[Unit, Sequence[str]]:
        touching = [(frozenset(name for name, _ in c.keys), c) for c in self.cardinalities]
        together = frozenset({key}).union(*(names for names, _ in touching if key in names))
        members = [name for name in self.keys if name in together]
        allowed, low, high = list(members), 0, None
        slots = self.slots(key)
        limits = [] if slots and slots[0].place.array else [1]
        for names, cardinality in touching:
            if names.isdisjoint(members):
                continue
            if cardinality.max == 0:
                allowed = [name for name in allowed if name not in names]
            elif cardinality.min and not names.issuperset(members):
                allowed = [name for name in allowed if name in names]
            low = max(low, cardinality.min)
            if cardinality.max is not None and names.issuperset(members):
                limits.append(cardinality.max)
        for absent in (g for children in self.children for g in children.groups if isinstance(g, AbsentSlices)):
            if key in absent.keys:
                low = max(low, sum(part.min for part in absent.slicing.slices))
        high = min(limits) if limits else None
        return Unit(tuple(allowed), low, 0 if not allowed else high), members


class Elements:
    """Makes elements, each once: what the schemas say is read again and again while instances are built."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self._made: dict[tuple[object, ...], Element] = {}

    def of(self, schemas: Sequence[ElementSchema], url: str | None = None) -> Element:
        """Return the element of ``schemas``, which the compiler keeps, so that they are known by their identity."""
        key = (url, *map(id, schemas))
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = Element(self.judge, schemas, url)
        return found


def _expanded(judge: Judge, schemas: Iterable[ElementSchema], url: str | None) -> Iterable[ElementSchema]:
    """``schemas``, and those of the profiles that they ask for, each once."""
    waiting = list(schemas)
    if url is not None and (extension := judge.schema(url)) is not None:
        waiting.append(extension)
    seen: set[int] = set()
    while waiting:
        schema = waiting.pop(0)
        if id(schema) in seen:
            continue
        seen.add(id(schema))
        yield schema
        for conformity in (a for a in schema.assertions if isinstance(a, Conformity)):
            profile = judge.schema(conformity.profiles[0])
            if profile is not None:
                waiting.append(profile)
