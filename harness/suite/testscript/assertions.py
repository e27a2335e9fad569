"""An assertion of a TestScript as one of ``expect``."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from harness.suite.testscript.comparison import comparison
from harness.suite.testscript.loss import CannotBeSaid
from harness.suite.testscript.texts import pattern
from harness.suite.testscript.xpath import fhirpath_of

_RESPONSES = {
    "okay": 200,
    "created": 201,
    "noContent": 204,
    "notModified": 304,
    "bad": 400,
    "forbidden": 403,
    "notFound": 404,
    "methodNotAllowed": 405,
    "conflict": 409,
    "gone": 410,
    "preconditionFailed": 412,
    "unprocessable": 422,
}
"""http://hl7.org/fhir/assert-response-code-types: what each code means in HTTP."""
FORMATS = {"json": "application/fhir+json", "xml": "application/fhir+xml"}
_LINKS = ("first", "last", "next")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OF_REQUESTS = ("headerField", "contentType", "requestURL", "resource", "expression", "path")
"""What an assertion on the request may be about (invariant tst-12 forbids the status)."""


def expectation(assertion: Mapping[str, Any], profiles: Mapping[str, str]) -> dict[str, Any]:
    """Return the entry of ``expect`` for an assertion; ``profiles`` are the script's, by their id.

    An assertion with ``direction: request`` becomes one of what the harness sent. Raises CannotBeSaid.
    """
    kind = kind_of(assertion)
    ours = assertion.get("direction") == "request" or kind == "requestURL"
    if ours and kind not in _OF_REQUESTS:
        raise CannotBeSaid(f"{kind} is not about a request; leave direction out")
    if kind == "validateProfileId":
        made: dict[str, Any] = {"conforms": _profile(assertion, profiles)}
    elif kind in _BUILDERS:
        made = _BUILDERS[kind](assertion)
    else:
        raise CannotBeSaid(f"{kind} needs to know what the step is")
    level = {"level": "SHOULD"} if assertion.get("warningOnly") is True else {}
    return {**({"of": "request"} if ours else {}), **level, **made}


def kind_of(assertion: Mapping[str, Any]) -> str:
    """Return the member that says what an assertion is about. Raises CannotBeSaid when there is none, or several."""
    found = [name for name in (*_BUILDERS, *_ELSEWHERE) if name in assertion]
    if not found:
        raise CannotBeSaid("it asserts nothing that R4 knows")
    if len(found) > 1:
        raise CannotBeSaid(f"it asserts {' and '.join(found)} at once; an assertion has one of them (R4, tst-5)")
    return found[0]


def _operator(assertion: Mapping[str, Any]) -> str:
    return str(assertion.get("operator", "equals"))


def _demand_equals(assertion: Mapping[str, Any], instead: str) -> None:
    if _operator(assertion) != "equals":
        raise CannotBeSaid(f"the operator {_operator(assertion)}; {instead}")


def _profile(assertion: Mapping[str, Any], profiles: Mapping[str, str]) -> str:
    name = str(assertion["validateProfileId"])
    if name not in profiles:
        raise CannotBeSaid(f'the script has no profile "{name}"; give it one with this id')
    if not re.match(r"https?://|urn:", profiles[name]) or "${" in profiles[name]:
        raise CannotBeSaid(f"the profile {profiles[name]} is no canonical URL; write that of its StructureDefinition")
    return profiles[name]


def _response(assertion: Mapping[str, Any]) -> dict[str, Any]:
    _demand_equals(assertion, "status takes the codes that are allowed, so write those")
    if assertion["response"] not in _RESPONSES:
        raise CannotBeSaid(f'"{assertion["response"]}" is no code of FHIR; write responseCode')
    return {"status": _RESPONSES[assertion["response"]]}


