"""The compiled form of a definition: what a walk through a resource needs, and nothing else.

An :class:`ElementSchema` says what one element must be: its assertions and, unless it is primitive, its
:class:`Children`. Children find the :class:`Slot` of a JSON key in a dict that fills itself as keys are met, so that
validating one Observation compiles the elements that it holds and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from harness.validation.hints import element_meant, nearest_word

if TYPE_CHECKING:
    from harness.validation.location import Location
    from harness.validation.scope import Scope


class Assertion(Protocol):
    """One thing that must hold for an element. Frozen; compiled once, checked often."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report to ``scope`` what does not hold for ``value``, which stands at ``where``."""

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON, for people and for the compiler's tests."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks: the canonical of the profile and the id of its element."""

    profile: str
    element: str


class Slot(Protocol):
    """What stands under one JSON key."""

    def check(self, item: Any, parent: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Judge ``item``, the value of the key in ``parent``, whose location is ``where``."""

    def dump(self) -> dict[str, Any]:
        """The slot as JSON."""


class Slots(dict[str, Slot | None]):
    """The slots of an element by JSON key, made when a key is first met; None for a key that is no element."""

    def __init__(self, make: Callable[[str], Slot | None]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> Slot | None:
        slot = self._make(key)
        if slot is not None:  # a resource may hold any number of unknown keys: they are not kept
            self[key] = slot
        return slot


@dataclass(frozen=True, slots=True)
class Children:
    """The child elements of one element: slots by JSON key, and the rules that look at several keys at once.

    ``contexts`` are the names under which an extension's context may know the element; ``keys`` lists the JSON keys.
    """

    slots: Slots
    groups: tuple[Assertion, ...]
    contexts: frozenset[str]
    keys: Callable[[], tuple[str, ...]]
    is_resource: bool = False

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Judge every child in ``value`` and then what is missing."""
        slots = self.slots
        for key, item in value.items():
            slot = slots[key]
            if slot is not None:
                slot.check(item, value, where, scope)
            elif key != "resourceType" or not self.is_resource:
                self._unknown(key, where, scope)
        for group in self.groups:
            group.check(value, where, scope)

    def _unknown(self, key: str, where: Location, scope: Scope) -> None:
        near = nearest_word(key, self.keys, scope)
        en, fr = element_meant(key, near, self.keys, scope)
        scope.report("unknown-element", where, found=key, detail=en, detail_fr=fr, expected=near)

    def dump(self) -> dict[str, Any]:
        """Every child as JSON, in the order of the definition."""
        slots = {key: slot.dump() for key in self.keys() if (slot := self.slots[key]) is not None}
        return {"groups": [group.dump() for group in self.groups], "slots": slots}


@dataclass(frozen=True, slots=True)
class ElementSchema:
    """One element of one profile, for one of its types."""

    origin: Origin
    type: str
    assertions: tuple[Assertion, ...]
    children: Children | None

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Judge a complex value: children first, then the assertions on the whole. A primitive has no children here."""
        if self.children is not None and type(value) is dict:
            self.children.check(value, where, scope)
        for assertion in self.assertions:
            assertion.check(value, where, scope)

    def dump(self, depth: int = 1) -> dict[str, Any]:
        """The schema as JSON; children are written ``depth`` levels down."""
        dumped: dict[str, Any] = {
            "profile": self.origin.profile,
            "element": self.origin.element,
            "type": self.type,
            "assertions": [assertion.dump() for assertion in self.assertions],
        }
        if self.children is not None and depth > 0:
            dumped["children"] = self.children.dump()
        return dumped
