"""200 clients at once: no answer is wrong, seen over all answers together."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import URL, make_url

from harness.sandbox.assembly import make_service
from harness.sandbox.policy import Policy
from harness.sandbox.server import SandboxServer
from harness.sandbox.store import Store

CLIENTS, SLOTS = 200, 50
FHIR = {"Content-Type": "application/fhir+json"}
SYSTEM = "urn:oid:2.999.1"
MEASURES = "/Observation?code=29463-7&subject.identifier={token}&_sort=-date&_count=1"


class Client:
    """One client with a connection of its own, and what it was answered."""

    def __init__(self, base: str, measures: dict[str, Any], number: int) -> None:
        self.number = number
        self.name = f"client-{number}"
        self._base, self._mes = urlsplit(base), urlsplit(measures["base-url"])
        self._identity = measures["identities"]["default" if number % 2 else "patient-b"]
        self._connection = http.client.HTTPConnection(str(self._base.hostname), self._base.port, timeout=120)
        self.statuses: dict[str, int] = {}
        self.answers: dict[str, Any] = {}

    def ask(self, what: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request to the FHIR service, and keep its answer under the name ``what``."""
        return self._send(what, method, self._base.path + path, body, {**FHIR, **headers})

    def _send(self, what: str, method: str, url: str, body: Any, headers: dict[str, str]) -> Any:
        self._connection.request(method, url, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        content = answer.read()
        self.statuses[what] = answer.status
        self.answers[what] = json.loads(content)
        return self.answers[what]

    @property
    def person(self) -> dict[str, str]:
        """The identifier of the patient of the measures API whom this client acts for."""
        return dict(self._identity["identifier"])

    def work(self) -> None:
        """A patient with a measure, a slot that others want too, and a look at what belongs to whom."""
        patient = {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": self.name}]}
        made = self.ask("create", "POST", "/Patient", patient)
        reference = f"Patient/{made['id']}"
        measure = {"resourceType": "Observation", "status": "final", "code": {"text": self.name}}
        self.ask("measure", "POST", "/Observation", {**measure, "subject": {"reference": reference}})
        taken = {"reference": f"Slot/s{self.number % SLOTS}"}
        held = {"actor": {"reference": reference}, "status": "accepted"}
        booking = {"resourceType": "Appointment", "status": "booked", "slot": [taken], "participant": [held]}
        self.ask("book", "POST", "/Appointment", booking)
        self.ask("update", "PUT", f"/{reference}", {**made, "active": True}, **{"If-Match": 'W/"1"'})
        self.ask("read", "GET", f"/{reference}")
        self.ask("search", "GET", f"/Observation?subject={reference}")
        self.ask("bookings", "GET", f"/Appointment?patient={reference}")
        token = self._identity["id-token"]
        headers = {"Authorization": f"Bearer {self._identity['bearer']}", token["header"]: token["value"]}
        path = MEASURES.format(token=f"{self.person['system']}|{self.person['value']}")
        self._send("last", "GET", self._mes.path + path, None, headers)
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def fed(server: SandboxServer, who: str, weight: int) -> None:
    """Feed one weight of ``who`` to the measures API."""
    text = (Path(__file__).parents[2] / "fixtures" / "bundle" / "mes-measure-feed.json").read_text("utf-8")
    bundle = json.loads(text)
    identity = server.candidate()["endpoints"]["mes-measures"]["identities"][who]
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Observation":
            entry["resource"]["subject"]["identifier"] = dict(identity["identifier"])
            entry["resource"]["valueQuantity"]["value"] = weight
    url = urlsplit(server.measures_url)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=60)
    token = identity["id-token"]
    headers = {**FHIR, "Authorization": f"Bearer {identity['bearer']}", token["header"]: token["value"]}
    connection.request("POST", url.path, json.dumps(bundle), headers)
    with connection.getresponse() as answer:
        assert answer.status == 200
    connection.close()


@pytest.mark.parametrize("lasting", [False, True], ids=["as it is", "in a file"])
def test_no_answer_is_wrong(database: Callable[[], URL], tmp_path: Path, lasting: bool) -> None:
    url = database()
    if lasting and url.get_backend_name() != "sqlite":
        pytest.skip("a server keeps its data in any case")
    store = Store(make_url(f"sqlite:///{tmp_path / 'store.db'}") if lasting else url)
    service = make_service(store, policy=Policy(validate=False, derived_slots_days=0))
    with closing(store), SandboxServer(service) as server:
        measures = server.candidate()["endpoints"]["mes-measures"]
        organiser = Client(server.base_url, measures, CLIENTS)
        for number in range(SLOTS):
            slot = {"resourceType": "Slot", "id": f"s{number}", "status": "free", "schedule": {"display": "calendar"}}
            organiser.ask("slot", "PUT", f"/Slot/s{number}", slot)
        fed(server, "default", 71)
        fed(server, "patient-b", 82)
        organiser.close()  # the next request opens it anew: a server hangs up on who says nothing for so long
        clients = [Client(server.base_url, measures, number) for number in range(CLIENTS)]
        threads = [threading.Thread(target=client.work) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        slots = organiser.ask("slots", "GET", "/Slot?status=busy&_summary=count")["total"]
        booked = organiser.ask("booked", "GET", "/Appointment?_summary=count")["total"]
        organiser.close()
    usual = {"create": 201, "measure": 201, "update": 200, "read": 200, "search": 200, "bookings": 200, "last": 200}
    for client in clients:
        assert {name: status for name, status in client.statuses.items() if name != "book"} == usual
        _check_own(client)
    winners = Counter(client.number % SLOTS for client in clients if client.statuses["book"] == 201)
    assert winners == dict.fromkeys(range(SLOTS), 1)
    assert {client.statuses["book"] for client in clients} == {201, 409}
    assert (slots, booked) == (SLOTS, SLOTS)
    ids = [client.answers[what]["id"] for client in clients for what in ("create", "measure")]
    assert len(set(ids)) == 2 * CLIENTS


def _check_own(client: Client) -> None:
    """Everything that ``client`` was told is about its own patient, and all of it was told."""
    answers = client.answers
    assert answers["read"]["identifier"] == [{"system": SYSTEM, "value": client.name}]
    assert (answers["read"]["active"], answers["read"]["meta"]["versionId"]) == (True, "2")
    assert [entry["resource"]["code"]["text"] for entry in answers["search"]["entry"]] == [client.name]
    booked = [answers["book"]["id"]] if client.statuses["book"] == 201 else []
    assert [entry["resource"]["id"] for entry in answers["bookings"].get("entry", ())] == booked
    (last,) = [entry["resource"] for entry in answers["last"]["entry"]]
    assert last["subject"]["identifier"]["value"] == client.person["value"]
    assert last["valueQuantity"]["value"] == (71 if client.number % 2 else 82)
