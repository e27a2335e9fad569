"""Codes that bindings allow: from value sets that can be counted up, and a few of the systems that cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.fhir.extents import AllOf, AnyOf, Extent, Listed, Open, Without
from harness.validation.assertions.binding import Binding
from harness.validation.judge import Judge

Concept = tuple[str, str]
"""System and code."""

_MOST = 60
_OPEN: dict[str, tuple[str, ...]] = {
    "http://loinc.org": ("8310-5", "11488-4", "34133-9"),
    "http://snomed.info/sct": ("386725007", "271649006"),
    "http://unitsofmeasure.org": ("kg", "cm", "mm[Hg]", "/min"),
    "urn:ietf:bcp:13": ("application/pdf", "text/plain", "text/xml"),
    "urn:ietf:bcp:47": ("fr", "fr-FR", "en"),
    "urn:iso:std:iso:3166": ("FR", "BE"),
    "urn:iso:std:iso:4217": ("EUR",),
}
"""Codes of systems whose grammar or size keeps them from being carried."""


def concepts(judge: Judge, bindings: Sequence[Binding]) -> list[Concept]:
    """Return concepts that satisfy every one of ``bindings`` as far as is known; empty when none is known."""
    strict = [b for b in bindings if b.strength in ("required", "maximum")] or list(bindings)
    found: dict[Concept, None] = {}
    for concept in (c for b in strict for c in _members(judge, b.value_set)):
        if all(judge.member(b.value_set, concept[0] or None, concept[1])[0] is not False for b in bindings):
            found[concept] = None
        if len(found) >= _MOST:
            break
    return list(found)


def _members(judge: Judge, value_set: str) -> Iterator[Concept]:
    codes = judge.terminology.codes(value_set)
    if codes is not None:
        step = max(1, len(codes) // _MOST)
        yield from ((code.system, code.code) for code in codes[::step])
        return
    for concept in _known(judge.terminology.extent(value_set)):
        if judge.member(value_set, *concept)[0] is not False:
            yield concept


def _known(extent: Extent) -> Iterator[Concept]:
    match extent:
        case Listed():
            yield from sorted(extent.codes)[:_MOST]
        case Open():
            yield from sorted(extent.known.codes)[:_MOST]
            yield from ((extent.system, code) for code in _OPEN.get(extent.system, ()))
        case AnyOf() | AllOf():
            for part in extent.parts:
                yield from _known(part)
        case Without():
            yield from _known(extent.kept)
        case _:
            return


def display(judge: Judge, concept: Concept) -> str | None:
    """Return how the code system at hand displays ``concept``."""
    found = judge.terminology.lookup(*concept)
    return found.display if found else None
