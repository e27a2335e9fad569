"""The OpenAPI description of the sandbox's services, made from their CapabilityStatements.

What a CapabilityStatement declares becomes a path and an operation (https://hl7.org/fhir/R4/http.html#summary), so that
the two cannot disagree. Resources are described by their type alone: their content is what profiles are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness import __version__

Json = dict[str, Any]

_FHIR_JSON = "application/fhir+json"
_JSON_PATCH = "application/json-patch+json"
_FORM = "application/x-www-form-urlencoded"
_TEXT: Json = {"type": "string"}
_SCHEMA: Mapping[str, Json] = {
    "number": {"type": "string", "examples": ["gt0.5"]},
    "date": {"type": "string", "examples": ["ge2024-01-31"]},
    "string": {"type": "string", "examples": ["martin"]},
    "token": {"type": "string", "examples": ["http://loinc.org|29463-7"]},
    "reference": {"type": "string", "examples": ["Patient/1"]},
    "composite": {"type": "string", "examples": ["8480-6$gt120"]},
    "quantity": {"type": "string", "examples": ["lt71.5|http://unitsofmeasure.org|kg"]},
    "uri": {"type": "string", "examples": ["urn:oid:2.999.1"]},
    "special": {"type": "string", "examples": ["48.8|2.3|11|km"]},
}
_RESULT: Mapping[str, Json] = {
    "_count": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    "_sort": _TEXT,
    "_include": _TEXT,
    "_revinclude": _TEXT,
    "_summary": {"enum": ["true", "text", "data", "count", "false"]},
    "_total": {"enum": ["none", "estimate", "accurate"]},
    "_elements": _TEXT,
}
_PAST: Mapping[str, Json] = {"_count": _RESULT["_count"], "_since": _TEXT, "_at": _TEXT}
_ID: Json = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_VERSION: Json = {"name": "vid", "in": "path", "required": True, "schema": {"type": "string"}}


def description(statements: Mapping[str, Json], guarded: Mapping[str, str]) -> Json:
    """The OpenAPI 3.1 document of the services below the base paths (``/fhir``) of ``statements``.

    ``guarded`` names those that ask for tokens, and the header that carries the ID token of each.
    """
    paths: Json = {}
    schemes: Json = {"access-token": {"type": "http", "scheme": "bearer"}}
    for prefix, statement in statements.items():
        key = f"id-token-{prefix.strip('/')}"
        if prefix in guarded:
            schemes[key] = {"type": "apiKey", "in": "header", "name": guarded[prefix]}
        for path, method, operation in _operations(prefix, statement):
            asked = prefix in guarded and not path.endswith("/metadata")
            secured = {**operation, "security": [{"access-token": [], key: []}]} if asked else operation
            paths.setdefault(path, {})[method] = secured
    return {
        "openapi": "3.1.0",
        "info": {"title": "fhir-harness sandbox", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {
                "Resource": {
                    "type": "object",
                    "required": ["resourceType"],
                    "properties": {"resourceType": {"type": "string"}, "id": {"type": "string"}},
                },
                "JsonPatch": _json_patch(),
            },
            "securitySchemes": schemes,
        },
    }


def _operations(prefix: str, statement: Json) -> Iterator[tuple[str, str, Json]]:
    rest = statement.get("rest", [{}])[0]
    common = rest.get("searchParam", ())
    yield f"{prefix}/metadata", "get", _operation(["CapabilityStatement"], "What this service does")
    codes = {item["code"] for item in rest.get("interaction", ())}
    if codes & {"transaction", "batch"}:
        told = " or ".join(sorted(codes & {"transaction", "batch"}))
        yield prefix, "post", _operation(["Bundle"], f"A {told}", body=_resource("Bundle"))
    if "history-system" in codes:
        yield f"{prefix}/_history", "get", _operation(["Bundle"], "Versions of everything", _query(_PAST))
    for resource in rest.get("resource", ()):
        yield from _of_type(f"{prefix}/{resource['type']}", resource, common)


def _of_type(place: str, resource: Json, common: Sequence[Json]) -> Iterator[tuple[str, str, Json]]:
    type_ = resource["type"]
    offered = {item["code"] for item in resource.get("interaction", ())}
    instance, tags = f"{place}/{{id}}", [type_]
    searched = {item["name"]: _SCHEMA[item["type"]] for item in (*resource.get("searchParam", ()), *common)}
    criteria = _query(searched)
    if "search-type" in offered:
        yield place, "get", _operation(tags, f"Search {type_}", [*criteria, *_query(_RESULT)])
        if "read" in offered:
            form: Json = {"type": "object", "properties": {**searched, **_RESULT}}
            body = {_FORM: {"schema": form}}
            yield f"{place}/_search", "post", _operation(tags, f"Search {type_} by form", body=body)
    if "create" in offered:
        condition = {"name": "If-None-Exist", "in": "header", "schema": _TEXT}
        yield place, "post", _operation(tags, f"Create a {type_}", [condition], _resource(type_))
    if "update" in offered and resource.get("conditionalUpdate"):
        yield place, "put", _operation(tags, f"Update the {type_} that matches", criteria, _resource(type_))
    if "patch" in offered and resource.get("conditionalUpdate"):
        yield place, "patch", _operation(tags, f"Patch the {type_} that matches", criteria, _patch())
    if "delete" in offered and resource.get("conditionalDelete", "not-supported") != "not-supported":
        yield place, "delete", _operation(tags, f"Delete the {type_} that matches", criteria)
    versioned = {"name": "If-Match", "in": "header", "schema": _TEXT}
    for code, method, what, sent in (
        ("read", "get", "Read", None),
        ("update", "put", "Update", _resource(type_)),
        ("patch", "patch", "Patch", _patch()),
        ("delete", "delete", "Delete", None),
    ):
        if code in offered:
            headers = [] if code == "read" else [versioned]
            yield instance, method, _operation(tags, f"{what} a {type_}", [_ID, *headers], sent)
    if "vread" in offered:
        yield f"{instance}/_history/{{vid}}", "get", _operation(tags, f"Read a version of a {type_}", [_ID, _VERSION])
    if "history-instance" in offered:
        yield f"{instance}/_history", "get", _operation(tags, f"Versions of a {type_}", [_ID, *_query(_PAST)])
    if "history-type" in offered:
        yield f"{place}/_history", "get", _operation(tags, f"Versions of every {type_}", _query(_PAST))


def _query(parameters: Mapping[str, Json]) -> list[Json]:
    return [{"name": name, "in": "query", "schema": schema} for name, schema in sorted(parameters.items())]


def _operation(
    tags: Iterable[str],
    summary: str,
    parameters: Sequence[Json] = (),
    body: Json | None = None,
) -> Json:
    answer = {"content": {_FHIR_JSON: {"schema": {"$ref": "#/components/schemas/Resource"}}}}
    found: Json = {
        "tags": list(tags),
        "summary": summary,
        "responses": {
            "2XX": {"description": "Done", **answer},
            "4XX": {"description": "Refused, with an OperationOutcome", **answer},
        },
    }
    if parameters:
        found["parameters"] = list(parameters)
    if body is not None:
        found["requestBody"] = {"required": True, "content": body}
    return found


def _resource(type_: str) -> Json:
    narrowed = {"properties": {"resourceType": {"const": type_}}}
    return {_FHIR_JSON: {"schema": {"allOf": [{"$ref": "#/components/schemas/Resource"}, narrowed]}}}


def _patch() -> Json:
    return {_JSON_PATCH: {"schema": {"$ref": "#/components/schemas/JsonPatch"}}, **_resource("Parameters")}


def _json_patch() -> Json:
    """RFC 6902."""
    operation = {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": _TEXT,
            "from": _TEXT,
            "value": {},
        },
    }
    return {"type": "array", "items": operation}
