"""Content negotiation: which format a request is in, and which one its answer takes (http.html#mime-type)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache

from harness.errors import HarnessError
from harness.fhir.definitions import Definitions
from harness.fhir.xml import from_xml, to_xml
from harness.sandbox import codec
from harness.sandbox.call import Answer, Call
from harness.sandbox.problems import Problem

FHIR_JSON = "application/fhir+json"
FHIR_XML = "application/fhir+xml"
FORMATS: dict[str, str] = {
    FHIR_JSON: "json",
    "application/json": "json",
    "text/json": "json",
    FHIR_XML: "xml",
    "application/xml": "xml",
    "text/xml": "xml",
}
_SHORT = {"json": FHIR_JSON, "xml": FHIR_XML}
JSON_PATCH = "application/json-patch+json"
PATCHES = (JSON_PATCH, FHIR_JSON, FHIR_XML)
"""JSON Patch, and FHIRPath Patch in either format."""


@dataclass(frozen=True, slots=True)
class Format:
    """``kind`` is json or xml; ``media_type`` the one to answer with."""

    kind: str
    media_type: str
    pretty: bool = False


DEFAULT = Format("json", FHIR_JSON)


Range = tuple[str, Mapping[str, str]]
"""A media type in lower case, and its parameters."""


@lru_cache(256)
def media_type(value: str) -> Range:
    """Split a Content-Type value."""
    message = Message()
    message["content-type"] = value
    parameters = message.get_params(failobj=[])[1:]
    return value.partition(";")[0].strip().lower(), {name.lower(): text for name, text in parameters}


@lru_cache(256)
def accepted(header: str) -> tuple[Range, ...]:
    """The media ranges of ``Accept`` with a weight above zero, the best first, in their order among equals."""
    found = []
    for position, part in enumerate(header.split(",")):
        if not part.strip():
            continue
        name, parameters = media_type(part)
        try:
            weight = float(parameters.get("q", "1"))
        except ValueError:
            weight = 0.0
        if weight > 0:
            found.append((-weight, position, (name, parameters)))
    return tuple(item for _, _, item in sorted(found, key=lambda found: found[:2]))


def _version_fits(parameters: Mapping[str, str]) -> bool:
    return parameters.get("fhirversion", "4.0").startswith("4.0")


def _chosen(ranges: Iterable[Range]) -> str | None:
    for name, parameters in ranges:
        if name in {"*/*", "application/*"}:
            return FHIR_JSON
        if name in FORMATS and _version_fits(parameters):
            return name
    return None


def answer_format(call: Call) -> Format:
    """The format to answer in: ``_format`` first, then ``Accept``. Raises :class:`Problem` (406)."""
    parameters = dict(call.query)
    pretty = parameters.get("_pretty") == "true"
    asked = parameters.get("_format")
    if asked is not None:
        name = asked.strip().lower().replace(" ", "+")
        chosen = _SHORT.get(name) or _chosen([media_type(name)])
    else:
        header = call.header("accept")
        chosen = _chosen(accepted(header)) if header and header.strip() else FHIR_JSON
    if chosen is None:
        offered = ", ".join(FORMATS)
        raise Problem(406, "not-supported", f"None of the media types asked for can be given; offered: {offered}.")
    return Format(FORMATS[chosen], chosen, pretty)


def wants_fhir(call: Call) -> bool:
    """True when the request names a FHIR format, and does not merely tolerate one (Binary reads depend on it).

    The general names of JSON and XML do not count: a document may well be text/xml itself.
    """
    asked = dict(call.query).get("_format")
    if asked is not None:
        return True
    ranges = accepted(call.header("accept") or "")
    return bool(ranges) and ranges[0][0] in _SHORT.values()


def accepts(call: Call, wanted: str) -> bool:
    """True when ``Accept`` admits the media type ``wanted``."""
    ranges = accepted(call.header("accept") or "*/*")
    name, _ = media_type(wanted)
    return any(item in {"*/*", name, f"{name.partition('/')[0]}/*"} for item, _ in ranges)


def content_type(call: Call) -> str:
    """The media type of the request's body, in lower case without parameters; empty if none is given."""
    return media_type(call.header("content-type") or "")[0]


