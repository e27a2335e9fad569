"""Reading a resource that may be badly formed: what has another JSON kind than it should is left to its own slot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.validation.location import Location

Placed = tuple[dict[str, Any], Location]
"""An element with its place."""


def parts(value: Mapping[str, Any], key: str, where: Location) -> Iterator[Placed]:
    """Each object under ``key`` of ``value``, which stands at ``where``, with its place."""
    listed = value.get(key)
    if isinstance(listed, list):
        for index, part in enumerate(listed):
            if isinstance(part, dict):
                yield part, (where, key, index)


def part(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object under ``key``; empty where there is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def text(value: Mapping[str, Any], key: str) -> str | None:
    """The string under ``key``; None where there is none."""
    found = value.get(key)
    return found if isinstance(found, str) else None


def texts(value: Mapping[str, Any], key: str) -> list[str]:
    """The strings under ``key``."""
    listed = value.get(key)
    return [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []


def choice(value: Mapping[str, Any], stem: str) -> tuple[str, Any] | None:
    """The suffix and the value of the choice ``stem`` (``("Coding", {…})``); None where it is absent."""
    for key, found in value.items():
        if key.startswith(stem) and key[len(stem) : len(stem) + 1].isupper():
            return key[len(stem) :], found
    return None


def extensions(value: Mapping[str, Any], url: str) -> list[Any]:
    """The values of the extensions ``url``; None for one without a value."""
    listed = value.get("extension")
    named = [e for e in listed if isinstance(e, dict) and e.get("url") == url] if isinstance(listed, list) else []
    return [held[1] if (held := choice(found, "value")) else None for found in named]


def extension(value: Mapping[str, Any], url: str) -> Any:
    """The value of the extension ``url``; None where it is absent."""
    return next(iter(extensions(value, url)), None)


def codings(concept: Any) -> list[tuple[str | None, str]]:
    """System and code of each coding of a CodeableConcept."""
    listed = concept.get("coding") if isinstance(concept, dict) else None
    return [
        (text(coding, "system"), str(coding["code"]))
        for coding in (listed if isinstance(listed, list) else ())
        if isinstance(coding, dict) and isinstance(coding.get("code"), str)
    ]


def descend(value: Mapping[str, Any], key: str, where: Location) -> Iterator[Placed]:
    """The objects under ``key`` and, in document order, those under the same key of each (items, concepts)."""
    stack = list(reversed(list(parts(value, key, where))))
    while stack:
        found, place = stack.pop()
        yield found, place
        stack.extend(reversed(list(parts(found, key, place))))
