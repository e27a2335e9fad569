"""Reading ``candidate.yaml``: its schema, the places of its faults, the environment's variables and what is secret."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from harness.engine.placeholders import unknown
from harness.engine.redaction import Redactor, credentials_of, is_public_header, is_secret_header
from harness.engine.secure import FILES
from harness.engine.text import inert
from harness.errors import TestSetError, UsageError
from harness.suite.model import Location
from harness.suite.policies import policies
from harness.suite.problem import nearest
from harness.suite.source import Document as File
from harness.suite.source import read_bytes, read_yaml

SCHEMA = Path(__file__).with_name("candidate.schema.json")

CLIENT = "client"
"""The kind of a candidate that calls; others are called."""
_LOOPBACK = ("127.0.0.1", "localhost")
_TELLING = 8
"""Characters. A shorter value of a header that is not called a secret is a word, which stands in many other places."""
_SHOWN = 300
"""Characters of a message."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}", re.ASCII)
_FOR_EDITORS = (None, "pattern", "dependentRequired")
"""What the schema says for editors; here :func:`_check_values` tells it, once the variables have their values."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PUBLIC = ("base-url", "fhir-version", "software", "default-identity", "policy")
"""What the evidence is about: never secret, even when the environment gave it."""

_SECRET_PATHS = (
    ("bearer",),
    ("basic", "password"),
    ("id-token", "value"),
    ("oauth", "client-secret"),
    ("oauth", "refresh-token"),
)

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """The content of a candidate file, with its secrets by the place they stand in."""

    data: Mapping[str, Any]
    secrets: Mapping[str, str]


@dataclass
class _Source:
    """What is read, where its values stand, and what is wrong with it."""

    data: Any
    file: File | None = None
    faults: list[tuple[Location, str]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    """What the environment gave, by name."""

    def fault(self, place: Place, message: str, *, key: bool = False) -> None:
        """Note that the value at ``place`` (or its key) is wrong."""
        location = self.file.at(place, key=key) if self.file else Location("candidate", 0, 0)
        path = ".".join(map(str, place))
        where = location if self.file else location.file
        self.faults.append((location, f"{where}: {inert(f'{path}: {message}' if path else message, _SHOWN)}"))

    def stop_if_faulty(self) -> None:
        """Raise UsageError with every fault, in the order of the file; what the environment gave is not shown."""
        if self.faults:
            ordered = sorted(self.faults, key=lambda fault: (fault[0].line, fault[0].column))
            raise UsageError(Redactor(self.variables).text("\n".join(message for _, message in ordered)))


def read_file(path: Path) -> Document:
    """Read and check a candidate file. Raises UsageError with ``file:line:column`` of every fault."""
    try:
        file = read_yaml(read_bytes(path, str(path)), str(path))
    except TestSetError as problem:
        raise UsageError(str(problem)) from problem
    return _check(_Source(file.value, file), path.parent)


def read_data(data: Mapping[str, Any]) -> Document:
    """Check the content of a candidate file that did not come from a file. Raises UsageError."""
    return _check(_Source(data), Path())


def _check(source: _Source, folder: Path) -> Document:
    for error in _validator().iter_errors(source.data):
        if error.validator not in _FOR_EDITORS:
            _schema_fault(source, error)
    source.stop_if_faulty()
    secrets: dict[str, str] = {}
    data = _expanded(source, source.data, (), secrets)
    _check_values(source, data)
    source.stop_if_faulty()
    _settle(data.get("tls", {}), FILES, folder)
    for _, identity in _identities(data):
        _settle(identity.get("oauth", {}), ("private-key",), folder)
    secrets |= {name: value for name, value in _credentials(data) if value not in secrets.values()}
    return Document(data, secrets)


def _settle(section: dict[str, Any], members: Iterable[str], folder: Path) -> None:
    """Make the paths in ``section`` those of files beside the candidate file."""
    section.update({name: str(folder / section[name]) for name in members if name in section})


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of candidate files with every policy and its values, for editors."""
    whole: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    whole["properties"]["policy"] = policies().schema()
    return whole


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _schema_fault(source: _Source, error: ValidationError) -> None:
    place: Place = tuple(error.absolute_path)
    schema: Any = error.schema
    instance: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        for name in (name for name in instance if name not in known):
            hint = nearest(name, known) or f"; known are {', '.join(known)}"
            source.fault((*place, name), f"unknown key{hint}", key=True)
    elif error.validator == "required":
        missing = [name for name in wanted if name not in instance]
        source.fault(place, f"{', '.join(missing)} is missing")
    elif error.validator == "type":
        hint = "; put it in quotes" if wanted == "string" and not isinstance(instance, (Mapping, Sequence)) else ""
        source.fault(place, f"must be {_KINDS[wanted]}, found {_kind(instance)}{hint}")
    elif error.validator == "enum":
        source.fault(place, f"must be one of {', '.join(map(str, wanted))}{nearest(str(instance), map(str, wanted))}")
    elif error.validator in _BOUNDS:
        source.fault(place, f"must be {_BOUNDS[error.validator]} {wanted}, found {_kind(instance)}")
    else:
        source.fault(place, error.message)


