"""An operation of a TestScript as a step."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from harness.suite.testscript.assertions import FORMATS
from harness.suite.testscript.loss import CannotBeSaid

_SENDS = ("create", "update", "updateCreate", "transaction", "batch", "patch")
_METHODS = {
    **dict.fromkeys(("read", "vread", "search", "history", "capabilities"), "GET"),
    **dict.fromkeys(("create", "transaction", "batch"), "POST"),
    **dict.fromkeys(("update", "updateCreate"), "PUT"),
    **dict.fromkeys(("delete", "deleteCondSingle", "deleteCondMultiple"), "DELETE"),
    "patch": "PATCH",
}
"""The HTTP method of each code of http://terminology.hl7.org/CodeSystem/testscript-operation-codes that is no $name."""
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Target:
    """What an operation's ``targetId`` names: ``Patient/${id}``, and its version as far as it is known."""

    address: str
    version: str | None = None


def step(operation: Mapping[str, Any], body: Any, target: Target | None) -> dict[str, Any]:
    """Return the step for an operation.

    ``body`` is what its ``sourceId`` names: a resource, or ``${…}``. Raises CannotBeSaid.
    """
    code = _code(operation)
    path, params = _address(operation, code, target)
    made = _interaction(code, operation, body, path, params)
    return {**made, **_around(operation, body is not None)}


def method_of(made: Mapping[str, Any]) -> str:
    """Return the HTTP method of a step."""
    key = next(iter(made))
    if key == "request":
        return str(made[key]["method"])
    if key == "operation":
        return "POST" if isinstance(made[key], Mapping) else "GET"
    return _METHODS[key]


def writes(operation: Mapping[str, Any]) -> bool:
    """Tell whether an operation changes the candidate, so that what follows builds on it."""
    code, method = _code(operation), str(operation.get("method", "")).upper()
    return (method or _METHODS.get(code, "POST" if "sourceId" in operation else "GET")) not in ("GET", "HEAD", "")


def _code(operation: Mapping[str, Any]) -> str:
    code = operation.get("type", {}).get("code")
    if code is None:
        code = {"get": "read", "delete": "delete"}.get(str(operation.get("method", "")).lower(), "")
    return str(code)


def _address(operation: Mapping[str, Any], code: str, target: Target | None) -> tuple[str, dict[str, Any]]:
    """The path below the base, and the query: of url, else of resource and params, else of the target."""
    kind, params = str(operation.get("resource", "")), str(operation.get("params", ""))
    written = str(operation.get("url", ""))
    if "://" in written:
        raise CannotBeSaid("an absolute url leads away from the candidate; write the part below the base")
    if not written and params:
        if not kind and params[:1] not in ("/", "?"):
            raise CannotBeSaid("params without a resource: relative to what cannot be told; give it its resource")
        written = kind + (params if params[:1] in ("/", "?") else f"?{params}")
    elif not written:
        written = target.address if target is not None else kind
        if code == "vread" and target is not None:
            if target.version is None:
                raise CannotBeSaid("its target has no meta.versionId; write params: /id/_history/version")
            written += f"/_history/{target.version}"
    path, _, query = written.partition("?")
    if re.search(r"[\s\x00]", path):
        raise CannotBeSaid(f"the address {path!r} has a space; percent-encode it")
    pairs: dict[str, Any] = {}
    for name, value in parse_qsl(query.replace("+", "%2B"), keep_blank_values=True):
        before = pairs.get(name, [])
        pairs[name] = [*(before if isinstance(before, list) else [before]), value] if name in pairs else value
    return path if path.startswith("${") else path.strip("/"), pairs


def _interaction(
    code: str, operation: Mapping[str, Any], body: Any, path: str, params: dict[str, Any]
) -> dict[str, Any]:
    query = {"params": params} if params else {}
    method = str(operation.get("method", "")).upper()
    _demand(bool(re.fullmatch("[A-Z]*", method)), f"{method!r} is no method of HTTP")
    if method and method != _METHODS.get(code, method):
        return _by_method(method, code, body, path, query)
    if code in _SENDS:
        if body is None:
            raise CannotBeSaid(f"{code} without a sourceId that is known")
        return _sending(code, body, path, params)
    if code in ("read", "vread"):
        _demand("/" in path or "${" in path, f"a {code} needs a type and an id")
        return {"vread" if "/_history/" in path else "read": path, **query}
    if code in ("delete", "deleteCondSingle", "deleteCondMultiple"):
        _demand(bool(path), "a delete needs a type")
        return {"delete": path, **query}
    if code == "search":
        return {"search": path, **query}
    if code == "history":
        return {"history": path.removesuffix("_history").rstrip("/") or None, **query}
    if code == "capabilities":
        return {"capabilities": None, **query}
    return _named(code, method, body, path, query)


