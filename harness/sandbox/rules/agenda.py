"""Calendars: an appointment that is held takes its slots; a slot is not booked twice; a cancelled one gives them back.

An appointment lasts as long as its calendar says for its service, and a calendar that is deleted takes its free slots
along.

Source: GAP, the slot and appointment flows (flow 5a: a booked slot is no longer offered), "Ressource Appointment" (its
length agrees with the duration of the service), flow 2c; and the meaning of ``Slot.status`` in FHIR R4
(https://hl7.org/fhir/R4/valueset-slotstatus.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from harness.sandbox.codec import Resource
from harness.sandbox.problems import Problem, issue
from harness.sandbox.search.execute import matching
from harness.sandbox.store import Record
from harness.sandbox.unit import Change, Unit

_TAKES = {
    "pending": "busy-tentative",
    "booked": "busy",
    "arrived": "busy",
    "checked-in": "busy",
    "fulfilled": "busy",
}
_DURATION = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-service-type-duration"
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
"""UCUM codes of the durations that are compared."""
_MOST_SLOTS = 10_000


def _slots(unit: Unit, appointment: Resource | None) -> dict[str, str]:
    """The ids of the slots that ``appointment`` holds, with the status that it gives them."""
    status = _TAKES.get(str(appointment.get("status"))) if appointment else None
    if appointment is None or status is None:
        return {}
    found = {}
    for reference in appointment.get("slot", ()):
        text = str(reference.get("reference", "")) if isinstance(reference, dict) else ""
        type_, _, id_ = text.removeprefix(f"{unit.call.base}/").partition("/")
        if type_ == "Slot" and id_:
            found[id_.partition("/")[0]] = status
    return found


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects of a list: a server that does not validate stores anything."""
    yield from (item for item in (value if isinstance(value, list) else ()) if isinstance(item, dict))


def _codes(concepts: Any) -> set[tuple[str, str]]:
    """(system, code) of every coding of a list of CodeableConcepts."""
    return {
        (str(coding.get("system")), str(coding.get("code")))
        for concept in objects(concepts)
        for coding in objects(concept.get("coding"))
    }


def durations(schedule: Resource) -> Iterator[tuple[dict[str, Any], timedelta]]:
    """Each service of a calendar (a CodeableConcept) and how long it lasts, by its service-type-duration extensions."""
    for extension in objects(schedule.get("extension")):
        if extension.get("url") == _DURATION:
            parts = list(objects(extension.get("extension")))
            services = objects([part.get("valueCodeableConcept") for part in parts if part.get("url") == "serviceType"])
            lengths = objects([part.get("valueDuration") for part in parts if part.get("url") == "duration"])
            for service, length in zip(services, lengths, strict=False):
                if length.get("code") in _UNITS and isinstance(length.get("value"), (int, float, Decimal)):
                    yield service, timedelta(**{_UNITS[length["code"]]: float(length["value"])})


def _length(appointment: Resource) -> timedelta | None:
    """From start to end; None where that is not known."""
    try:
        return datetime.fromisoformat(appointment["end"]) - datetime.fromisoformat(appointment["start"])
    except (KeyError, TypeError, ValueError):
        return None


class Agenda:
    """Keeps slots in step with appointments, at the end of the transaction that changes one."""

    def before(self, unit: Unit, change: Change) -> Change:
        """Plan what becomes of the slots of an Appointment."""
        if change.type == "Appointment":
            held, wanted = _slots(unit, change.before), _slots(unit, change.after)
            unit.deferred.append(lambda: self._move(unit, held, wanted))
            unit.deferred.append(lambda: self._measure(unit, wanted, change.after))
        return change

    def deleting(self, unit: Unit, latest: Record) -> None:
        """Plan to give back the slots of a deleted Appointment, and to delete the free slots of a deleted Schedule."""
        if latest.type == "Appointment":
            held = _slots(unit, latest.resource)
            unit.deferred.append(lambda: self._move(unit, held, {}))
        elif latest.type == "Schedule" and unit.env.policy.applies("calendar-takes-slots"):
            unit.deferred.append(lambda: self._close(unit, latest))

    def _close(self, unit: Unit, schedule: Record) -> None:
        query = unit.env.queries.parse("Slot", [("schedule", schedule.reference), ("status", "free")])
        for slot in matching(unit.session, query, unit.call.base, _MOST_SLOTS):
            unit.remove(slot)

    def _measure(self, unit: Unit, slots: dict[str, str], appointment: Resource) -> None:
        """Refuse an appointment that is shorter or longer than its calendar says for its service."""
        services = _codes(appointment.get("serviceType", ()))
        length = _length(appointment)
        for id_ in slots if services and length is not None else ():
            known = durations(self._schedule(unit, id_))
            wanted = [lasts for service, lasts in known if _codes([service]) & services]
            if wanted and length not in wanted:
                said = f"The appointment lasts {length}, the calendar of Slot/{id_} has {wanted[0]} for this service."
                raise Problem(422, "business-rule", said)

    def _schedule(self, unit: Unit, slot: str) -> Resource:
        record = unit.session.current("Slot", slot)
        reference = None if record is None or record.deleted else record.resource.get("schedule")
        text = str(reference.get("reference", "")) if isinstance(reference, dict) else ""
        type_, _, id_ = text.removeprefix(f"{unit.call.base}/").partition("/")
        found = unit.session.current("Schedule", id_.partition("/")[0]) if type_ == "Schedule" else None
        return {} if found is None or found.deleted else found.resource

    def _move(self, unit: Unit, held: dict[str, str], wanted: dict[str, str]) -> None:
        for id_ in held.keys() - wanted.keys():
            self._set(unit, id_, "free")
        conflicts = [
            issue("error", "conflict", f"Slot/{id_} is not free any more; choose another one.", "Appointment.slot")
            for id_ in wanted.keys() - held.keys()
            if self._status(unit, id_) not in {"free", None}
        ]
        if conflicts:
            raise Problem(409, issues=conflicts)
        for id_, status in wanted.items():
            self._set(unit, id_, status)

    def _status(self, unit: Unit, id_: str) -> str | None:
        record = unit.session.current("Slot", id_)
        return None if record is None or record.deleted else str(record.resource.get("status"))

    def _set(self, unit: Unit, id_: str, status: str) -> None:
        record = unit.session.current("Slot", id_)
        if record is not None and not record.deleted and record.resource.get("status") != status:
            unit.store("Slot", id_, {**record.resource, "status": status}, "PUT", record)
