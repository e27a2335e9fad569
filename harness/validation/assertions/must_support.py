"""mustSupport: which of the elements that a profile marks are absent (FHIR R4 conformance-rules §2.0.0.6).

Absence breaks nothing: what support means is for the guide to say. So this speaks only when it is asked to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.validation.assertions.slicing import Item, Slicing
from harness.validation.location import Location
from harness.validation.schema import Origin
from harness.validation.scope import Scope


@dataclass(frozen=True, slots=True)
class SlicedElement:
    """An element of which slices are marked: its JSON keys, their segments of a location, and its slicing."""

    keys: tuple[str, ...]
    segments: tuple[str, ...]
    slicing: Callable[[], Slicing]

    def items(self, value: Mapping[str, Any], where: Location) -> list[Item]:
        """What ``value`` has of the element, each with its place."""
        found: list[Item] = []
        for key, segment in zip(self.keys, self.segments, strict=True):
            item = value.get(key)
            many = isinstance(item, list)
            listed = item if isinstance(item, list) else [item]
            found += [(each, (where, segment, i if many else -1)) for i, each in enumerate(listed) if each is not None]
        return found


@dataclass(frozen=True, slots=True)
class MustSupport:
    """Looks at the parent. ``marked`` pairs each marked element that may be absent with the JSON keys it may have.

    ``sliced`` are the elements that have slices so marked.
    """

    marked: tuple[tuple[Origin, tuple[str, ...]], ...]
    sliced: tuple[SlicedElement, ...] = ()

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Say, at the parent, which marked elements and slices are absent, where that was asked for."""
        if not scope.session.settings.must_support:
            return
        told: set[tuple[str, ...]] = set()
        for origin, keys in self.marked:
            if not any(key in value or f"_{key}" in value for key in keys):
                told.add(keys)
                _report(origin, where, scope)
        for element in self.sliced:
            if element.keys not in told:
                _check(element.slicing(), element.items(value, where), where, scope)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        slices = [list(element.keys) for element in self.sliced]
        return {"mustSupport": [origin.element for origin, _ in self.marked], **({"slices": slices} if slices else {})}


def _check(slicing: Slicing, items: Sequence[Item], where: Location, scope: Scope) -> None:
    """Say which marked slices no item belongs to, nor may; those that must be there anyway are told by the slicing.

    Slices of a slice are looked for among its items.
    """
    for part in slicing.slices:
        own = [item for item in items if part.matcher.matches(*item, scope) is not False]
        if part.must_support and not part.min and part.max != 0 and not own:
            _report(part.origin, where, scope)
        if part.inner is not None and own:
            _check(part.inner, own, where, scope)


def _report(origin: Origin, where: Location, scope: Scope) -> None:
    name = origin.element.rpartition(".")[2]
    scope.report("must-support", where, found=name, profile=origin.profile, definition=origin.element)