def _by_method(method: str, code: str, body: Any, path: str, query: dict[str, Any]) -> dict[str, Any]:
    """The method that is told counts, whatever the operation's own is: a search by POST, a negative test."""
    if code == "search" and method == "POST":
        path = f"{path.removesuffix('/_search')}/_search".lstrip("/")
        return {"request": {"method": method, "path": path, "content-type": _FORM, "body": ""}, **query}
    if code == "history":
        path = f"{path.removesuffix('_history').rstrip('/')}/_history".lstrip("/")
    if code == "capabilities":
        path = "metadata"
    return {"request": {"method": method, "path": path, **({"body": body} if body is not None else {})}, **query}


def _sending(code: str, body: Any, path: str, params: dict[str, Any]) -> dict[str, Any]:
    query = {"params": params} if params else {}
    kind, _, identifier = path.partition("/")
    if code == "patch":
        _demand(bool(identifier) and not params, "a patch needs a type and an id, and no parameters")
        return {"patch": {"target": path, "parameters": body}}
    if code in ("transaction", "batch"):
        return {code: body}
    if code == "create":
        return {"create": body, **query}
    if identifier and params:  # params alone would make it a conditional update
        return {"request": {"method": "PUT", "path": path, "body": body}, **query}
    return {"update": body, **({"set": {"id": identifier}} if kind and identifier else {}), **query}


def _named(code: str, method: str, body: Any, path: str, query: dict[str, Any]) -> dict[str, Any]:
    """An extended operation, named by its code or in its address; any other request by its method."""
    if not code and "$" not in path.replace("${", ""):
        _demand(bool(method), "neither its type nor its method is told; give it a type")
        return {"request": {"method": method, "path": path, **({"body": body} if body is not None else {})}, **query}
    if "$" not in path.replace("${", ""):
        _demand(bool(re.fullmatch(r"[A-Za-z][A-Za-z-]*", code)), f"{code!r} is no operation")
        path = f"{path}/${code}".lstrip("/")
    if method not in ("", "POST" if body is not None else "GET"):
        return {"request": {"method": method, "path": path, **({"body": body} if body is not None else {})}, **query}
    if body is None:
        return {"operation": path, **query}
    return {"operation": {"name": path, "parameters": body}, **query}


def _demand(holds: bool, why: str) -> None:
    if not holds:
        raise CannotBeSaid(why)


def _around(operation: Mapping[str, Any], has_body: bool) -> dict[str, Any]:
    """The format, and the headers of the request."""
    headers: dict[str, str] = {}
    for one in operation.get("requestHeader", ()):
        name, value = str(one.get("field", "")), str(one.get("value", ""))
        _demand(bool(_HEADER.fullmatch(name)), f"{name!r} is no name of a header")
        headers[name] = value
    own = {name.lower(): value for name, value in headers.items()}
    accepted = own.get("accept", operation.get("accept"))
    content = own.get("content-type", operation.get("contentType"))
    sent, asked = _kind(content), _kind(accepted)
    if not has_body:
        content, sent = None, None
    if sent and asked and sent != asked:
        raise CannotBeSaid(f"it sends {sent} and asks for {asked}; a step has one format for both: choose one")
    kind = asked or sent or _kind(operation.get("contentType")) or "json"
    if content and sent == "xml" and content not in ("xml", FORMATS["xml"]):
        raise CannotBeSaid(f"XML as {content}; write {FORMATS['xml']}")
    for name, media in (("Accept", accepted), ("Content-Type", content)):
        if media and media not in (kind, FORMATS[kind], "none") and name.lower() not in own:
            headers[name] = str(media)
    for name, value in headers.items():
        _demand(value.isprintable(), f"the header {name} holds a control character")
    return {**({"format": "xml"} if kind == "xml" else {}), **({"headers": headers} if headers else {})}


def _kind(media: Any) -> str | None:
    """``xml`` or ``json``: what a media type, or a short name of FHIR's, is written in."""
    text = str(media or "").lower()
    return "xml" if "xml" in text else "json" if "json" in text else None