def _response_code(assertion: Mapping[str, Any]) -> dict[str, Any]:
    codes = [code.strip() for code in str(assertion["responseCode"]).split(",")]
    if _operator(assertion) not in ("equals", "in"):
        raise CannotBeSaid(
            f"the operator {_operator(assertion)}; status takes the codes that are allowed, so write those"
        )
    if not all(re.fullmatch(r"[1-5][0-9]{2}|\$\{[^{}]+\}", code, re.ASCII) for code in codes):
        raise CannotBeSaid(f"{assertion['responseCode']} is no list of HTTP codes")
    statuses = [int(code) if code.isdigit() else code for code in codes]
    return {"status": statuses if len(statuses) > 1 else statuses[0]}


def _header(assertion: Mapping[str, Any]) -> dict[str, Any]:
    name, operator = str(assertion["headerField"]), _operator(assertion)
    if not _NAME.fullmatch(name):
        raise CannotBeSaid(f"{name!r} is no name of a header")
    if operator in ("notEmpty", "empty"):
        return {"headers": {name: "present" if operator == "notEmpty" else "absent"}}
    if not assertion.get("value"):
        raise CannotBeSaid(f"the operator {operator} needs a value")
    return {"headers": {name: pattern(operator, str(assertion["value"]))}}


def _content_type(assertion: Mapping[str, Any]) -> dict[str, Any]:
    wanted = str(assertion["contentType"])
    return {"content-type": pattern(_operator(assertion), FORMATS.get(wanted, wanted))}


def _resource(assertion: Mapping[str, Any]) -> dict[str, Any]:
    _demand_equals(assertion, "type takes the types that are allowed, so write those")
    if not re.fullmatch(r"[A-Z][A-Za-z]+|\$\{[^{}]+\}", str(assertion["resource"])):
        raise CannotBeSaid(f"{assertion['resource']} is no resource type of FHIR")
    return {"type": str(assertion["resource"])}


def _expression(assertion: Mapping[str, Any]) -> dict[str, Any]:
    """A path that gives several nodes stands for the first of them, as XPath's string() has it."""
    if "expression" in assertion:
        expression = str(assertion["expression"])
    else:
        expression = f"{fhirpath_of(str(assertion['path']))}.first()"
    value, operator = assertion.get("value"), _operator(assertion)
    if operator in ("empty", "notEmpty"):
        return {"that": f"({expression}).{'empty' if operator == 'empty' else 'exists'}()"}
    if value is not None and operator != "eval":
        return {"that": comparison(expression, operator, str(value))}
    if operator not in ("equals", "eval") or "path" in assertion:
        raise CannotBeSaid(f"the operator {operator} needs a value")
    return {"that": expression}


def _navigation_links(assertion: Mapping[str, Any]) -> dict[str, Any]:
    """R4, TestScript.setup.action.assert.navigationLinks: the Bundle contains first, last, and next links."""
    if assertion["navigationLinks"] is not True:
        raise CannotBeSaid("navigationLinks false asserts nothing")
    return {"that": [f"Bundle.link.where(relation = '{relation}').exists()" for relation in _LINKS]}


def _request_url(assertion: Mapping[str, Any]) -> dict[str, Any]:
    """The URL is judged as it was sent; a whole path stands at its end, since the base is the candidate's own."""
    value = quote(str(assertion["requestURL"]), safe="/$:@!'()*,;~-._&=+%?{}")
    operator = _operator(assertion)
    if operator == "equals":
        ending = re.escape(value.lstrip("/"))
        if "${" in value:
            raise CannotBeSaid("a URL that is not known before the run; assert what it contains")
        return {"url": f"/(?:^|\\/){ending}$/"}
    return {"url": pattern(operator, value)}


_BUILDERS = {
    "response": _response,
    "responseCode": _response_code,
    "headerField": _header,
    "contentType": _content_type,
    "resource": _resource,
    "expression": _expression,
    "path": _expression,
    "navigationLinks": _navigation_links,
    "requestURL": _request_url,
}
_ELSEWHERE = ("validateProfileId", "minimumId", "requestMethod")
"""Those that need more than the assertion itself."""
