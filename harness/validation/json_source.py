"""JSON text to Python, keeping decimals exact and noting what JSON parsers usually let pass (FHIR R4 json §2.6.2)."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from harness.json_faults import parser_fault

DEPTH = 150
"""How deep a resource may be nested. The specification sets no limit; a walk needs one."""

_BOM = "\ufeff"
_LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair is one character
    r"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the text, by its rule."""

    rule: str
    found: str | None = None
    expected: str | None = None
    detail: str | None = None
    detail_fr: str | None = None


class _NotANumber(ValueError):
    """NaN or an infinity, which Python's parser lets pass."""


def _syntax(words: tuple[str, str], text: str, offset: int) -> Problem:
    """The problem that ``words`` (English, French) tell, at the character ``offset`` of ``text``."""
    line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
    en, fr = words
    return Problem(
        "json-syntax",
        detail=f"{en} (line {line}, column {column})",
        detail_fr=f"{fr} (ligne {line}, colonne {column})",
    )


def _lone_surrogate(text: str) -> Problem | None:
    """The first half of a surrogate pair that stands alone in ``text``, which is JSON: no character of Unicode."""
    if "\\ud" not in text and "\\uD" not in text:
        return None
    found = next((found for found in _LONE_SURROGATE.finditer(text) if found["lone"]), None)
    if found is None:
        return None
    lone = found["lone"]
    words = f"{lone} is half of a surrogate pair, no character", f"{lone} est la moitié d'une paire, pas un caractère"
    return _syntax(words, text, found.start())


def read(text: bytes | str) -> tuple[Any, list[Problem]]:
    """The value of the JSON ``text`` (None when it is not JSON), and what is wrong with the text."""
    problems: list[Problem] = []
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        en, fr = f"it is not UTF-8 (byte {error.start})", f"ce n'est pas de l'UTF-8 (octet {error.start})"
        return None, [Problem("json-syntax", detail=en, detail_fr=fr)]
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
        raise _NotANumber(name)

    try:
        value = json.loads(decoded, object_pairs_hook=pairs, parse_float=Decimal, parse_constant=constant)
    except RecursionError:
        return None, [*problems, Problem("json-depth", expected=str(DEPTH))]
    except json.JSONDecodeError as error:
        return None, [*problems, _syntax(parser_fault(error.msg), decoded, error.pos)]
    except _NotANumber as error:
        en, fr = f"{error} is no number of JSON", f"{error} n'est pas un nombre en JSON"
        return None, [*problems, Problem("json-syntax", detail=en, detail_fr=fr)]
    except ValueError:  # all that is left: Python does not read whole numbers without end
        return None, [*problems, Problem("json-number", expected=str(sys.get_int_max_str_digits()))]
    half = _lone_surrogate(decoded)
    return (value, problems) if half is None else (None, [*problems, half])


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
