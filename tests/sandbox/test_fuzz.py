"""Whatever is sent, the sandbox answers, and never with a 5xx: requests drawn from its own OpenAPI description.

The same examples at each run, and few; ``schemathesis run http://127.0.0.1:8080/openapi.json`` draws more.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.sandbox.assembly import make_service
from harness.sandbox.call import Call
from harness.sandbox.negotiation import DEFAULT, Format, render
from harness.sandbox.server import SandboxServer
from harness.sandbox.service import Service

FIXTURES = Path(__file__).parents[2] / "fixtures"
PATHS = r"^/(fhir(/_history|/metadata)?|fhir/(Patient|Observation|Binary|DocumentReference|Slot)(/.*)?|mes(/.*)?)$"
BOUNDED = settings(
    max_examples=3,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
XML = Format("xml", "application/fhir+xml")


def test_no_request_that_the_description_allows_makes_it_fail() -> None:
    schemathesis = pytest.importorskip(
        "schemathesis", reason="schemathesis is not installed: pip install 'fhir-harness[interop]'"
    )
    with SandboxServer() as server:
        identity = server.candidate()["endpoints"]["mes-measures"]["identities"]["default"]
        token = identity["id-token"]
        known = {"Authorization": f"Bearer {identity['bearer']}", token["header"]: token["value"]}
        schema = schemathesis.openapi.from_url(server.base_url.removesuffix("/fhir") + "/openapi.json")
        operations = [found.ok() for found in schema.include(path_regex=PATHS).get_all_operations()]
        assert len(operations) > 60
        seen = {status for operation in operations for status in _statuses(operation, known)}
    assert {200, 400, 404} <= seen
    assert {status for status in seen if status >= 500} == set()


def _statuses(operation: Any, headers: dict[str, str]) -> set[int]:
    found: set[int] = set()

    @BOUNDED
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        answer = case.call(headers=headers if operation.path.startswith("/mes") else None, timeout=60)
        found.add(answer.status_code)
        if answer.content:
            kind = answer.headers["content-type"][0]
            assert kind.startswith(("application/fhir+json", "application/fhir+xml")), (case, kind)

    send()
    return found


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = make_service()
    yield made
    made.store.close()


RESOURCES = [
    json.loads(file.read_text("utf-8"))
    for folder in ("appointment", "documentreference", "observation", "patient", "schedule", "slot")
    for file in sorted((FIXTURES / folder).glob("*.json"))[:4]
]
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["", "\x01", "é" * 3000, "9999-12-31T23:59:60Z", "Patient/", "#", "|", "-1e999999", "urn:oid:2.999"]
    ),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["coding", "code", "system", "value", "reference", "url", "id"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@st.composite
def altered(draw: st.DrawFn) -> dict[str, Any]:
    """A resource with something odd in one or two places."""
    resource = copy.deepcopy(draw(st.sampled_from(RESOURCES)))
    for _ in range(draw(st.integers(1, 2))):
        place: Any = resource
        while True:
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not place[key] or not isinstance(place[key], (dict, list)) or draw(st.integers(0, 3)) == 0:
                break
            place = place[key]
        if key != "resourceType":
            place[key] = draw(ODD)
    return resource


@settings(max_examples=80, derandomize=True, database=None, deadline=None)
@given(
    resource=altered(), method=st.sampled_from(["POST", "PUT"]), within=st.sampled_from(["", "batch", "transaction"])
)
def test_no_altered_resource_makes_it_fail(
    service: Service, resource: dict[str, Any], method: str, within: str
) -> None:
    type_ = resource["resourceType"]
    path = type_ if method == "POST" else f"{type_}/odd"
    sent = resource if method == "POST" else {**resource, "id": "odd"}
    if within:
        entry = {"resource": sent, "request": {"method": method, "url": path}}
        sent, method, path = {"resourceType": "Bundle", "type": within, "entry": [entry]}, "POST", ""
    body, headers = json.dumps(sent).encode(), {"content-type": "application/fhir+json"}
    answer = service.handle(Call(method, "http://sandbox.invalid/fhir", path, headers=headers, body=body))
    assert answer.status < 500
    for form in (DEFAULT, XML):
        assert render(answer, form, service.definitions)[0]
