"""What was acknowledged outlives the process: kill -9 under load, then a new start on the same database."""

import http.client
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import URL

from tests.sandbox.command import serving

CLIENTS, ENOUGH = 8, 80
SYSTEM = "urn:oid:2.999.1"
FHIR = {"Content-Type": "application/fhir+json"}


def pair(name: str) -> dict[str, Any]:
    """A transaction that stores a Patient and a Device together."""
    identifier = [{"system": SYSTEM, "value": name}]
    resources = [{"resourceType": type_, "identifier": identifier} for type_ in ("Patient", "Device")]
    entries = [{"resource": one, "request": {"method": "POST", "url": one["resourceType"]}} for one in resources]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


class Load:
    """Clients that store pairs, one after the other, until the server is gone; ``stored`` is what was acknowledged."""

    def __init__(self, base: str) -> None:
        self._address = urlsplit(base)
        self.stored: dict[str, list[str]] = {}
        self.wrong: list[bytes] = []
        self.enough = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until every client has seen that the server is gone."""
        for thread in self._threads:
            thread.join()

    def _work(self, client: int) -> None:
        connection = http.client.HTTPConnection(str(self._address.hostname), self._address.port, timeout=60)
        for number in range(10_000):
            name = f"{client}-{number}"
            try:
                connection.request("POST", self._address.path, json.dumps(pair(name)), FHIR)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                break
            if answer.status != 200:
                self.wrong.append(body)
                break
            self.stored[name] = [entry["response"]["location"] for entry in json.loads(body)["entry"]]
            if len(self.stored) >= ENOUGH:
                self.enough.set()
        self.enough.set()
        connection.close()


def everything(client: httpx.Client, type_: str) -> dict[str, str]:
    """``Type/id`` of every resource of ``type_``, by the name in its identifier."""
    found: dict[str, str] = {}
    url = f"/{type_}?_count=100"
    while url:
        bundle = client.get(url).json()
        for entry in bundle.get("entry", ()):
            found[entry["resource"]["identifier"][0]["value"]] = f"{type_}/{entry['resource']['id']}"
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    return found


def test_nothing_acknowledged_is_lost_when_killed(database: Callable[[], URL], tmp_path: Path) -> None:
    url = database()
    place = f"sqlite:///{tmp_path / 'store.db'}" if url.get_backend_name() == "sqlite" else url.render_as_string(False)
    with serving(place) as (process, base):
        load = Load(base)
        load.enough.wait()
        process.kill()
        load.join()
    assert load.wrong == []
    assert len(load.stored) >= ENOUGH
    with serving(place) as (_, base), httpx.Client(base_url=base, timeout=60) as client:
        patients, devices = everything(client, "Patient"), everything(client, "Device")
        assert patients.keys() == devices.keys()  # a transaction that was not acknowledged is there as a whole, or not
        for name, (patient, device) in load.stored.items():
            assert patient.startswith(f"{patients[name]}/_history/1")
            assert device.startswith(f"{devices[name]}/_history/1")
        again = client.post("/Patient", json=pair("later")["entry"][0]["resource"], headers=FHIR)
        assert again.status_code == 201
