"""slicing: which slice an item belongs to, and how many items each slice has (FHIR R4 profiling §5.1.0.14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness.reason import Reason, joined
from harness.validation.assertions.matchers import Satisfies
from harness.validation.assertions.slice_reasons import near_misses, told, why_none
from harness.validation.location import Location
from harness.validation.schema import ElementSchema, Origin
from harness.validation.scope import Misread, Scope
from harness.validation.slots import Place, PrimitiveRule, ResourceSlot, is_object

DEFAULT = "@default"
_UNSURE = -2


class Matcher(Protocol):
    """Tells whether an item belongs to a slice."""

    def matches(self, item: Any, where: Location, scope: Scope) -> bool | None:
        """True, False, or None where that cannot be told here."""

    def describe(self) -> Reason:
        """What an item must be, in the words of the profile: ``code.coding.system = 'http://loinc.org'``."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice. ``schema`` is made when an item first belongs to it; ``inner`` slices its items again."""

    name: str
    origin: Origin
    min: int
    max: int | None
    matcher: Matcher
    schema: Callable[[], ElementSchema]
    inner: Slicing | None = None
    must_support: bool = False

    def dump(self) -> dict[str, Any]:
        """The slice as JSON."""
        return {
            "slice": self.name,
            "cardinality": f"{self.min}..{'*' if self.max is None else self.max}",
            "matches": self.matcher.describe(),
            **({"inner": self.inner.dump()} if self.inner else {}),
        }


Item = tuple[Any, Location]


@dataclass(frozen=True, slots=True)
class Slicing:
    """The slices of one element, in their order."""

    origin: Origin
    rules: str
    ordered: bool
    slices: tuple[Slice, ...]

    def sort(self, items: Sequence[Item], where: Location, scope: Scope) -> list[ElementSchema | None]:
        """The schema of the slice of each item (None for an item of no slice), after reporting what is wrong."""
        schemas: list[ElementSchema | None] = [None] * len(items)
        members: dict[str, list[int]] = {part.name: [] for part in self.slices}
        chosen: list[int] = []
        unsure = False
        for index, (item, location) in enumerate(items):
            position = self._position(item, location, scope)
            chosen.append(position)
            unsure = unsure or position == _UNSURE
            if position >= 0:
                part = self.slices[position]
                members[part.name].append(index)
                schemas[index] = part.schema()
        self._check_order(chosen, items, scope)
        for part in self.slices:
            own = members[part.name]
            if len(own) < part.min or (part.max is not None and len(own) > part.max):
                strays = [pair for pair, position in zip(items, chosen, strict=True) if position == -1]
                self._check_count(part, len(own), where, scope, None if unsure else strays)
            if part.inner is not None and own:
                for index, schema in zip(own, part.inner.sort([items[i] for i in own], where, scope), strict=True):
                    schemas[index] = schema or schemas[index]
        return schemas

    def absent(self, where: Location, scope: Scope) -> None:
        """Report the slices that must be there, for an element that is absent."""
        for part in self.slices:
            self._check_count(part, 0, where, scope, ())

    def _position(self, item: Any, where: Location, scope: Scope) -> int:
        """Which slice ``item`` belongs to, the first of several after saying so.

        -1 for none, -2 where that cannot be told, after saying so.
        """
        undecided = False
        default = first = -1
        for position, part in enumerate(self.slices):
            if part.name == DEFAULT:
                default = position
                continue
            verdict = part.matcher.matches(item, where, scope)
            undecided = undecided or verdict is None
            if verdict and first >= 0:
                self._report_second(self.slices[first], part, where, scope)
                break
            if verdict:
                first = position
                if type(part.matcher) is Satisfies:
                    break  # without discriminators an item may conform to several slices
        if first >= 0 or default >= 0:
            return first if first >= 0 else default
        origin = self.origin
        if undecided:
            scope.report(
                "slice-undecided",
                where,
                detail=self._conditions(),
                profile=origin.profile,
                definition=origin.element,
                undecided=True,
            )
            return _UNSURE
        if self.rules == "closed":
            named = [(part.name, part.matcher) for part in self.slices]
            why = Reason(*why_none(named, item, where, scope)) if told(scope) else self._conditions()
            scope.report("slice-unmatched", where, detail=why, profile=origin.profile, definition=origin.element)
        return -1

    def _conditions(self) -> Reason:
        described = [(part.name, part.matcher.describe()) for part in self.slices]
        return joined(Reason(f"{name}: {words}", f"{name} : {words.fr}") for name, words in described)

    def _report_second(self, first: Slice, second: Slice, where: Location, scope: Scope) -> None:
        origin = self.origin
        scope.report(
            "slice-ambiguous",
            where,
            found=second.name,
            expected=first.name,
            profile=origin.profile,
            definition=origin.element,
        )

    def _check_order(self, chosen: list[int], items: Sequence[Item], scope: Scope) -> None:
        highest, opened = -1, False
        origin = self.origin
        for position, (_, where) in zip(chosen, items, strict=True):
            if position < 0:
                opened = True
                continue
            name = self.slices[position].name
            if self.rules == "openAtEnd" and opened:
                scope.report("slice-after-open", where, found=name, profile=origin.profile, definition=origin.element)
            if self.ordered and position < highest:
                scope.report(
                    "slice-order",
                    where,
                    found=name,
                    expected=self.slices[highest].name,
                    profile=origin.profile,
                    definition=origin.element,
                )
            highest = max(highest, position)

    @staticmethod
    def _check_count(part: Slice, count: int, where: Location, scope: Scope, strays: Sequence[Item] | None) -> None:
        """``strays`` are the items of no slice; None where one could not be told, that may be the one that lacks."""
        misses = "", ""
        if count < part.min:
            if strays is None:
                return
            rule, expected = "slice-min", part.min
            misses = near_misses(part.matcher, strays, scope) if told(scope) else misses
        elif part.max is not None and count > part.max:
            rule, expected = "slice-max", part.max
        else:
            return
        condition = part.matcher.describe()
        scope.report(
            rule,
            where,
            found=count,
            expected=expected,
            detail=f" ({condition}){misses[0]}",
            detail_fr=f" ({condition.fr}){misses[1]}",
            profile=part.origin.profile,
            definition=part.origin.element,
        )

    def dump(self) -> dict[str, Any]:
        """The slicing as JSON."""
        return {"rules": self.rules, "ordered": self.ordered, "slices": [part.dump() for part in self.slices]}


