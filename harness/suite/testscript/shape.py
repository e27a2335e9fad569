"""The shape of a TestScript (R4, testscript.html): what a reader relies on, so that no file can surprise it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.errors import TestSetError

_DEEPEST = 60
"""Levels of a script or a fixture: test sets, which may hold a fixture, have 64."""
_MOST = 20
_HALF = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_OPERATION = {
    "type": {"code": str},
    "resource": str,
    "label": str,
    "description": str,
    "accept": str,
    "contentType": str,
    "destination": int,
    "origin": int,
    "encodeRequestUrl": bool,
    "method": str,
    "params": str,
    "requestHeader": [{"field": str, "value": str}],
    "requestId": str,
    "responseId": str,
    "sourceId": str,
    "targetId": str,
    "url": str,
}
_TEXTS = (
    "label description direction compareToSourceId compareToSourceExpression compareToSourcePath contentType "
    "expression headerField minimumId operator path requestMethod requestURL resource response responseCode sourceId "
    "validateProfileId value"
)
_ASSERT = {**dict.fromkeys(_TEXTS.split(), str), "navigationLinks": bool, "warningOnly": bool}
_ACTIONS = {"action": [{"operation": _OPERATION, "assert": _ASSERT}]}
_SCRIPT = {
    "id": str,
    "name": str,
    "title": str,
    "contained": [{"resourceType": str, "id": str}],
    "origin": [{"index": int}],
    "destination": [{"index": int}],
    "metadata": {"capability": [{"required": bool, "description": str}]},
    "fixture": [{"id": str, "autocreate": bool, "autodelete": bool, "resource": {"reference": str}}],
    "profile": [{"id": str, "reference": str}],
    "variable": [
        dict.fromkeys(("name", "defaultValue", "description", "expression", "headerField", "hint", "path"), str)
        | {"sourceId": str}
    ],
    "setup": _ACTIONS,
    "test": [{"id": str, "name": str, "description": str, **_ACTIONS}],
    "teardown": _ACTIONS,
}
_R5 = ("scope", "common", "testSystem", "versionAlgorithmString", "versionAlgorithmCoding", "copyrightLabel")
_ANYWHERE = ("id", "extension", "modifierExtension")
_NAMES = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number"}


def check_shape(script: Mapping[str, Any]) -> None:
    """Look at what a script holds. Raises TestSetError with every place that is not as R4 has it."""
    if script.get("resourceType") != "TestScript":
        kind = script.get("resourceType")
        found = f"a {kind[:60]!a}" if isinstance(kind, str) else "a file without resourceType"
        raise TestSetError(f"{found} is no TestScript; name one of FHIR R4")
    check_content(script, "TestScript")
    if script.get("modifierExtension"):
        raise TestSetError("TestScript.modifierExtension: it changes what the script means, in a way that is not known")
    faults = list(_faults(script, _SCRIPT, "TestScript")) or [
        f"TestScript.variable[{index}] has no name; each variable needs one"
        for index, one in enumerate(script.get("variable", ()))
        if "name" not in one
    ]
    if faults:
        later = newer(script) or _profiles_are_canonical(script)
        hint = "\nThis looks like a TestScript of R5; convert it to R4 first" if later else ""
        more = f"\n… and {len(faults) - _MOST} more" if len(faults) > _MOST else ""
        raise TestSetError("not a TestScript of FHIR R4:\n" + "\n".join(faults[:_MOST]) + more + hint)


def newer(script: Mapping[str, Any]) -> list[str]:
    """Return the members of a script that are R5's, which R4 does not know."""
    return [name for name in _R5 if name in script]


def strange(action: Mapping[str, Any]) -> list[str]:
    """Return the members of an action's operation or assertion that R4 does not know."""
    known = _OPERATION if "operation" in action else _ASSERT
    members = action.get("operation") or action.get("assert") or {}
    return [name for name in members if name not in known and name not in _ANYWHERE and not name.startswith("_")]


def check_content(value: Any, place: str) -> None:
    """Raise TestSetError when ``value`` has more levels than a test set may have, or a text that is no Unicode."""
    level = [value]
    for _ in range(_DEEPEST):
        inner = [one for outer in level for one in (outer.values() if isinstance(outer, dict) else outer)]
        broken = next((one for one in inner if isinstance(one, str) and _HALF.search(one)), None)
        if broken is not None:
            raise TestSetError(f"{place}: half a character (a lone surrogate) in {broken[:60]!a}; write it whole")
        level = [one for one in inner if isinstance(one, dict | list)]
        if not level:
            return
    raise TestSetError(f"{place}: it is nested more than {_DEEPEST} levels deep; no test set can hold it")


def _profiles_are_canonical(script: Mapping[str, Any]) -> bool:
    profiles = script.get("profile")
    return isinstance(profiles, list) and any(isinstance(one, str) for one in profiles)


def _faults(value: Any, shape: Any, place: str) -> Iterator[str]:
    kind: type = shape if isinstance(shape, type) else type(shape)
    fits = isinstance(value, kind) and not (kind is int and isinstance(value, bool)) and value != []
    if not fits:
        found = _NAMES.get(type(value), "null" if value is None else "a number")
        yield f"{place} must be {_NAMES[kind]}, and it is {'empty' if value == [] else found}"
    elif isinstance(value, str) and (not value.strip() or _CONTROL.search(value)):
        yield f"{place} must be a text, and it is {'not: it has a control character' if value.strip() else 'empty'}"
    elif isinstance(shape, dict):
        for name, inner in shape.items():
            if name in value:
                yield from _faults(value[name], inner, f"{place}.{name}")
    elif isinstance(shape, list):
        for index, item in enumerate(value):
            yield from _faults(item, shape[0], f"{place}[{index}]")
