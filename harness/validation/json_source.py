"""JSON text to Python, keeping decimals exact and noting what JSON parsers usually let pass (FHIR R4 json §2.6.2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

DEPTH = 150
"""How deep a resource may be nested. The specification sets no limit; a walk needs one."""

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the text, by its rule."""

    rule: str
    found: str | None = None
    expected: str | None = None
    detail: str | None = None


def read(text: bytes | str) -> tuple[Any, list[Problem]]:
    """The value of the JSON ``text`` (None when it is not JSON), and what is wrong with the text."""
    problems: list[Problem] = []
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        return None, [Problem("json-syntax", detail=f"it is not UTF-8 (byte {error.start})")]
    if decoded.startswith(_BOM):
        problems.append(Problem("json-bom"))
        decoded = decoded.removeprefix(_BOM)

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            seen: set[str] = set()
            for key, _ in items:
                if key in seen:
                    problems.append(Problem("json-duplicate-key", found=key))
                seen.add(key)
        return found

    def constant(name: str) -> Any:
        raise ValueError(f"{name} is not a JSON number")

    try:
        value = json.loads(decoded, object_pairs_hook=pairs, parse_float=Decimal, parse_constant=constant)
    except RecursionError:
        return None, [*problems, Problem("json-depth", expected=str(DEPTH))]
    except ValueError as error:
        return None, [*problems, Problem("json-syntax", detail=str(error))]
    return value, problems


def too_deep(value: Any) -> bool:
    """Whether ``value`` is nested deeper than :data:`DEPTH`; walks level by level, so it cannot overflow."""
    level: list[Any] = [value]
    for _ in range(DEPTH):
        level = [
            child
            for item in level
            for child in (item.values() if type(item) is dict else item)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True
