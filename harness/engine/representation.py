"""XML in place of JSON on the wire (FHIR R4, http.html#mime-type); ``format: xml`` steps are written as the others."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from harness.engine.exchange import Exchange, Request, Response, header
from harness.engine.steps import StepFault
from harness.engine.steps.call import FHIR_JSON
from harness.engine.text import inert
from harness.fhir.definitions import Definitions
from harness.fhir.xml import FHIRXMLError, from_xml, to_xml
from harness.reason import Reason, french, told

FHIR_XML = "application/fhir+xml"


def as_xml(request: Request, definitions: Definitions) -> Request:
    """Return ``request`` with its resource in XML, and XML asked for, where it says JSON.

    Raises StepFault when XML cannot hold the resource: it is driven by the definitions, and has no unknown elements.
    """
    headers = tuple((name, value.replace(FHIR_JSON, FHIR_XML)) for name, value in request.headers)
    if not request.body or headers == request.headers or FHIR_XML not in (header(headers, "content-type") or ""):
        return replace(request, headers=headers)
    try:
        body = to_xml(json.loads(request.body, parse_float=Decimal), definitions)
    except FHIRXMLError as problem:
        said = f"la ressource ne s'écrit pas en XML : {problem.message_fr}"
        raise StepFault("step.target", str(problem), said) from problem
    return replace(request, headers=headers, body=body)


def from_xml_or_none(body: bytes, definitions: Definitions) -> Any:
    """Return the resource that ``body`` is in XML, or None."""
    try:
        return from_xml(body, definitions) if body else None
    except FHIRXMLError:
        return None


def read_xml(exchange: Exchange, definitions: Definitions) -> Exchange:
    """Return ``exchange`` with an answer whose resource is read from XML; the body stays as it came."""
    response = exchange.response
    if response is None or not response.body:
        return exchange
    return replace(exchange, response=_read(response, definitions))


def received(exchange: Exchange, definitions: Definitions) -> Exchange:
    """Return ``exchange`` with its request in the place of the answer (status 0), so that the same checks judge it."""
    request = exchange.request
    side = Response(0, request.headers, request.body)
    if request.body and "xml" in (side.header("content-type") or "").lower():
        side = _read(side, definitions)
    return replace(exchange, response=side)


def _read(response: Response, definitions: Definitions) -> Response:
    media = inert(response.header("content-type") or Reason("no Content-Type", "sans Content-Type"), 80)
    if "xml" not in media.lower():
        en, fr = (
            f"XML was asked for, and the answer is {media}",
            f"du XML est demandé, et la réponse est {french(media)}",
        )
        return response.reading(None, Reason(en, fr))
    try:
        return response.reading(from_xml(response.body, definitions), "")
    except FHIRXMLError as problem:
        return response.reading(None, told(problem))
