"""Calendars: an appointment that is held takes its slots; a slot is not booked twice; a cancelled one gives them back.

Source: the slot and appointment flows of GAP (flow 5a: a booked slot is no longer offered), and the meaning of
``Slot.status`` in FHIR R4 (https://hl7.org/fhir/R4/valueset-slotstatus.html).
"""

from __future__ import annotations

from harness.sandbox.codec import Resource
from harness.sandbox.problems import Problem, issue
from harness.sandbox.store import Record
from harness.sandbox.unit import Change, Unit

_TAKES = {
    "pending": "busy-tentative",
    "booked": "busy",
    "arrived": "busy",
    "checked-in": "busy",
    "fulfilled": "busy",
}


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


class Agenda:
    """Keeps slots in step with appointments, at the end of the transaction that changes one."""

    def before(self, unit: Unit, change: Change) -> Change:
        """Plan what becomes of the slots of an Appointment."""
        if change.type == "Appointment":
            held, wanted = _slots(unit, change.before), _slots(unit, change.after)
            unit.deferred.append(lambda: self._move(unit, held, wanted))
        return change

    def deleting(self, unit: Unit, latest: Record) -> None:
        """Plan to give back the slots of a deleted Appointment."""
        if latest.type == "Appointment":
            held = _slots(unit, latest.resource)
            unit.deferred.append(lambda: self._move(unit, held, {}))

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
