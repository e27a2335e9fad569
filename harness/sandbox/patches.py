"""JSON Patch (RFC 6902) on a resource: all of its operations, or none."""

from __future__ import annotations

import copy
from typing import Any

from harness.sandbox.codec import Resource
from harness.sandbox.problems import Problem

_NEEDS = {"add": "value", "replace": "value", "test": "value", "move": "from", "copy": "from", "remove": "path"}


def _refuse(diagnostics: str, code: str = "invalid", status: int = 422) -> Problem:
    return Problem(status, code, diagnostics)


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise _refuse(f"{text!r} is not a JSON pointer (RFC 6901).", status=400)
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _position(container: list[Any], key: str, *, grows: bool) -> int:
    if grows and key == "-":
        return len(container)
    canonical = key.isascii() and key.isdigit() and (key == "0" or key[0] != "0")
    if not canonical or int(key) >= len(container) + grows:
        raise _refuse(f"'{key}' is not a position of a list with {len(container)} items.", "not-found")
    return int(key)


def _at(document: Any, path: list[str]) -> Any:
    for key in path:
        if isinstance(document, dict):
            if key not in document:
                raise _refuse(f"There is nothing at '/{'/'.join(path)}'.", "not-found")
            document = document[key]
        elif isinstance(document, list):
            document = document[_position(document, key, grows=False)]
        else:
            raise _refuse(f"There is nothing at '/{'/'.join(path)}'.", "not-found")
    return document


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, key = _at(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        parent.insert(_position(parent, key, grows=True), value)
    elif isinstance(parent, dict):
        parent[key] = value
    else:
        raise _refuse(f"'/{'/'.join(path)}' is inside a simple value.", "not-found")
    return document


def _remove(document: Any, path: list[str]) -> Any:
    if not path:
        raise _refuse("The whole resource cannot be removed by a patch.")
    parent, key = _at(document, path[:-1]), path[-1]
    _at(parent, [key])
    del parent[_position(parent, key, grows=False) if isinstance(parent, list) else key]
    return document


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    name, path = operation["op"], _pointer(operation.get("path"))
    match name:
        case "add":
            return _add(document, path, copy.deepcopy(operation["value"]))
        case "remove":
            return _remove(document, path)
        case "replace":
            _at(document, path)
            value = copy.deepcopy(operation["value"])
            return _add(_remove(document, path), path, value) if path else value
        case "test":
            if _at(document, path) != operation["value"]:
                raise _refuse(f"The test at '{operation['path']}' does not hold.", "conflict")
            return document
    source = _pointer(operation["from"])
    value = copy.deepcopy(_at(document, source))
    if name == "move":
        if path[: len(source)] == source and path != source:
            raise _refuse("A value cannot be moved into itself.")
        document = _remove(document, source)
    return _add(document, path, value)


def apply(resource: Resource, patch: Any) -> Resource:
    """``resource`` after ``patch``. Raises :class:`Problem`: 400 for what is not a JSON Patch, 422 for what fails."""
    if not isinstance(patch, list) or not patch:
        raise _refuse("A JSON Patch is a list of operations.", "structure", 400)
    for operation in patch:
        name = operation.get("op") if isinstance(operation, dict) else None
        if not isinstance(name, str) or name not in _NEEDS or _NEEDS[name] not in operation or "path" not in operation:
            raise _refuse(f"This is not an operation of JSON Patch: {name!r}.", "structure", 400)
    document: Any = copy.deepcopy(resource)
    for operation in patch:
        document = _apply(document, operation)
    if not isinstance(document, dict):
        raise _refuse("The patch leaves no resource.")
    same = ("resourceType", "id")
    if any(document.get(key) != resource.get(key) for key in same):
        raise _refuse("A patch cannot change the type or the id of a resource.")
    return document
