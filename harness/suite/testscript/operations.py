"""An operation of a TestScript as a step."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from harness.suite.testscript.assertions import FORMATS, CannotBeSaid

_SENDS = ("create", "update", "updateCreate", "transaction", "batch")
_BY_METHOD = {"get": "read", "delete": "delete"}


def step(operation: Mapping[str, Any], body: Any, target: str | None) -> dict[str, Any]:
    """Return the step for an operation.

    ``body`` is what its ``sourceId`` names: a resource, or ``${…}``; ``target`` is the address that its ``targetId``
    names, ``Type/id``. Raises CannotBeSaid.
    """
    code = _code(operation)
    path, params = _address(operation, target)
    made = _interaction(code, operation, body, path, params)
    return {**made, **_around(operation)}


def _code(operation: Mapping[str, Any]) -> str:
    code = operation.get("type", {}).get("code")
    if code is None:
        code = _BY_METHOD.get(str(operation.get("method", "")), "")
    return str(code)


def _address(operation: Mapping[str, Any], target: str | None) -> tuple[str, dict[str, Any]]:
    """The path below the base, and the query: of url, of resource and params, or of the target."""
    kind = str(operation.get("resource", ""))
    written = str(operation.get("url", ""))
    if "://" in written:
        raise CannotBeSaid("an absolute url leads away from the candidate")
    params = str(operation.get("params", ""))
    if not written:
        written = target if target is not None and not params.startswith("/") else kind
        if target is None and not kind and params[:1] not in ("/", "?", ""):
            raise CannotBeSaid("params without a resource: relative to what cannot be told")
        written += params if params[:1] in ("/", "?", "") else f"?{params}"
    path, _, query = written.partition("?")
    pairs: dict[str, Any] = {}
    for name, value in parse_qsl(query.replace("+", "%2B"), keep_blank_values=True):
        pairs[name] = (
            [*(pairs[name] if isinstance(pairs[name], list) else [pairs[name]]), value] if name in pairs else value
        )
    return path.strip("/"), pairs


def _interaction(
    code: str, operation: Mapping[str, Any], body: Any, path: str, params: dict[str, Any]
) -> dict[str, Any]:
    query = {"params": params} if params else {}
    if code in _SENDS:
        if body is None:
            raise CannotBeSaid(f"{code} without a sourceId that is known")
        name = "update" if code == "updateCreate" else code
        kind, _, identifier = path.partition("/")
        changed = {"set": {"id": identifier}} if name == "update" and kind and identifier else {}
        return {name: body, **changed, **(query if name == "update" else {})}
    if code == "read":
        _demand("/" in path and not params, "a read needs a type and an id, and no parameters")
        return {"vread" if "/_history/" in path else "read": path}
    if code == "vread":
        _demand("/_history/" in path, "a vread needs a type, an id and a version")
        return {"vread": path}
    if code in ("delete", "deleteCondSingle", "deleteCondMultiple"):
        return {"delete": path, **query}
    if code == "search":
        return {"search": path, **query}
    if code == "history":
        return {"history": path.removesuffix("_history").rstrip("/") or None, **query}
    if code == "capabilities":
        return {"capabilities": None}
    return _named(code, operation, body, path, query)


def _named(code: str, operation: Mapping[str, Any], body: Any, path: str, query: dict[str, Any]) -> dict[str, Any]:
    """An extended operation, named by its code or in its address."""
    if not code and "$" not in path:
        method = str(operation.get("method", "")).upper()
        _demand(bool(method), "neither its type nor its method is told")
        return {"request": {"method": method, "path": path, **({"body": body} if body is not None else {})}, **query}
    if "$" not in path:
        path = f"{path}/${code}".lstrip("/")
    if body is not None:
        return {"operation": {"name": path, "parameters": body}}
    return {"operation": path, **query}


def _demand(holds: bool, why: str) -> None:
    if not holds:
        raise CannotBeSaid(why)


def _around(operation: Mapping[str, Any]) -> dict[str, Any]:
    """The format, and the headers of the request."""
    headers = {str(one["field"]): str(one["value"]) for one in operation.get("requestHeader", ())}
    made: dict[str, Any] = {}
    accepted = operation.get("accept", operation.get("contentType"))
    if accepted == "xml" or accepted == FORMATS["xml"]:
        made["format"] = "xml"
    elif accepted not in (None, "json", "none", FORMATS["json"]):
        headers["Accept"] = str(accepted)
    return {**made, **({"headers": headers} if headers else {})}
