"""The OpenAPI description says what the CapabilityStatements say, and what the server really routes."""

import httpx
import pytest

from harness.sandbox.app import MEASURES_PREFIX, PREFIX
from harness.sandbox.assembly import make_service
from harness.sandbox.openapi import description
from harness.sandbox.policy import Policy
from harness.sandbox.routes import match
from harness.sandbox.server import SandboxServer

_CONDITIONAL = {"put": "conditional-update", "patch": "conditional-patch", "delete": "conditional-delete"}


@pytest.fixture(scope="module")
def answers() -> dict:
    policy = Policy(validate=False, withheld=frozenset({"Schedule.patch", "Appointment.delete"}))
    with SandboxServer(make_service(policy=policy)) as server, httpx.Client(timeout=60) as client:
        root = server.base_url.removesuffix(PREFIX)
        answer = client.get(f"{root}/openapi.json")
        assert answer.headers["content-type"] == "application/json"
        statements = {prefix: client.get(f"{root}{prefix}/metadata").json() for prefix in (PREFIX, MEASURES_PREFIX)}
    return {"description": answer.json(), "statements": statements}


def operations(answers: dict) -> set[tuple[str, str]]:
    """Each path with each of its methods."""
    return {(path, method) for path, methods in answers["description"]["paths"].items() for method in methods}


def test_every_operation_is_routed(answers: dict) -> None:
    types = frozenset(item["type"] for item in answers["statements"][PREFIX]["rest"][0]["resource"])
    for path, method in operations(answers):
        if path.startswith(PREFIX):
            asked = path.removeprefix(PREFIX).strip("/").format(id="1", vid="1")
            named = asked.partition("/")[0]
            assert match(method.upper(), asked, types).type == (named if named in types else "")


def test_what_is_declared_is_described_and_nothing_else(answers: dict) -> None:
    paths = {"read": "/{id}", "vread": "/{id}/_history/{vid}", "history-instance": "/{id}/_history"}
    methods = {"create": "post", "update": "put", "patch": "patch", "delete": "delete"}
    expected = {(PREFIX, "post"), (f"{PREFIX}/_history", "get"), (MEASURES_PREFIX, "post")}
    for prefix, statement in answers["statements"].items():
        expected.add((f"{prefix}/metadata", "get"))
        for resource in statement["rest"][0]["resource"]:
            place = f"{prefix}/{resource['type']}"
            for code in (item["code"] for item in resource.get("interaction", ())):
                if code in {"search-type", "history-type"}:
                    expected.add((place if code == "search-type" else f"{place}/_history", "get"))
                elif code in paths:
                    expected.add((place + paths[code], "get"))
                else:
                    expected.add((place if code == "create" else f"{place}/{{id}}", methods[code]))
                if code == "search-type" and prefix == PREFIX:
                    expected.add((f"{place}/_search", "post"))
                if methods.get(code) in _CONDITIONAL:
                    expected.add((place, methods[code]))
    assert operations(answers) == expected
    assert (f"{PREFIX}/Schedule/{{id}}", "patch") not in expected
    assert (f"{PREFIX}/Appointment/{{id}}", "delete") not in expected


def test_search_parameters_are_those_of_the_statement(answers: dict) -> None:
    rest = answers["statements"][PREFIX]["rest"][0]
    resource = next(item for item in rest["resource"] if item["type"] == "Slot")
    declared = {item["name"] for item in (*resource["searchParam"], *rest["searchParam"])}
    described = answers["description"]["paths"][f"{PREFIX}/Slot"]["get"]["parameters"]
    assert {item["name"] for item in described if item["in"] == "query"} - {"_count", "_sort"} >= declared
    assert {item["in"] for item in described} == {"query"}


def test_only_the_measures_ask_for_tokens(answers: dict) -> None:
    found = answers["description"]
    schemes = found["components"]["securitySchemes"]
    secured = {
        (path, method)
        for path, methods in found["paths"].items()
        for method, operation in methods.items()
        if operation.get("security")
    }
    assert secured == {(MEASURES_PREFIX, "post"), (f"{MEASURES_PREFIX}/Observation", "get")}
    assert schemes["id-token-mes"] == {"type": "apiKey", "in": "header", "name": "X-ID-Token"}


def test_nothing_declared_is_nothing_described() -> None:
    assert description({"/x": {}}, {})["paths"].keys() == {"/x/metadata"}
