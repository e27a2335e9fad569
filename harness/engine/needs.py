"""What a test ``needs``: of the CapabilityStatement (FHIR R4, capabilitystatement.html), and of the candidate file."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.engine.candidate import NOBODY, Candidate
from harness.engine.checks import finding
from harness.engine.events import Finding
from harness.engine.verdict import Verdict
from harness.suite.policies import spelled

_NEED = re.compile(
    r"(?P<type>[A-Z][A-Za-z]+)(?:(?P<kind>[.?/])(?P<name>\$?[\w:.-]+))?|(?P<system>\$?[a-z][\w-]*)", re.ASCII
)
_OF_CANDIDATE = re.compile(r"(?P<kind>identity|policy)\((?P<name>[^()=]+)(?:=(?P<values>[^()=]+))?\)")
_HTTPS = "https"
"""Needed of the candidate's address."""
_CERTIFICATE = "client-certificate"
"""Needed of the candidate file: what the harness shows where mutual TLS is spoken."""
_SYNONYMS = {
    "search": ("search-type",),
    "history": ("history-instance", "history-type"),
}
_CONDITIONAL = {
    "conditional-create": "conditionalCreate",
    "conditional-update": "conditionalUpdate",
    "conditional-read": "conditionalRead",
    "conditional-delete": "conditionalDelete",
}
_RESULT_PARAMETERS = frozenset({"_count", "_sort", "_summary", "_elements", "_total", "_contained", "_format"})
"""Shape the answer rather than search; a CapabilityStatement has no place that must list them."""


def is_of_candidate(need: str) -> bool:
    """Tell whether a need is about the candidate file, not about the CapabilityStatement."""
    return need in (_HTTPS, _CERTIFICATE) or _OF_CANDIDATE.fullmatch(need) is not None


def lacking(candidate: Candidate, needs: Iterable[str]) -> Finding | None:
    """Return the first of ``needs`` that the candidate file does not meet, as a finding, or None.

    ``https``: the address; ``client-certificate``: one to show; ``identity(patient-b)``: somebody to call as;
    ``policy(offset-unit=page)``: a choice, one value or several with ``|`` between them. Others are passed over.
    """
    for need in needs:
        if need == _HTTPS and not candidate.base_url.lower().startswith("https:"):
            return finding("needs.https", Verdict.SKIP, found=candidate.base_url)
        if need == _CERTIFICATE and not (candidate.tls.certificate or candidate.tls.pkcs12):
            return finding("needs.client-certificate", Verdict.SKIP)
        found = _OF_CANDIDATE.fullmatch(need)
        if found is None:
            continue
        name = found["name"].strip()
        if found["kind"] == "identity":
            if name != NOBODY and name not in candidate.identities:
                return finding("needs.identity", Verdict.SKIP, expected=name)
        elif (chosen := spelled(candidate.policies.get(name))) not in found["values"].split("|"):
            wanted = f"{name}: {' or '.join(found['values'].split('|'))}"
            return finding("needs.policy", Verdict.SKIP, expected=wanted, found=f"{name}: {chosen}")
    return None


def undeclared(statement: Mapping[str, Any], needs: Iterable[str]) -> list[str]:
    """Return those of ``needs`` that ``statement`` does not declare for a server.

    ``Observation`` (any), ``Observation.create`` (an interaction; ``search``, ``history`` and ``conditional-create``
    and the like are understood), ``Slot?start`` (a search parameter, ``_include`` and ``_revinclude``),
    ``Observation/$lastn`` (an operation), ``transaction``, ``batch``, ``$name`` (of the whole system).
    """
    servers = [rest for rest in _objects(statement.get("rest")) if rest.get("mode", "server") == "server"]
    return [need for need in needs if not any(_declares(rest, need) for rest in servers)]


def _declares(rest: Mapping[str, Any], need: str) -> bool:
    found = _NEED.fullmatch(need)
    if found is None:
        return False
    if found["system"]:
        name = found["system"]
        if name.startswith("$"):
            return _operation(rest, name)
        return any(item.get("code") == name for item in _objects(rest.get("interaction")))
    resource = next((item for item in _objects(rest.get("resource")) if item.get("type") == found["type"]), None)
    if resource is None:
        return False
    match found["kind"]:
        case ".":
            return _interaction(resource, found["name"])
        case "?":
            return _parameter(rest, resource, found["name"])
        case "/":
            return _operation(resource, found["name"]) or _operation(rest, found["name"])
        case _:
            return True


def _interaction(resource: Mapping[str, Any], name: str) -> bool:
    if name in _CONDITIONAL:
        return resource.get(_CONDITIONAL[name]) not in (None, False, "not-supported")
    codes = {item.get("code") for item in _objects(resource.get("interaction"))}
    return not codes.isdisjoint(_SYNONYMS.get(name, (name,)))


def _parameter(rest: Mapping[str, Any], resource: Mapping[str, Any], name: str) -> bool:
    name = re.split("[:.]", name, maxsplit=1)[0]
    if name in _RESULT_PARAMETERS:
        return _interaction(resource, "search")
    if name in ("_include", "_revinclude"):
        return bool(resource.get("searchInclude" if name == "_include" else "searchRevInclude"))
    declared = [*_objects(resource.get("searchParam")), *_objects(rest.get("searchParam"))]
    return any(_named(str(parameter.get("name", "")), name) for parameter in declared)


def _named(declared: str, name: str) -> bool:
    """Tell whether a declared parameter is ``name``: itself, or as the statement that PDSm publishes spells it.

    There, a parameter bears the name of its definition (``PDSm_isArchived``, ``SourceId``, ``DocumentReference
    Patient``) where its code belongs, and managers copy that.
    """
    return declared == name or re.split("[_ ]", declared)[-1].casefold() == name.casefold()


def _operation(holder: Mapping[str, Any], name: str) -> bool:
    wanted = name.removeprefix("$")
    names = (str(operation.get("name", "")) for operation in _objects(holder.get("operation")))
    return any(declared.removeprefix("$") == wanted for declared in names)


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in (value if isinstance(value, list) else ()) if isinstance(item, Mapping))
