"""What a calendar says of the appointments in it, and what goes when it is deleted."""

from typing import Any

import httpx
import pytest

DURATION = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-service-type-duration"
CONSULTATION = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/service-type", "code": "124"}]}
QUARTER = {"value": 15, "unit": "minute", "system": "http://unitsofmeasure.org", "code": "min"}


def calendar(client: httpx.Client, *parts: Any) -> str:
    """``Schedule/id`` of a new calendar with one service-type-duration extension made of ``parts``."""
    extension = [{"url": DURATION, "extension": list(parts)}]
    made = client.post("/Schedule", json={"resourceType": "Schedule", "extension": extension})
    return f"Schedule/{made.json()['id']}"


def slot(client: httpx.Client, schedule: str, status: str = "free") -> str:
    times = {"start": "2030-01-07T09:00:00+01:00", "end": "2030-01-07T10:00:00+01:00"}
    body = {"resourceType": "Slot", "schedule": {"reference": schedule}, "status": status, **times}
    return f"Slot/{client.post('/Slot', json=body).json()['id']}"


def book(client: httpx.Client, slot: str, end: Any, **more: Any) -> httpx.Response:
    body = {"resourceType": "Appointment", "status": "booked", "slot": [{"reference": slot}]}
    times = {"start": "2030-01-07T09:00:00+01:00", "end": end}
    return client.post("/Appointment", json={**body, **times, "serviceType": [CONSULTATION], **more})


SERVICE = {"url": "serviceType", "valueCodeableConcept": CONSULTATION}


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("2030-01-07T09:15:00+01:00", 201),
        ("2030-01-07T08:15:00Z", 201),
        ("2030-01-07T10:00:00+01:00", 422),
        ("2030-01-07T09:05:00+01:00", 422),
    ],
)
def test_an_appointment_lasts_as_long_as_its_service(lenient: httpx.Client, end: str, status: int) -> None:
    free = slot(lenient, calendar(lenient, SERVICE, {"url": "duration", "valueDuration": QUARTER}))
    answer = book(lenient, free, end)
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["issue"][0]["code"] == "business-rule"
        assert lenient.get(f"/{free}").json()["status"] == "free"


def test_another_service_or_a_proposal_has_no_length_to_keep(lenient: httpx.Client) -> None:
    free = slot(lenient, calendar(lenient, SERVICE, {"url": "duration", "valueDuration": QUARTER}))
    hour = "2030-01-07T10:00:00+01:00"
    assert book(lenient, free, hour, status="proposed").status_code == 201
    assert book(lenient, free, hour, serviceType=[{"coding": [{"code": "57"}]}]).status_code == 201


@pytest.mark.parametrize(
    "parts",
    [
        ["text"],
        [{"url": "serviceType", "valueCodeableConcept": "text"}],
        [SERVICE, {"url": "duration", "valueDuration": {"value": "15", "code": "min"}}],
        [SERVICE, {"url": "duration", "valueDuration": {"value": 15, "code": "fortnight"}}],
    ],
)
def test_what_says_no_duration_is_no_obstacle(lenient: httpx.Client, parts: list[Any]) -> None:
    assert book(lenient, slot(lenient, calendar(lenient, *parts)), "2030-01-07T10:00:00+01:00").status_code == 201


@pytest.mark.parametrize("end", ["soon", 7, "2030-01-07T10:00:00"])
def test_a_length_that_is_not_known_is_no_obstacle(lenient: httpx.Client, end: Any) -> None:
    free = slot(lenient, calendar(lenient, SERVICE, {"url": "duration", "valueDuration": QUARTER}))
    assert book(lenient, free, end).status_code == 201


def test_a_deleted_calendar_takes_its_free_slots_along(lenient: httpx.Client) -> None:
    schedule, other = calendar(lenient, SERVICE), calendar(lenient, SERVICE)
    free, busy, elsewhere = slot(lenient, schedule), slot(lenient, schedule, "busy"), slot(lenient, other)
    assert lenient.delete(f"/{schedule}").status_code == 204
    assert lenient.get(f"/{free}").status_code == 410
    assert lenient.get(f"/{busy}").status_code == 200
    assert lenient.get(f"/{elsewhere}").status_code == 200
