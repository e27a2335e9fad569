"""Shared calendars: resources, calendars with their periods, slots, and appointments."""

import uuid
from typing import Any

from tests.reference_client.records import extension, record
from tests.reference_client.service import Pairs, Refused, Resource, Service
from tests.reference_client.task import Task

_NUMBER = "https://agenda.example/rendez-vous"
_CALENDAR = "https://agenda.example/agenda"
_PERIOD = "https://agenda.example/periode"
_AVAILABILITY = "fr-core-schedule-availability-time"
_LENGTH = 15


def create_professional(service: Service, task: Task) -> None:
    """Declare a professional: the person, and the practice that refers to the person."""
    person = record("practitioner/full")
    person["telecom"].append({"system": "email", "value": "dominique.essai@example.org", "use": "work"})
    place = service.create(person)
    practice = record("practitionerrole/minimal")
    practice["practitioner"] = {"reference": place}
    practice["identifier"][0]["value"] = str(uuid.uuid4())
    practice["telecom"] = [{"system": "email", "value": "cabinet.essai@example.org"}]
    service.create(practice)


def change_professional(service: Service, task: Task) -> None:
    """Change the professional that ``data.professional`` refers to, in the version that was read."""
    found, version = service.read(task.data["professional"])
    found["telecom"] = [{"system": "email", "value": "nouvelle.adresse@example.org"}]
    _put(service, task.data["professional"], found, version)


def remove(service: Service, task: Task) -> None:
    """Delete what ``data.target`` refers to."""
    service.send("DELETE", task.data["target"])


def create_calendar(service: Service, task: Task) -> None:
    """Create a calendar of ``data.actors``."""
    made = record("schedule/full")
    made["identifier"] = [{"use": "usual", "system": _CALENDAR, "value": str(uuid.uuid4())}]
    made["actor"] = [{"reference": actor} for actor in task.data["actors"]]
    service.create(made)


def change_calendar(service: Service, task: Task) -> None:
    """Let the calendar ``data.calendar`` end on another day."""
    found, version = service.read(task.data["calendar"])
    found["planningHorizon"] = {**found.get("planningHorizon", {}), "end": task.data["end"]}
    _put(service, task.data["calendar"], found, version)


def add_period(service: Service, task: Task) -> None:
    """Add a period to the calendar, once or (``data.weekly``) each week."""
    found, version = service.read(task.data["calendar"])
    found.setdefault("extension", []).append(_period(task))
    _put(service, task.data["calendar"], found, version)


def change_period(service: Service, task: Task) -> None:
    """Let the period ``data.period`` end at ``data.end``."""
    found, version = service.read(task.data["calendar"])
    period = next(item for item in found["extension"] if _period_number(item) == task.data["period"])
    extension(period, "end")["valueDateTime"] = task.data["end"]
    _put(service, task.data["calendar"], found, version)


def remove_period(service: Service, task: Task) -> None:
    """Take the period ``data.period`` out."""
    found, version = service.read(task.data["calendar"])
    found["extension"] = [item for item in found["extension"] if _period_number(item) != task.data["period"]]
    _put(service, task.data["calendar"], found, version)


def _put(service: Service, place: str, resource: Resource, version: str) -> None:
    service.send("PUT", place, body=resource, headers={"If-Match": version} if version else {})


def _period(task: Task) -> Resource:
    kept = [item for item in record("schedule/full")["extension"] if item["url"].endswith(_AVAILABILITY)]
    made: Resource = kept[0]
    if not task.data.get("weekly"):
        made["extension"] = [item for item in made["extension"] if item["url"] != "rrule"]
    extension(made, "start")["valueDateTime"] = task.data["start"]
    extension(made, "end")["valueDateTime"] = task.data["end"]
    extension(made, "identifier")["valueIdentifier"] = {"system": _PERIOD, "value": str(uuid.uuid4())}
    return made


def _period_number(item: dict[str, Any]) -> str:
    numbers = [part["valueIdentifier"]["value"] for part in item.get("extension", ()) if part["url"] == "identifier"]
    return str(numbers[0]) if numbers else ""


def find_slots(service: Service, task: Task) -> None:
    """Look for free slots that start between two moments, of one calendar if there is one."""
    print(f"{len(_slots(service, task))} slots")


def _slots(service: Service, task: Task) -> list[Resource]:
    params: Pairs = [("status", "free"), ("start", f"ge{task.data['from']}"), ("start", f"lt{task.data['to']}")]
    if "calendar" in task.data:
        params.append(("schedule", task.data["calendar"]))
    return list(service.found("Slot", params))


def book(service: Service, task: Task) -> None:
    """Book the first free slot for ``data.patient``, on the day that was looked for."""
    slots = _slots(service, task)
    if not slots:
        raise Refused("there is no free slot")
    chosen = slots[0]
    made = _appointment(task, "booked")
    made["slot"] = [{"reference": f"Slot/{chosen['id']}"}]
    made["start"], made["end"] = chosen["start"], chosen["end"]
    made["minutesDuration"] = _LENGTH
    made["serviceType"] = chosen["serviceType"]
    service.create(made)


def ask(service: Service, task: Task) -> None:
    """Ask for an appointment without having seen the slots: a proposal with its resources."""
    made = _appointment(task, "proposed")
    made["requestedPeriod"] = [{"start": task.data["from"], "end": task.data["to"]}]
    service.create(made)


def declare(service: Service, task: Task) -> None:
    """Declare an appointment that was made elsewhere, at ``data.start``."""
    made = _appointment(task, "booked")
    made["start"], made["end"], made["minutesDuration"] = task.data["start"], task.data["end"], _LENGTH
    if "document" in task.data:
        made["supportingInformation"] = [{"reference": task.data["document"]}]
    service.create(made)


def cancel(service: Service, task: Task) -> None:
    """Cancel the appointment with the number ``data.number``."""
    _update(service, task, status="cancelled", cancelationReason={"text": "Empêchement"})


def move(service: Service, task: Task) -> None:
    """Move the appointment with the number ``data.number`` to ``data.start``."""
    _update(service, task, status="booked", start=task.data["start"], end=task.data["end"], minutesDuration=_LENGTH)


def _update(service: Service, task: Task, **changes: Any) -> None:
    named = ("identifier", f"{_NUMBER}|{task.data['number']}")
    found = next(service.found("Appointment", [named]), None)
    if found is None:
        raise Refused("there is no such appointment")
    found |= changes
    found.pop("id", None)
    service.send("PUT", "Appointment", params=[named], body=found)


def list_appointments(service: Service, task: Task) -> None:
    """Show the appointments of ``data.patient`` from a day on."""
    params: Pairs = [("patient", task.data["patient"]), ("date", f"ge{task.data['from']}")]
    print(f"{len(list(service.found('Appointment', params)))} appointments")


def _appointment(task: Task, status: str) -> Resource:
    made = record("appointment/requested-by-the-patient")
    made["identifier"] = [{"system": _NUMBER, "value": str(uuid.uuid4())}]
    made["status"] = status
    made["created"] = task.now
    extension(made, "operator")["valueReference"] = {"reference": task.data["patient"]}
    accepted = {"required": "required", "status": "accepted" if status == "booked" else "needs-action"}
    actors = [task.data["patient"], *task.data.get("actors", ())]
    made["participant"] = [{"actor": {"reference": actor}, **accepted} for actor in actors]
    if status == "booked":
        made.pop("requestedPeriod", None)
    return made
