"""What calendars and documents ask beyond FHIR's own rules."""

import base64
import hashlib
from typing import Any

import httpx
import pytest

SIMPLIFIED = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-simplified-publish"


@pytest.fixture
def slot(lenient: httpx.Client) -> str:
    schedule = lenient.post("/Schedule", json={"resourceType": "Schedule"}).json()["id"]
    made = lenient.post(
        "/Slot",
        json={
            "resourceType": "Slot",
            "schedule": {"reference": f"Schedule/{schedule}"},
            "status": "free",
            "start": "2030-01-07T09:00:00+01:00",
            "end": "2030-01-07T09:20:00+01:00",
        },
    )
    return f"Slot/{made.json()['id']}"


def appointment(slot: str, status: str = "booked", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Appointment", "status": status, "slot": [{"reference": slot}], **more}


def status_of(client: httpx.Client, reference: str) -> str:
    return client.get(f"/{reference}").json()["status"]


def test_a_booked_slot_is_not_free_and_not_booked_twice(lenient: httpx.Client, slot: str) -> None:
    assert lenient.post("/Appointment", json=appointment(slot)).status_code == 201
    assert status_of(lenient, slot) == "busy"
    second = lenient.post("/Appointment", json=appointment(slot))
    assert second.status_code == 409
    assert second.json()["issue"][0]["code"] == "conflict"


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error"])
def test_an_appointment_given_up_frees_its_slot(lenient: httpx.Client, slot: str, status: str) -> None:
    booked = lenient.post("/Appointment", json=appointment(slot)).json()
    place = f"/Appointment/{booked['id']}"
    assert lenient.put(place, json={**booked, "description": "changed"}).status_code == 200
    assert status_of(lenient, slot) == "busy"
    assert lenient.put(place, json={**booked, "status": status}).status_code == 200
    assert status_of(lenient, slot) == "free"


def test_a_deleted_appointment_frees_its_slot(lenient: httpx.Client, slot: str) -> None:
    booked = lenient.post("/Appointment", json=appointment(slot)).json()
    assert lenient.delete(f"/Appointment/{booked['id']}").status_code == 204
    assert status_of(lenient, slot) == "free"


def test_a_proposed_appointment_takes_no_slot(lenient: httpx.Client, slot: str) -> None:
    assert lenient.post("/Appointment", json=appointment(slot, "proposed")).status_code == 201
    assert status_of(lenient, slot) == "free"


def test_slots_are_found_by_schedule_status_and_start(lenient: httpx.Client, slot: str) -> None:
    schedule = lenient.get(f"/{slot}").json()["schedule"]["reference"]
    query = f"/Slot?schedule={schedule}&status=free&start=ge2030-01-07T08:00:00Z&start=lt2030-01-07T08:00:01Z"
    assert lenient.get(query).json()["total"] == 1
    lenient.post("/Appointment", json=appointment(slot))
    assert lenient.get(query).json()["total"] == 0


def publication(content: bytes, **attachment: Any) -> dict[str, Any]:
    data = base64.b64encode(content).decode()
    return {
        "resourceType": "DocumentReference",
        "meta": {"profile": [SIMPLIFIED]},
        "status": "current",
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3.4"},
        "content": [{"attachment": {"contentType": "text/plain", "data": data, **attachment}}],
    }


def test_a_simplified_publication_is_retrieved_by_its_url(lenient: httpx.Client) -> None:
    content = "Compte rendu é".encode()
    made = lenient.post("/DocumentReference", json=publication(content))
    assert made.status_code == 201
    attachment = made.json()["content"][0]["attachment"]
    assert "data" not in attachment
    assert attachment["size"] == len(content)
    assert attachment["hash"] == base64.b64encode(hashlib.sha1(content).digest()).decode()
    document = lenient.get(f"/{attachment['url']}")
    assert (document.content, document.headers["content-type"]) == (content, "text/plain")


@pytest.mark.parametrize("wrong", [{"size": 3}, {"hash": "AAAA"}])
def test_a_wrong_size_or_hash_is_refused(lenient: httpx.Client, wrong: dict) -> None:
    assert lenient.post("/DocumentReference", json=publication(b"text", **wrong)).status_code == 422


def test_a_replacement_supersedes_its_target_once(lenient: httpx.Client) -> None:
    old = lenient.post("/DocumentReference", json=publication(b"one")).json()
    relation = {"code": "replaces", "target": {"reference": f"DocumentReference/{old['id']}"}}
    new = {**publication(b"two"), "relatesTo": [relation]}
    assert lenient.post("/DocumentReference", json=new).status_code == 201
    assert status_of(lenient, f"DocumentReference/{old['id']}") == "superseded"
    again = lenient.post("/DocumentReference", json=new)
    assert again.status_code == 422


def test_a_replacement_of_nothing_is_refused(lenient: httpx.Client) -> None:
    relation = {"code": "replaces", "target": {"reference": "DocumentReference/none"}}
    answer = lenient.post("/DocumentReference", json={**publication(b"x"), "relatesTo": [relation]})
    assert answer.status_code == 422
