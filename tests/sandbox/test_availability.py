"""Slots that a calendar offers by itself, what has begun already, and what many ask for at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
SERVICE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/service-type", "code": "124"}]}
LENGTH = {
    "url": f"{CORE}fr-core-service-type-duration",
    "extension": [
        {"url": "serviceType", "valueCodeableConcept": SERVICE},
        {"url": "duration", "valueDuration": {"value": 15, "system": "http://unitsofmeasure.org", "code": "min"}},
    ],
}
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)


def period(kind: str, start: datetime, hours: float, **rule: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"url": "type", "valueCoding": {"code": kind}},
        {"url": "start", "valueDateTime": start.isoformat()},
        {"url": "end", "valueDateTime": (start + timedelta(hours=hours)).isoformat()},
    ]
    if rule:
        parts.append({"url": "rrule", "extension": [{"url": "freq", "valueCoding": {"code": rule.pop("freq")}}]})
        parts[-1]["extension"] += [{"url": name, "valueInteger": value} for name, value in rule.items()]
    return {"url": f"{CORE}fr-core-schedule-availability-time", "extension": parts}


def calendar(client: httpx.Client, *periods: dict[str, Any]) -> dict[str, Any]:
    made = client.post("/Schedule", json={"resourceType": "Schedule", "extension": [LENGTH, *periods]})
    assert made.status_code == 201
    return dict(made.json())


def free(client: httpx.Client, schedule: dict[str, Any]) -> dict[str, str]:
    """Start -> id of the free slots of a calendar."""
    found = client.get("/Slot", params={"schedule": f"Schedule/{schedule['id']}", "status": "free", "_count": 100})
    return {entry["resource"]["start"]: entry["resource"]["id"] for entry in found.json().get("entry", [])}


def book(client: httpx.Client, slot: str, start: str) -> httpx.Response:
    end = (datetime.fromisoformat(start) + timedelta(minutes=15)).isoformat()
    body = {"resourceType": "Appointment", "status": "booked", "start": start, "end": end}
    return client.post("/Appointment", json={**body, "slot": [{"reference": f"Slot/{slot}"}]})


def quarters(start: datetime, count: int) -> list[str]:
    return [(start + timedelta(minutes=15 * number)).isoformat() for number in range(count)]


def test_a_period_is_offered_in_pieces_of_the_service(lenient: httpx.Client) -> None:
    offered = free(lenient, calendar(lenient, period("free", TOMORROW, 2)))
    assert sorted(offered) == quarters(TOMORROW, 8)


def test_what_is_booked_is_not_offered_until_it_is_given_back(lenient: httpx.Client) -> None:
    schedule = calendar(lenient, period("free", TOMORROW, 1))
    before = free(lenient, schedule)
    start, slot = next(iter(before.items()))
    booked = book(lenient, slot, start)
    assert booked.status_code == 201
    assert free(lenient, schedule) == {key: value for key, value in before.items() if key != start}
    lenient.put(f"/Appointment/{booked.json()['id']}", json={**booked.json(), "status": "cancelled"})
    assert free(lenient, schedule) == before


def test_closed_periods_and_other_slots_keep_their_place(lenient: httpx.Client) -> None:
    half = TOMORROW + timedelta(minutes=30)
    schedule = calendar(lenient, period("free", TOMORROW, 1), period("busy-unavailable", half, 0.25))
    assert sorted(free(lenient, schedule)) == [key for key in quarters(TOMORROW, 4) if key != half.isoformat()]
    end = (TOMORROW + timedelta(minutes=15)).isoformat()
    own = {"schedule": {"reference": f"Schedule/{schedule['id']}"}, "start": TOMORROW.isoformat(), "end": end}
    made = lenient.post("/Slot", json={"resourceType": "Slot", "status": "free", **own}).json()
    assert free(lenient, schedule)[TOMORROW.isoformat()] == made["id"]
    assert len(free(lenient, schedule)) == 3


def test_slots_follow_the_calendar(lenient: httpx.Client) -> None:
    schedule = calendar(lenient, period("free", TOMORROW, 1))
    kept = free(lenient, schedule)
    later = TOMORROW + timedelta(hours=3)
    longer = {**schedule, "extension": [LENGTH, period("free", TOMORROW, 1), period("free", later, 1)]}
    lenient.put(f"/Schedule/{schedule['id']}", json=longer)
    grown = free(lenient, schedule)
    assert kept.items() < grown.items()
    assert len(grown) == 8
    lenient.put(f"/Schedule/{schedule['id']}", json={**schedule, "extension": [LENGTH]})
    assert free(lenient, schedule) == {}


def test_a_rule_repeats_a_period(lenient: httpx.Client) -> None:
    schedule = calendar(lenient, period("free", TOMORROW, 0.25, freq="DAILY", interval=2, count=3))
    assert sorted(free(lenient, schedule)) == [(TOMORROW + timedelta(days=days)).isoformat() for days in (0, 2, 4)]
    weekly = calendar(lenient, period("free", TOMORROW - timedelta(days=7), 0.25, freq="WEEKLY"))
    assert sorted(free(lenient, weekly)) == [(TOMORROW + timedelta(days=days)).isoformat() for days in (0, 7)]


def test_endless_periods_have_an_end(lenient: httpx.Client) -> None:
    past = datetime(1950, 1, 1, tzinfo=UTC)
    schedule = calendar(lenient, period("free", past, 24 * 366 * 200), period("free", past, 1, freq="DAILY"))
    found = lenient.get("/Slot", params={"schedule": f"Schedule/{schedule['id']}", "_summary": "count"}).json()
    assert found["total"] == 500


def test_slots_that_have_begun_are_not_found_by_start(lenient: httpx.Client) -> None:
    schedule = lenient.post("/Schedule", json={"resourceType": "Schedule"}).json()
    reference, made = f"Schedule/{schedule['id']}", []
    for hours in (-1, 1):
        start = datetime.now(UTC) + timedelta(hours=hours)
        body = {"schedule": {"reference": reference}, "start": start.isoformat(), "end": start.isoformat()}
        made.append(lenient.post("/Slot", json={"resourceType": "Slot", "status": "free", **body}).json()["id"])
    bounds = [("start", "ge2020-01-01"), ("start", "le2999-01-01")]
    bounded = lenient.get("/Slot", params=[("schedule", reference), *bounds]).json()
    assert [entry["resource"]["id"] for entry in bounded["entry"]] == made[1:]
    assert lenient.get("/Slot", params={"schedule": reference}).json()["total"] == 2


def test_many_ask_and_one_gets_the_slot(lenient: httpx.Client) -> None:
    schedule = calendar(lenient, period("free", TOMORROW, 1))
    offered = list(free(lenient, schedule).items())
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(lambda number: book(lenient, offered[number % 4][1], offered[number % 4][0]), range(24))
        )
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [409] * 20
    assert free(lenient, schedule) == {}
    booked = [answer.json()["slot"][0]["reference"] for answer in answers if answer.status_code == 201]
    assert sorted(booked) == sorted(f"Slot/{slot}" for _, slot in offered)
