"""The CapabilityStatement: what this server really does, made from the tables that it works from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness import __version__
from harness.sandbox.negotiation import FORMATS, PATCHES
from harness.sandbox.policy import Policy
from harness.sandbox.search.parameters import Parameters

_INTERACTIONS = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)


def statement(
    base: str,
    started: str,
    types: Iterable[str],
    parameters: Parameters,
    policy: Policy,
) -> dict[str, Any]:
    """The CapabilityStatement (kind ``instance``) of the server at ``base``."""
    resources = [_resource(type_, parameters, policy) for type_ in sorted(types)]
    return {
        **instance("Sandbox of the fhir-harness connection tests", base, started),
        "patchFormat": list(PATCHES),
        "rest": [
            {
                "mode": "server",
                "security": {"cors": policy.cors, "description": "Any bearer token is accepted, and none is needed."},
                "resource": resources,
                "interaction": [{"code": code} for code in ("transaction", "batch", "history-system")],
                "searchParam": _common(parameters),
            }
        ],
    }


def instance(description: str, base: str, started: str) -> dict[str, Any]:
    """What a CapabilityStatement says of any service of this sandbox, but for what it does (``rest``)."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": started,
        "publisher": "fhir-harness",
        "kind": "instance",
        "software": {"name": "fhir-harness sandbox", "version": __version__},
        "implementation": {"description": description, "url": base},
        "fhirVersion": "4.0.1",
        "format": [name for name in FORMATS if "fhir" in name],
    }


def _common(parameters: Parameters) -> list[dict[str, Any]]:
    return [_search(parameter.code, parameter.type, parameter.url) for parameter in parameters.general()]


def _search(code: str, type_: str, url: str) -> dict[str, Any]:
    return {"name": code, "definition": url, "type": type_} if url else {"name": code, "type": type_}


def _resource(type_: str, parameters: Parameters, policy: Policy) -> dict[str, Any]:
    own = sorted(parameters.of(type_).values(), key=lambda parameter: parameter.code)
    links = [f"{type_}:{parameter.code}" for parameter in own if parameter.type == "reference"]
    found: dict[str, Any] = {
        "type": type_,
        "interaction": [{"code": code} for code in _INTERACTIONS if f"{type_}.{code}" not in policy.withheld],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": policy.update_creates,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "multiple" if policy.conditional_delete_multiple else "single",
        "referencePolicy": ["literal", "logical", "local", *(["enforced"] if policy.references_on_write else [])],
        "searchInclude": ["*", *links],
    }
    reverse = parameters.referring(type_)
    if reverse:
        found["searchRevInclude"] = reverse
    found["searchParam"] = [
        _search(parameter.code, parameter.type, parameter.url)
        for parameter in own
        if parameter.code not in {item.code for item in parameters.general()}
    ]
    if not found["searchParam"]:
        del found["searchParam"]
    return found
