"""A resource as it can be read although some of its JSON is of a wrong kind (FHIR R4 json §2.6.2).

An element is absent when its JSON cannot be one: so minimum cardinalities and constraints see what a reader sees. One
object where an array of them belongs is read as the only one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.validation.scope import Misread


def readable(resource: Mapping[str, Any], misread: Sequence[Misread]) -> dict[str, Any]:
    """A copy of ``resource`` in which each of ``misread`` is put right, or left out."""
    wrong = {(id(one.parent), one.key): one.array for one in misread}
    return _object(resource, wrong)


def _object(value: Mapping[str, Any], wrong: Mapping[tuple[int, str], bool]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for key, item in value.items():
        array = wrong.get((id(value), key))
        kept = item if array is None else _repaired(item) if array else None
        if array is None or kept:
            read[key] = _any(kept, wrong)
    return read


def _repaired(item: Any) -> list[Any]:
    """The objects of what should be an array of objects."""
    return [part for part in (item if isinstance(item, list) else [item]) if isinstance(part, Mapping)]


def _any(value: Any, wrong: Mapping[tuple[int, str], bool]) -> Any:
    if isinstance(value, Mapping):
        return _object(value, wrong)
    return [_any(item, wrong) for item in value] if isinstance(value, list) else value
