"""What a command of the candidate is told about its step: placeholders in its arguments, and all of it as JSON."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from harness.engine.awaiting import Task
from harness.engine.wire import dumps
from harness.suite.problem import nearest

TEXTS = ("base-url", "fhir-url", "test-set", "test", "step", "action", "instruction", "language", "identity")
"""Placeholders that are always there; besides these ``endpoints.NAME`` and ``data.NAME``."""
_GROUPS = ("endpoints.", "data.")
_PLACEHOLDER = re.compile(r"\{([A-Za-z][A-Za-z0-9_.-]*)\}")


def values(task: Task, language: str) -> dict[str, Any]:
    """Return everything about ``task`` by name, as JSON values; ``credentials`` are headers, ready to be sent."""
    candidate = task.candidate
    return {
        "base-url": candidate.base_url,
        "fhir-url": str(candidate.content["base-url"]),
        "endpoints": {name: one.base_url for name, one in candidate.endpoints.items()},
        "test-set": task.scope.test_set,
        "test": task.scope.test,
        "step": task.step,
        "action": task.action,
        "instruction": task.instruction.get(language, ""),
        "language": language,
        "identity": task.identity,
        "caller": candidate.identities[task.identity].attributes if task.identity in candidate.identities else {},
        "credentials": dict(candidate.credentials(task.identity)),
        "policy": candidate.policies,
        "data": dict(task.data),
    }


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
