"""How the reference client takes answers: a wait that is asked for, a token that has ended, pages, refusals."""

from collections.abc import Iterator

import httpx
import pytest
import respx

from harness.sandbox.assembly import make_service
from harness.sandbox.measures.population import SOLUTION
from harness.sandbox.policy import Policy
from harness.sandbox.server import SandboxServer
from tests.reference_client import service as module
from tests.reference_client.service import Refused, Renewal, Service
from tests.sandbox.authorization.person import Person

BASE = "http://mes.example/fhir"


@pytest.fixture
def service() -> Iterator[Service]:
    with Service(BASE, {"Authorization": "Bearer one"}) as found:
        yield found


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(make_service(policy=Policy(validate=False))) as running:
        yield running


@respx.mock
def test_a_wait_that_is_asked_for(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(module, "sleep", waited.append)
    busy = httpx.Response(503, headers={"Retry-After": "2"})
    route = respx.get(f"{BASE}/metadata").mock(side_effect=[busy, httpx.Response(200, json={})])
    assert service.send("GET", "metadata").status_code == 200
    assert (route.call_count, waited) == (2, [2])


@respx.mock
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 500])
def test_a_refusal_is_told_once(service: Service, status: int) -> None:
    told = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "invalid", "diagnostics": "no"}],
    }
    route = respx.post(BASE).mock(return_value=httpx.Response(status, json=told))
    with pytest.raises(Refused, match=f"{status}: no"):
        service.send("POST", "", body={"resourceType": "Bundle"})
    assert route.call_count == 1


@respx.mock
def test_pages_are_read_as_they_are_linked(service: Service) -> None:
    def page(number: int, following: str = "") -> httpx.Response:
        link = [{"relation": "next", "url": following}] if following else []
        entry = [{"resource": {"resourceType": "Slot", "id": str(number)}}]
        return httpx.Response(200, json={"resourceType": "Bundle", "link": link, "entry": entry})

    respx.get(f"{BASE}/Slot", params={"status": "free"}).mock(return_value=page(1, f"{BASE}?opaque=a"))
    respx.get(BASE, params={"opaque": "a"}).mock(return_value=page(2, f"{BASE}?opaque=b"))
    respx.get(BASE, params={"opaque": "b"}).mock(return_value=page(3))
    assert [slot["id"] for slot in service.found("Slot", [("status", "free")])] == ["1", "2", "3"]


@respx.mock
def test_what_says_more_than_is_understood_is_left_out(service: Service) -> None:
    odd = [{"url": "http://odd.example", "valueBoolean": True}]
    slots = [{"id": "1", "modifierExtension": odd}, {"id": "2", "extension": odd}]
    found = {"resourceType": "Bundle", "entry": [{"resource": slot} for slot in slots]}
    respx.get(f"{BASE}/Slot").mock(return_value=httpx.Response(200, json=found))
    assert [slot["id"] for slot in service.found("Slot", [])] == ["2"]


def test_a_token_that_ended_is_renewed_once(sandbox: SandboxServer) -> None:
    person = Person(sandbox.desk.authorization.issuer)
    with person.http:
        told = person.paired()
    ended = sandbox.candidate()["endpoints"]["mes-measures"]["identities"]["expired-token"]
    renewal = Renewal(f"{person.issuer}/token", SOLUTION.client_id, told["refresh_token"])
    credentials = {"Authorization": f"Bearer {ended['bearer']}", "X-ID-Token": ended["id-token"]["value"]}
    patient = f"{ended['identifier']['system']}|{ended['identifier']['value']}"
    asked = [("code", "29463-7"), ("subject.identifier", patient), ("_sort", "-date"), ("_count", "1")]
    with Service(sandbox.measures_url, credentials) as service, pytest.raises(Refused, match="401"):
        service.send("GET", "Observation", params=asked)
    with Service(sandbox.measures_url, credentials, renewal=renewal) as service:
        assert service.send("GET", "Observation", params=asked).status_code == 200
        assert service.send("GET", "Observation", params=asked).status_code == 200
