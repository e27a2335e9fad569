"""Places in a resource as JSON paths: from the FHIRPath of an issue, and how to change what stands there."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any

Path = tuple[str | int, ...]
Edit = tuple[Path, Any]
"""Where, and the value to put there: ABSENT removes."""


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()
_SEGMENT = re.compile(r"(\w+)(?:\.ofType\((\w+)\))?(?:\[(\d+)\])?")


def of_expression(expression: str) -> Path:
    """Return the JSON path of ``Observation.value.ofType(Quantity).unit``: ``("valueQuantity", "unit")``."""
    path: list[str | int] = []
    for name, kind, index in _SEGMENT.findall(expression)[1:]:
        path.append(name + kind[:1].upper() + kind[1:])
        if index:
            path.append(int(index))
    return tuple(path)


def find(value: Any, path: Path) -> Any:
    """Return what stands at ``path``; ABSENT where nothing does."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else ABSENT
        else:
            value = value.get(step, ABSENT) if isinstance(value, dict) else ABSENT
        if value is ABSENT:
            return ABSENT
    return value


def edited(resource: dict[str, Any], edits: Iterable[Edit]) -> dict[str, Any]:
    """Return a copy of ``resource`` with each edit made; an index at the end of a list appends.

    What a removal leaves empty goes with it.
    """
    changed = copy.deepcopy(resource)
    for path, value in edits:
        if value is ABSENT:
            _remove(changed, path)
        else:
            _put(changed, path, copy.deepcopy(value))
    return changed


def _put(resource: Any, path: Path, value: Any) -> None:
    """Put ``value`` where it belongs; nowhere when an edit before has taken away what would hold it."""
    holder = find(resource, path[:-1])
    last = path[-1]
    if isinstance(holder, list) and isinstance(last, int) and last >= len(holder):
        holder.append(value)
    elif isinstance(holder, dict) or (isinstance(holder, list) and isinstance(last, int)):
        holder[last] = value  # type: ignore[index]


def _remove(holder: Any, path: Path) -> None:
    parent = find(holder, path[:-1])
    last = path[-1]
    if isinstance(parent, list) and isinstance(last, int) and last < len(parent):
        del parent[last]
    elif isinstance(parent, dict) and isinstance(last, str):
        parent.pop(last, None)
        parent.pop("_" + last, None)
    if parent in ([], {}) and path[:-1]:
        _remove(holder, path[:-1])