@dataclass(frozen=True, slots=True)
class SlicedSlot:
    """An element that is sliced: each item is judged by its slice, an item of no slice by the element itself."""

    place: Place
    slicing: Slicing
    schema: ElementSchema
    rule: PrimitiveRule | None = None

    def check(self, item: Any, parent: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Judge every item, then how many each slice has."""
        place = self.place
        items = place.located(item, parent, where, scope)
        good = [pair for pair in items if self._acceptable(pair, scope)]
        if self.rule is None and not all(type(value) is dict for value, _ in items):
            scope.session.misread.append(Misread(parent, place.key, place.array))
        schemas = self.slicing.sort(good, where, scope)
        for (value, location), schema in zip(good, schemas, strict=True):
            (schema or self.schema).check(value, location, scope)

    def _acceptable(self, pair: Item, scope: Scope) -> bool:
        value, location = pair
        if self.rule is None:
            return is_object(value, location, scope)
        return self.rule.check(value, location, scope)

    def dump(self) -> dict[str, Any]:
        """The slot as JSON."""
        return {"array": self.place.array, "slicing": self.slicing.dump(), **self.schema.dump(0)}


@dataclass(frozen=True, slots=True)
class SlicedResourceSlot:
    """Resources in a resource that are sliced: each is judged as its slice says, ``whole`` judges those of no slice."""

    place: Place
    slicing: Slicing
    whole: ResourceSlot
    parts: Mapping[Origin, ResourceSlot]

    def check(self, item: Any, parent: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Judge how many each slice has, then every resource."""
        good = [pair for pair in self.place.located(item, parent, where, scope) if is_object(*pair, scope)]
        schemas = self.slicing.sort(good, where, scope)
        for (value, location), schema in zip(good, schemas, strict=True):
            slot = self.whole if schema is None else self.parts[schema.origin]
            scope.session.judge.nested(slot, value, parent, location, scope)

    def dump(self) -> dict[str, Any]:
        """The slot as JSON."""
        parts = {origin.element: part.dump() for origin, part in self.parts.items()}
        return {**self.whole.dump(), "slicing": self.slicing.dump(), "parts": parts}


@dataclass(frozen=True, slots=True)
class AbsentSlices:
    """Looks at the parent: slices that must be there although the element is absent."""

    keys: tuple[str, ...]
    slicing: Slicing

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Report the slices that lack, when no key of the element is there."""
        for key in self.keys:
            if key in value:
                return
        self.slicing.absent(where, scope)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"absent": list(self.keys)}