def is_fhir(call: Call) -> bool:
    """True when the body is in a FHIR format."""
    return content_type(call) in FORMATS


def parse_body(call: Call, definitions: Definitions) -> object:
    """Parse a FHIR body, JSON or XML. Raises :class:`Problem`: 415 for a wrong media type, 400 for a wrong body."""
    name, parameters = media_type(call.header("content-type") or "")
    if name not in FORMATS:
        told = f"'{name}'" if name else "missing"
        raise Problem(415, "not-supported", f"The Content-Type is {told}; this server reads {', '.join(FORMATS)}.")
    if not _version_fits(parameters):
        raise Problem(415, "not-supported", f"FHIR version {parameters['fhirversion']} is not offered; use 4.0.")
    if parameters.get("charset", "utf-8").lower().replace("_", "-") not in {"utf-8", "utf8", "us-ascii"}:
        raise Problem(415, "not-supported", f"charset={parameters['charset']} is not offered; FHIR is UTF-8.")
    if not call.body.strip():
        raise Problem(400, "required", "The request has no body; send the resource in it.")
    if FORMATS[name] == "json":
        return codec.parse(call.body)
    try:
        return codec.bounded(from_xml(call.body, definitions))
    except Problem:
        raise
    except HarnessError as error:
        raise Problem(400, "structure", f"The body is not FHIR XML. {error}") from None


def render(answer: Answer, form: Format, definitions: Definitions) -> tuple[bytes, str | None]:
    """The body of ``answer`` in ``form`` and its media type; no body gives ``b""`` and None.

    Raises :class:`Problem` (406) for what has no form in XML: a server that does not validate stores anything.
    """
    if answer.raw is not None:
        return answer.raw, answer.media_type
    label = f"{form.media_type}; charset=utf-8"
    if form.kind == "xml" and (answer.text is not None or answer.resource is not None):
        # A Bundle holds its resources as JSON text: read it whole, to write it whole.
        whole = codec.stored(answer.text if answer.text is not None else codec.emit(answer.resource).decode())
        try:
            return to_xml(whole, definitions), label
        except (HarnessError, ValueError, TypeError) as error:
            raise Problem(406, "not-supported", f"This cannot be written as XML: {error}") from None
    if answer.text is not None:
        return (codec.emit(codec.stored(answer.text), pretty=True) if form.pretty else answer.text.encode()), label
    if answer.resource is not None:
        return codec.emit(answer.resource, pretty=form.pretty), label
    return b"", None


def parse_patch(call: Call, definitions: Definitions) -> object:
    """Parse the body of a PATCH: a list (JSON Patch), or Parameters (FHIRPath Patch).

    Raises :class:`Problem`: 415 for another kind of patch, 400 for what is neither.
    """
    name = content_type(call)
    if name not in PATCHES:
        raise Problem(
            415,
            "not-supported",
            f"The patch is {name or 'of no declared type'}; this server applies {', '.join(PATCHES)}.",
            headers={"Accept-Patch": ", ".join(PATCHES)},
        )
    if name == JSON_PATCH:
        return codec.parse(call.body)
    return _parameters(parse_body(call, definitions))


def _parameters(resource: object) -> object:
    if not isinstance(resource, dict) or resource.get("resourceType") != "Parameters":
        raise Problem(400, "invalid", "The patch is not a Parameters resource with the operations of FHIRPath Patch.")
    return resource


def patch_of_entry(resource: object) -> object:
    """The patch that an entry of a transaction carries: Parameters, or a Binary with a JSON Patch (http.html#patch).

    Raises :class:`Problem`.
    """
    if isinstance(resource, dict) and resource.get("resourceType") == "Parameters":
        return resource
    if not isinstance(resource, dict) or resource.get("resourceType") != "Binary":
        raise Problem(422, "not-supported", "A PATCH entry carries Parameters, or a Binary with a JSON Patch.")
    if str(resource.get("contentType", "")).partition(";")[0] != JSON_PATCH:
        raise Problem(415, "not-supported", f"The patch in the Binary is not {JSON_PATCH}.")
    try:
        return codec.parse(base64.b64decode(str(resource.get("data", "")), validate=True))
    except binascii.Error:
        raise Problem(400, "structure", "The data of the patch is not base64.") from None
