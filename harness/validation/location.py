"""Where an element stands, as linked nodes that become FHIRPath text only when an issue needs it.

A node is a tuple ``(parent, segment, index)``; the root is ``(None, "Patient", -1)`` and an index of -1 means none.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Location: TypeAlias = tuple[Any, str, int]


def root(name: str) -> Location:
    """The location of a resource that stands alone; ``name`` is its type."""
    return (None, name, -1)


def render(where: Location) -> str:
    """FHIRPath of ``where``: ``Observation.component[1].value.ofType(Quantity)``."""
    parts: list[str] = []
    node: Location | None = where
    while node is not None:
        parent, segment, index = node
        if index >= 0:
            parts.append(f"[{index}]")
        parts.append(segment)
        if parent is not None:
            parts.append(".")
        node = parent
    parts.reverse()
    return "".join(parts)
