"""What stands under one JSON key: a primitive, its ``_`` companion, a complex element, a resource.

JSON rules: FHIR R4 §2.6.2 (json.html): no empty arrays or objects, null only inside a pair of arrays, one kind a type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.fhir.primitives import Primitive
from harness.validation.assertions.fixed import Fixed
from harness.validation.location import Location
from harness.validation.messages.primitive_forms import explain
from harness.validation.schema import Children, ElementSchema, Origin
from harness.validation.scope import Misread, Scope

_KINDS = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}


def kind(value: Any) -> str:
    """The JSON kind of ``value`` in words."""
    return _KINDS.get(type(value), "number")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a slot stands: its JSON key, its segment of a location, whether it is a JSON array."""

    key: str
    segment: str
    array: bool

    def items(self, item: Any, parent: Mapping[str, Any], where: Location, scope: Scope) -> list[Any]:
        """The items under the key, after saying what is wrong with the array around them, if there is one."""
        if self.array:
            if type(item) is not list:
                scope.report("json-kind", (where, self.segment, -1), found=kind(item), expected="array")
                scope.session.misread.append(Misread(parent, self.key, True))
                return [] if item is None else [item]
            if not item:
                scope.report("json-empty-array", (where, self.segment, -1))
            return item
        if type(item) is list:
            scope.report("json-kind", (where, self.segment, -1), found="array", expected="single value")
            scope.session.misread.append(Misread(parent, self.key, False))
            return []
        return [item]

    def located(
        self, item: Any, parent: Mapping[str, Any], where: Location, scope: Scope
    ) -> list[tuple[Any, Location]]:
        """The :meth:`items` with the location of each."""
        many = type(item) is list
        return [
            (value, (where, self.segment, index if many else -1))
            for index, value in enumerate(self.items(item, parent, where, scope))
        ]


@dataclass(frozen=True, slots=True)
class PrimitiveRule:
    """The format of a primitive type, and what the specification says about its values beyond the format."""

    primitive: Primitive
    profile: str | None
    definition: str

    def check(self, value: Any, where: Location, scope: Scope) -> bool:
        """Report a wrong JSON kind or a value outside the type's format and bounds; whether it is judged on."""
        problem = self.primitive.check(value)
        if problem is None:
            return True
        name = self.primitive.name
        if problem == "type":
            expected = {"boolean": "boolean", "number": "number"}.get(self.primitive.kind, "string")
            scope.report("json-kind", where, found=kind(value), expected=expected, definition=self.definition)
        else:
            en, fr = explain(problem, name)
            scope.report(
                "primitive-format",
                where,
                found=value,
                expected=name,
                detail=en,
                detail_fr=fr,
                definition=self.definition,
                severity="warning" if problem == "control" else None,  # R4 string: SHOULD NOT
            )
        return problem == "control"

    def dump(self) -> dict[str, Any]:
        """The rule as JSON."""
        return {"primitive": self.primitive.name}