_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}
_KINDS = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a table of keys and values",
}
"""Types of JSON Schema, for people."""


def _kind(instance: Any) -> str:
    """Return what a value of YAML is, in the words of people who write it."""
    match instance:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case Mapping():
            return "a table of keys and values"
        case Sequence():
            return "a list"
        case _:
            return f"the number {instance}"


def _expanded(source: _Source, value: Any, place: Place, secrets: dict[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _expanded(source, item, (*place, str(name)), secrets) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_expanded(source, item, (*place, index), secrets) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return float(value) if isinstance(value, Decimal) else value

    def variable(found: re.Match[str]) -> str:
        content = os.environ.get(found[1])
        if content is None:
            source.fault(place, f"the environment variable {found[1]} is not set; set it, or write the value here")
            return ""
        source.variables[found[1]] = content
        if place[0] not in _PUBLIC and place[-1] != "base-url" and content:
            secrets[".".join(map(str, place)) if found[0] == value else found[1]] = content
        return content

    return _VARIABLE.sub(variable, value)


def _check_values(source: _Source, data: Mapping[str, Any]) -> None:
    for name, fault in policies().faults(data.get("policy", {})).items():
        source.fault(("policy", name), fault, key=name not in policies().by_name)
    _check_address(source, ("proxy",), data.get("proxy"), "http://proxy.example:3128")
    own = data.get("identities", {})
    if "base-url" in data:
        _check_endpoint(source, data, (), own)
    _check_client(source, data)
    for name, endpoint in data.get("endpoints", {}).items():
        _check_endpoint(source, endpoint, ("endpoints", name), {**own, **endpoint.get("identities", {})})
    for place, headers in _header_tables(data):
        for header, value in headers.items():
            _check_header_name(source, (*place, header), header)
            _check_header_value(source, (*place, header), value)
    _check_tls(source, data.get("tls", {}))
    for place, identity in _identities(data):
        _check_credentials(source, place, identity)


def _check_header_name(source: _Source, place: Place, name: str) -> None:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        source.fault(place, "is not the name of a header (RFC 9110, section 5.1)")


def _check_header_value(source: _Source, place: Place, value: str) -> None:
    if value != value.strip():
        source.fault(place, "begins or ends with a space or a line end, which a header cannot hold; take it away")
    elif any(not (c == "\t" or (c.isprintable() and ord(c) < 256)) for c in value):
        source.fault(place, "holds a character that a header cannot (RFC 9110, section 5.5)")


def _check_tls(source: _Source, tls: Mapping[str, Any]) -> None:
    """Note what would be left aside without a word."""
    if "pkcs12" in tls and ("certificate" in tls or "key" in tls):
        source.fault(("tls", "pkcs12"), "stands in place of certificate and key; leave the one or the others out")
    elif "key" in tls and "certificate" not in tls:
        source.fault(("tls", "key"), "needs tls.certificate, the PEM file of the certificate that it belongs to")


def _check_credentials(source: _Source, place: Place, identity: Mapping[str, Any]) -> None:
    """Note credentials that are none, that no header can hold, or that exclude each other."""
    for path in (("bearer",), ("id-token", "value")):
        value = _at(identity, path)
        if value is not None:
            _check_header_value(source, (*place, *path), value)
    for path in (*_SECRET_PATHS, ("basic", "user"), ("oauth", "client-id")):
        value = _at(identity, path)
        if value == "" and path != ("basic", "user"):
            source.fault((*place, *path), "is empty; is the environment variable that it comes from set?")
        elif value is not None and path[0] in ("basic", "oauth") and _CONTROL.search(value):  # RFC 7617, section 2
            source.fault((*place, *path), "holds a line end or another control character; take it away")
    if ":" in (_at(identity, ("basic", "user")) or ""):
        source.fault((*place, "basic", "user"), "holds a colon, which ends it (RFC 7617, section 2)")
    for path in (("id-token", "header"), ("oauth", "id-token-header")):
        name = _at(identity, path)
        if name is not None:
            _check_header_name(source, (*place, *path), name)
    proofs = [name for name in ("bearer", "basic", "oauth") if name in identity]
    if len(proofs) > 1 and source.file is not None:  # a run adds the bearer that oauth gave
        told = f"{' and '.join(proofs)}: a request has one Authorization header; keep one of them"
        source.fault((*place, proofs[1]), told, key=True)
    if "private-key" in identity.get("oauth", {}) and "client-secret" in identity["oauth"]:
        source.fault((*place, "oauth", "client-secret"), "client-secret and private-key: keep one of them", key=True)
    if "client-authentication" in identity.get("oauth", {}) and "client-secret" not in identity["oauth"]:
        told = "says how client-secret is sent, and there is none; write it beside, or take this away"
        source.fault((*place, "oauth", "client-authentication"), told, key=True)


def _check_endpoint(source: _Source, data: Mapping[str, Any], place: Place, identities: Mapping[str, Any]) -> None:
    url = str(data["base-url"])
    _check_address(source, (*place, "base-url"), url, "https://fhir.example/r4")
    if is_http(url) and "@" in urlsplit(url).netloc:
        source.fault((*place, "base-url"), "holds a user name or password; write them under identities, as basic")
    for name, identity in data.get("identities", {}).items():
        _check_oauth(source, identity.get("oauth"), (*place, "identities", name, "oauth"))
    default = data.get("default-identity")
    if default is not None and default not in identities and (identities or default != "default"):
        source.fault((*place, "default-identity"), f'no identity is called "{default}"{nearest(default, identities)}')
    if "none" in data.get("identities", {}):
        fault = 'the name "none" is kept for requests without credentials; take another'
        source.fault((*place, "identities", "none"), fault)


def _check_client(source: _Source, data: Mapping[str, Any]) -> None:
    """Look at what only a client has; it has it alone."""
    client = data.get("kind") == CLIENT
    for name in ("sandbox", "command"):
        if name in data and not client:
            source.fault((name,), f"goes with kind: {CLIENT}: a server is called at its base-url", key=True)
    if client and "base-url" in data and source.file is not None:
        source.fault(("base-url",), "a client calls the sandbox; to stand before a real service, sandbox: {proxy: URL}")
    _check_address(source, ("sandbox", "proxy"), data.get("sandbox", {}).get("proxy"), "https://fhir.example/r4")
    command = data.get("command", {})
    for position, message in unknown(command.get("run", ())):
        source.fault(("command", "run", position), message)
    names = list(command.get("environment", {}))
    for position, message in unknown(command.get("environment", {}).values()):
        source.fault(("command", "environment", names[position]), message)


def _check_oauth(source: _Source, oauth: Mapping[str, Any] | None, place: Place) -> None:
    if oauth is None:
        return
    for name in ("token-url", "authorize-url"):
        # Theirs may have a query (RFC 6749, sections 3.1 and 3.2).
        _check_address(source, (*place, name), oauth.get(name), "https://login.example/token", query=True)
        if name in oauth and is_http(oauth[name], query=True) and "@" in urlsplit(oauth[name]).netloc:
            source.fault((*place, name), "holds a user name or password; write them as client-id and client-secret")
    if oauth["grant"] == "authorization-code" and "authorize-url" not in oauth:
        source.fault(place, "authorize-url is missing: where a person signs in")
    back = oauth.get("redirect-uri")
    if back is not None and not (is_http(back) and back.startswith("http:") and urlsplit(back).hostname in _LOOPBACK):
        source.fault((*place, "redirect-uri"), "is not an http address of this machine, such as http://127.0.0.1:8765/")


def _check_address(source: _Source, place: Place, url: Any, example: str, *, query: bool = False) -> None:
    """Note an address that is none, without what may be a password in it; none at all is well."""
    if url is not None and not is_http(url, query=query):
        _, at, after = str(url).rpartition("@")
        shown = f"…@{after}" if at else after
        source.fault(place, f'"{shown}" is not an address such as {example}')


def is_http(url: Any, *, query: bool = False) -> bool:
    """Tell whether ``url`` is an http or https address with a host, with no fragment, nor a query unless ``query``."""
    try:
        parts = urlsplit(url)
        port_is_number = parts.port is None or parts.port > 0
    except (ValueError, AttributeError):
        return False
    readable = not re.search(r"[\s\x00-\x20\x7f\\\"<>]", url)
    bare = "#" not in url and (query or "?" not in url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port_is_number and readable and bare


def _header_tables(data: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, str]]]:
    yield ("headers",), data.get("headers", {})
    for place, identity in _identities(data):
        yield (*place, "headers"), identity.get("headers", {})


def _identities(data: Mapping[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every identity with its place: those of the candidate, then those of its endpoints."""
    for name, identity in data.get("identities", {}).items():
        yield ("identities", name), identity
    for name, endpoint in data.get("endpoints", {}).items():
        for place, identity in _identities(endpoint):
            yield ("endpoints", name, *place), identity


def _credentials(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The values that are secret by their place."""
    if data.get("tls", {}).get("password"):
        yield "tls.password", data["tls"]["password"]
    userinfo = urlsplit(str(data.get("proxy", ""))).netloc.rpartition("@")[0]
    if ":" in userinfo:
        yield "userinfo", userinfo
        if (sent := unquote(userinfo)) != userinfo:  # what error pages of the proxy may quote, in base64
            yield "proxy", sent
    for place, headers in _header_tables(data):
        for name, value in headers.items():
            if is_secret_header(name) or (len(value) >= _TELLING and not is_public_header(name)):
                yield ".".join((*map(str, place), name)), credentials_of(name, value)[1]
    for place, identity in _identities(data):
        for path in _SECRET_PATHS:
            value = _at(identity, path)
            if value:
                yield ".".join(map(str, (*place, *path))), value


def _at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
