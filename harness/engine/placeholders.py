"""Placeholders in the arguments of a candidate's command: ``{name}``, for what it is told about its step."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from harness.engine.wire import dumps
from harness.suite.problem import nearest

TEXTS = (
    *("base-url", "fhir-url", "test-set", "test", "step", "action", "instruction", "language", "identity"),
    *("discovery-url", "client-id", "client-secret"),
)
"""Placeholders by name; besides these ``endpoints.NAME`` and ``data.NAME``."""
_GROUPS = ("endpoints.", "data.")
_PLACEHOLDER = re.compile(r"\{([A-Za-z][A-Za-z0-9_.-]*)\}")


def fill(text: str, known: Mapping[str, Any]) -> str:
    """Return ``text`` with the values of its placeholders; one that this step has no value for is empty."""

    def value(found: re.Match[str]) -> str:
        group, _, name = found[1].partition(".")
        there = known.get(group, "")
        if name:
            there = there.get(name, "") if isinstance(there, Mapping) else ""
        return there if isinstance(there, str) else dumps(there)

    return _PLACEHOLDER.sub(value, text)


def unknown(texts: Iterable[str]) -> list[tuple[int, str]]:
    """Return position and message of each placeholder in ``texts`` that no step has."""
    return [
        (index, f"there is no placeholder {{{name}}}{nearest(name, TEXTS)}")
        for index, text in enumerate(texts)
        for name in _PLACEHOLDER.findall(text)
        if name not in TEXTS and not name.startswith(_GROUPS)
    ]
