"""An assertion of a TestScript as one of ``expect``."""

import re
from collections.abc import Mapping
from typing import Any

from harness.errors import HarnessError

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
_XPATH = re.compile(r"/{0,2}(?:f(?:hir)?:)?([A-Z]\w*)((?:/(?:f(?:hir)?:)?[a-z]\w*)*)(?:/@value)?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class CannotBeSaid(HarnessError):
    """The other language has no words for it; the message says why."""


def expectation(assertion: Mapping[str, Any], profiles: Mapping[str, str]) -> dict[str, Any]:
    """Return the entry of ``expect`` for an assertion on the answer; ``profiles`` are the script's, by their id.

    Raises CannotBeSaid.
    """
    if assertion.get("direction") == "request":
        raise CannotBeSaid("it is about what the harness sends, not about the candidate")
    for name, why in _UNSAID.items():
        if name in assertion:
            raise CannotBeSaid(why)
    for name, build in _BUILDERS.items():
        if name in assertion:
            made = build(assertion)
            break
    else:
        if "validateProfileId" not in assertion:
            raise CannotBeSaid("it asserts nothing that is known")
        made = {"conforms": _profile(assertion, profiles)}
    return {"level": "SHOULD", **made} if assertion.get("warningOnly") is True else made


_UNSAID = {
    "minimumId": "that an answer holds at least a fixture cannot be said; write same-as with only",
    "navigationLinks": "paging is judged by pages: all and searchset",
    "requestMethod": "it is about what the harness sends, not about the candidate",
    "requestURL": "it is about what the harness sends, not about the candidate",
    "compareToSourceId": "a comparison with another message is written as a value that was saved",
}


def _profile(assertion: Mapping[str, Any], profiles: Mapping[str, str]) -> str:
    name = str(assertion["validateProfileId"])
    if name not in profiles:
        raise CannotBeSaid(f'the script has no profile "{name}"')
    return profiles[name]


def _response(assertion: Mapping[str, Any]) -> dict[str, Any]:
    if assertion["response"] not in _RESPONSES:
        raise CannotBeSaid(f'"{assertion["response"]}" is no code of FHIR')
    return {"status": _RESPONSES[assertion["response"]]}


def _response_code(assertion: Mapping[str, Any]) -> dict[str, Any]:
    codes = [code.strip() for code in str(assertion["responseCode"]).split(",")]
    known = all(re.fullmatch(r"[1-5][0-9]{2}|\$\{[^{}]+\}", code) for code in codes)
    if assertion.get("operator", "equals") not in ("equals", "in") or not known:
        raise CannotBeSaid("status takes codes that are allowed, not those that are forbidden")
    statuses = [int(code) if code.isdigit() else code for code in codes]
    return {"status": statuses if len(statuses) > 1 else statuses[0]}


def _header(assertion: Mapping[str, Any]) -> dict[str, Any]:
    value = str(assertion.get("value", ""))
    allowed = {
        "equals": value,
        "notEmpty": "present",
        "empty": "absent",
        "contains": f"/{re.escape(value)}/",
        "notEquals": f"/^(?!{re.escape(value)}$)/",
        "notContains": f"/^(?!.*{re.escape(value)})/",
    }
    operator = str(assertion.get("operator", "equals"))
    if operator not in allowed or ("${" in value and operator not in ("equals", "notEmpty", "empty")):
        raise CannotBeSaid(f"the operator {operator} on a header")
    return {"headers": {str(assertion["headerField"]): allowed[operator]}}


def _content_type(assertion: Mapping[str, Any]) -> dict[str, Any]:
    return {"content-type": FORMATS.get(assertion["contentType"], assertion["contentType"])}


def _expression(assertion: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a TestScript are texts: what the expression gives is compared as text, but for numbers in order."""
    expression = str(assertion["expression"]) if "expression" in assertion else fhirpath_of(str(assertion["path"]))
    value, operator = assertion.get("value"), str(assertion.get("operator", "equals"))
    if operator in ("empty", "notEmpty"):
        return {"that": f"({expression}).{'empty' if operator == 'empty' else 'exists'}()"}
    if value is None:
        return {"that": expression}
    if value in ("true", "false") and operator == "equals":
        return {"that": f"({expression}) = {value}"}
    text = "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
    told = f"({expression}).select(toString())"
    options = " | ".join("'" + one.strip().replace("'", "\\'") + "'" for one in str(value).split(","))
    written = {
        "equals": f"{told} = {text}",
        "notEquals": f"{told} != {text}",
        "in": f"{told} in ({options})",
        "notIn": f"({told} in ({options})).not()",
        "contains": f"{told}.contains({text})",
        "notContains": f"{told}.contains({text}).not()",
    }
    if operator in written:
        return {"that": written[operator]}
    sign = {"greaterThan": ">", "lessThan": "<"}.get(operator)
    if sign is None or not _NUMBER.fullmatch(str(value)):
        raise CannotBeSaid(f"the operator {operator} with {value}")
    return {"that": f"({expression}) {sign} {value}"}


def fhirpath_of(path: str) -> str:
    """Return an XPath that only names elements as FHIRPath: ``fhir:Patient/fhir:id/@value``. Raises CannotBeSaid."""
    found = _XPATH.fullmatch(path.strip())
    if found is None:
        raise CannotBeSaid(f"the path {path} is more than names of elements; write it as FHIRPath")
    return ".".join([found[1], *(name.rpartition(":")[2] for name in found[2].split("/") if name)])


_BUILDERS = {
    "response": _response,
    "responseCode": _response_code,
    "headerField": _header,
    "contentType": _content_type,
    "resource": lambda assertion: {"type": str(assertion["resource"])},
    "expression": _expression,
    "path": _expression,
}