@dataclass(frozen=True, slots=True)
class PrimitiveSlot:
    """A primitive element. ``rule`` judges the format of each value, the schema's assertions the rest."""

    place: Place
    accept: Callable[[object], str | None]
    rule: PrimitiveRule
    schema: ElementSchema

    def check(self, item: Any, parent: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Judge the value, or each value of the array."""
        place = self.place
        if not place.array and type(item) is not list:
            if item is None:
                scope.report("json-null", (where, place.segment, -1))
                return
            if self.accept(item) is not None and not self.rule.check(item, (where, place.segment, -1), scope):
                if type(item) is dict:
                    scope.session.misread.append(Misread(parent, place.key, place.array))
            elif self.schema.assertions:
                location = (where, place.segment, -1)
                for assertion in self.schema.assertions:
                    assertion.check(item, location, scope)
            return
        companions = parent.get("_" + place.key)
        for index, value in enumerate(place.items(item, parent, where, scope)):
            location = (where, place.segment, index)
            if value is None:
                if not (type(companions) is list and index < len(companions) and companions[index]):
                    scope.report("json-null", location)
            elif self.accept(value) is None or self.rule.check(value, location, scope):
                for assertion in self.schema.assertions:
                    assertion.check(value, location, scope)

    def dump(self) -> dict[str, Any]:
        """The slot as JSON."""
        return {"array": self.place.array, **self.rule.dump(), **self.schema.dump(0)}


@dataclass(frozen=True, slots=True)
class CompanionSlot:
    """``_birthDate``: the id and the extensions of a primitive value. ``schema`` is that of the primitive."""

    place: Place
    schema: ElementSchema

    def check(self, item: Any, parent: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Judge the companion object, or each one of the array, and their pairing with the values."""
        place = self.place
        values = parent.get(place.key)
        if place.array and type(values) is list and type(item) is list and len(values) != len(item):
            scope.report("json-array-length", (where, place.segment, -1), found=len(values), expected=len(item))
        whole = Place("_" + place.key, place.segment, place.array)
        for index, companion in enumerate(whole.items(item, parent, where, scope)):
            location = (where, place.segment, index if place.array else -1)
            value = values[index] if type(values) is list and index < len(values) else values
            if companion is None:
                if not place.array or value is None:
                    scope.report("json-null", location)
                continue
            if type(companion) is not dict:
                scope.report("json-kind", location, found=kind(companion), expected="object")
                scope.session.misread.extend(Misread(parent, key, False) for key in (whole.key, place.key))
                continue
            if not companion:
                scope.report("json-empty-object", location)
            elif value is None and not any(part for key, part in companion.items() if key != "id"):
                scope.report(
                    "invariant",
                    location,
                    constraint="ele-1",
                    detail="an element must have a value or extensions",
                    detail_fr="un élément a une valeur ou des extensions",
                )
            if self.schema.children is not None:
                self.schema.children.check(companion, location, scope)
            for assertion in self.schema.assertions:
                if value is None:
                    assertion.check(None, location, scope)
                elif isinstance(assertion, Fixed) and "extension" in companion:
                    assertion.refuse("extension", location, scope)

    def dump(self) -> dict[str, Any]:
        """The slot as JSON."""
        return {"companion": self.place.key}


@dataclass(frozen=True, slots=True)
class ComplexSlot:
    """An element that is a JSON object."""

    place: Place
    schema: ElementSchema

    def check(self, item: Any, parent: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Judge the object, or each object of the array."""
        place = self.place
        if not place.array and type(item) is dict:
            location = (where, place.segment, -1)
            if len(item) > 1 or is_object(item, location, scope) or not item:
                self.schema.check(item, location, scope)
            return
        for index, value in enumerate(place.items(item, parent, where, scope)):
            location = (where, place.segment, index if type(item) is list else -1)
            if is_object(value, location, scope) or value == {}:
                self.schema.check(value, location, scope)
            else:
                scope.session.misread.append(Misread(parent, place.key, place.array))

    def dump(self) -> dict[str, Any]:
        """The slot as JSON."""
        return {"array": self.place.array, **self.schema.dump(0)}


def is_object(value: Any, where: Location, scope: Scope) -> bool:
    """Whether ``value`` is a JSON object with something in it; says so where it is not."""
    if type(value) is dict and value:
        if len(value) == 1 and "id" in value:
            scope.report(
                "invariant",
                where,
                constraint="ele-1",
                detail="an element must have a value or children",
                detail_fr="un élément a une valeur ou des enfants",
            )
        return True
    if value == {}:
        scope.report("json-empty-object", where)
    elif value is None:
        scope.report("json-null", where)
    elif isinstance(value, Mapping):
        return True
    else:
        scope.report("json-kind", where, found=kind(value), expected="object")
    return False


@dataclass(frozen=True, slots=True)
class ResourceSlot:
    """A whole resource in a resource: contained, an entry's resource, a parameter's resource.

    ``schema`` holds what is said about the element that holds it; ``inline`` gives, for a resource type, the children
    that the profile describes right here.
    """

    place: Place
    types: tuple[str, ...]
    profiles: tuple[str, ...]
    schema: ElementSchema
    inline: Callable[[str], Children | None]

    def check(self, item: Any, parent: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Judge each resource by its type, by its own ``meta.profile`` and by the profiles asked for here."""
        place = self.place
        for index, value in enumerate(place.items(item, parent, where, scope)):
            location = (where, place.segment, index if type(item) is list else -1)
            if is_object(value, location, scope):
                scope.session.judge.nested(self, value, parent, location, scope)

    def dump(self) -> dict[str, Any]:
        """The slot as JSON."""
        return {"array": self.place.array, "types": list(self.types), "profiles": list(self.profiles)}


@dataclass(frozen=True, slots=True)
class RefusedSlot:
    """A key that the base type knows and the profile does not allow: another type of a choice.

    ``known`` gives the keys of the type that is allowed, where it is one alone; ``outside`` says that what is wrong is
    the element that has the choice (it has several types to choose from, or is an extension).
    """

    place: Place
    origin: Origin
    found: str
    allowed: tuple[str, ...]
    known: Callable[[], tuple[str, ...]] | None = None
    outside: bool = False

    def check(self, item: Any, _parent: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Report the type, and what the only type that is allowed has no element for."""
        location = (where, self.place.segment, -1)
        profile, definition = self.origin.profile, self.origin.element
        scope.report(
            "type-not-allowed",
            where if self.outside else location,
            found=self.found,
            expected=" | ".join(self.allowed),
            profile=profile,
            definition=definition,
        )
        if self.known is None or type(item) is not dict:
            return
        known = self.known()
        for key, value in item.items():
            if key.removeprefix("_") not in known:
                for index in range(len(value)) if type(value) is list else (-1,):
                    scope.report(
                        "element-of-refused",
                        (location, key, index),
                        found=key,
                        expected=self.allowed[0],
                        profile=profile,
                        definition=definition,
                    )

    def dump(self) -> dict[str, Any]:
        """The slot as JSON."""
        return {"refused": self.found, "allowed": list(self.allowed)}


@dataclass(frozen=True, slots=True)
class UnusableSlot:
    """A key of which the profile says what cannot be used, such as a type that there is not."""

    place: Place
    origin: Origin
    problem: str

    def check(self, _item: Any, _parent: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Say that the element is not judged."""
        scope.report(
            "profile-broken",
            (where, self.place.segment, -1),
            found=self.origin.profile,
            profile=self.origin.profile,
            definition=self.origin.element,
            detail=self.problem,
            undecided=True,
        )

    def dump(self) -> dict[str, Any]:
        """The slot as JSON."""
        return {"unusable": self.problem}
