"""Binary: raw bytes in their own media type, or a FHIR resource with base64 (https://hl7.org/fhir/R4/binary.html)."""

from __future__ import annotations

import base64
import binascii

from harness.sandbox import negotiation
from harness.sandbox.call import Answer, Call
from harness.sandbox.codec import Resource
from harness.sandbox.problems import Problem


def from_raw(call: Call, id_: str | None) -> Resource:
    """The Binary that a raw body stands for. Raises :class:`Problem` (415) without a Content-Type."""
    declared = (call.header("content-type") or "").strip()
    if not declared:
        raise Problem(415, "not-supported", "The Content-Type is missing; a raw Binary takes it as its contentType.")
    resource: Resource = {"resourceType": "Binary", "contentType": declared}
    if id_:
        resource["id"] = id_
    context = call.header("x-security-context")
    if context:
        resource["securityContext"] = {"reference": context}
    resource["data"] = base64.b64encode(call.body).decode()
    return resource


def to_raw(call: Call, answer: Answer, resource: Resource) -> Answer:
    """The bytes of a Binary in its own media type. Raises :class:`Problem` (406) when the request does not take it."""
    kind = str(resource.get("contentType", "application/octet-stream"))
    if not negotiation.accepts(call, kind):
        raise Problem(406, "not-supported", f"This Binary is {kind}; it is given as that or in a FHIR format.")
    try:
        content = base64.b64decode("".join(str(resource.get("data", "")).split()), validate=True)
    except binascii.Error:
        raise Problem(500, "exception", "The stored data of this Binary is not base64.") from None
    headers = dict(answer.headers)
    context = resource.get("securityContext")
    if isinstance(context, dict) and isinstance(context.get("reference"), str) and _fits_header(context["reference"]):
        headers["X-Security-Context"] = context["reference"]
    told = kind if _fits_header(kind) else "application/octet-stream"
    return Answer(answer.status, headers, raw=content, media_type=told)


def _fits_header(text: str) -> bool:
    return text.isascii() and text.isprintable()
