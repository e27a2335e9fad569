"""Availability: a calendar that says when it is open, and how long its services last, offers slots by itself.

Source: GAP, flow 2 (periods of availability) and the SHOULD that the slots on offer derive from the periods, the
durations and the appointments. A slot that somebody else wrote keeps its place: none is derived over it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from harness.sandbox.codec import Resource
from harness.sandbox.rules.agenda import durations, objects
from harness.sandbox.search.execute import matching
from harness.sandbox.store import Record
from harness.sandbox.unit import Change, Unit

_CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
_PERIOD = f"{_CORE}fr-core-schedule-availability-time"
_TAG = {"system": "urn:fhir-harness:sandbox", "code": "derived"}
_NAMES = uuid.UUID("2f1d3c7e-7c1b-4a53-9b8e-0c8f6d1f5a11")
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_MOST_SLOTS = 10_000
_MOST_OFFERS = 500
_SHORTEST = timedelta(minutes=1)
_LONGEST_RULE = timedelta(days=20 * 366)

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot that a calendar could offer: its service and its time."""

    service: dict[str, Any]
    start: datetime
    end: datetime

    def id_on(self, schedule: str) -> str:
        """The id of this slot on ``schedule``: always the same, so that it survives a new derivation."""
        codes = sorted(f"{item.get('system')}|{item.get('code')}" for item in objects(self.service.get("coding")))
        return str(uuid.uuid5(_NAMES, f"{schedule} {codes} {self.start.astimezone(UTC)} {self.end.astimezone(UTC)}"))


class Availability:
    """Keeps the derived free slots of a calendar in step with it; ``days`` is how far ahead it looks."""

    def __init__(self, days: int) -> None:
        self._ahead = timedelta(days=days)

    def before(self, unit: Unit, change: Change) -> Change:
        """Plan a new derivation for the calendar that the change is about."""
        if change.type == "Schedule":
            unit.deferred.append(partial(self._derive, unit, change.id))
        elif change.type == "Slot" and not _is_derived(change.after):
            self._plan(unit, change.after)
        elif change.type == "Appointment":
            for resource in (change.before or {}, change.after):
                self._plan_for_slots(unit, resource)
        return change

    def deleting(self, unit: Unit, latest: Record) -> None:
        """Plan a new derivation for the calendar of a deleted appointment or slot."""
        if latest.type == "Appointment":
            self._plan_for_slots(unit, latest.resource)
        elif latest.type == "Slot" and not _is_derived(latest.resource):
            self._plan(unit, latest.resource)

    def _plan_for_slots(self, unit: Unit, appointment: Resource) -> None:
        for reference in objects(appointment.get("slot")):
            id_ = _local(unit, reference, "Slot")
            slot = unit.session.current("Slot", id_) if id_ else None
            if slot is not None and not slot.deleted:
                self._plan(unit, slot.resource)

    def _plan(self, unit: Unit, slot: Resource) -> None:
        schedule = _local(unit, slot.get("schedule"), "Schedule")
        if schedule:
            unit.deferred.append(partial(self._derive, unit, schedule))

    def _derive(self, unit: Unit, id_: str) -> None:
        record = unit.session.current("Schedule", id_)
        schedule = {} if record is None or record.deleted else record.resource
        present = self._slots(unit, id_)
        derived = {name for name, slot in present.items() if _is_derived(slot.resource)}
        if not _periods(schedule) and not derived:
            return
        taken = [
            _span(slot.resource)
            for name, slot in present.items()
            if name not in derived or slot.resource.get("status") != "free"
        ]
        wanted = {
            offer.id_on(id_): offer
            for offer in islice(self._offers(schedule), _MOST_OFFERS)
            if not any(_overlap((offer.start, offer.end), span) for span in taken if span)
        }
        for name in derived - wanted.keys():
            if present[name].resource.get("status") == "free":
                unit.remove(present[name])
        for name in wanted.keys() - derived:
            unit.store("Slot", name, _slot(id_, wanted[name]), "PUT", unit.session.current("Slot", name))

    def _slots(self, unit: Unit, schedule: str) -> dict[str, Record]:
        query = unit.env.queries.parse("Slot", [("schedule", f"Schedule/{schedule}")])
        return {slot.id: slot for slot in matching(unit.session, query, unit.call.base, _MOST_SLOTS)}

    def _offers(self, schedule: Resource) -> Iterator[Offer]:
        if schedule.get("active") is False:
            return
        now = datetime.now(UTC)
        until = now + self._ahead
        spans = list(_spans(schedule, until))
        closed = [span for kind, span in spans if kind != "free"]
        for start, end in (span for kind, span in spans if kind == "free"):
            for service, length in durations(schedule):
                for at in _starts(start, min(end, until), length, now):
                    if not any(_overlap((at, at + length), span) for span in closed):
                        yield Offer(service, at, at + length)


def _starts(start: datetime, end: datetime, length: timedelta, now: datetime) -> Iterator[datetime]:
    """Where slots of ``length``, one after the other from ``start``, begin: those to come, that end by ``end``."""
    if length < _SHORTEST:
        return
    at = start + max(0, -((start - now) // length)) * length
    while at + length <= end:
        yield at
        at += length


def _is_derived(slot: Resource) -> bool:
    meta = slot.get("meta")
    return isinstance(meta, dict) and _TAG in meta.get("tag", ())


def _local(unit: Unit, reference: Any, type_: str) -> str:
    text = str(reference.get("reference", "")) if isinstance(reference, dict) else ""
    kind, _, id_ = text.removeprefix(f"{unit.call.base}/").partition("/")
    return id_.partition("/")[0] if kind == type_ else ""


def _slot(schedule: str, offer: Offer) -> Resource:
    return {
        "resourceType": "Slot",
        "meta": {"profile": [f"{_CORE}fr-core-slot"], "tag": [_TAG]},
        "serviceType": [offer.service],
        "schedule": {"reference": f"Schedule/{schedule}"},
        "status": "free",
        "start": offer.start.isoformat(),
        "end": offer.end.isoformat(),
    }


def _moment(value: Any) -> datetime | None:
    """A dateTime, where years have four digits and some room on both sides."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)) if 1900 < found.year < 9000 else None


def _span(slot: Resource) -> Span | None:
    start, end = _moment(slot.get("start")), _moment(slot.get("end"))
    return (start, end) if start and end else None


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _periods(schedule: Resource) -> list[dict[str, Any]]:
    return [item for item in objects(schedule.get("extension")) if item.get("url") == _PERIOD]


def _part(extension: dict[str, Any], name: str) -> dict[str, Any]:
    return next((item for item in objects(extension.get("extension")) if item.get("url") == name), {})


def _code(extension: dict[str, Any]) -> str:
    coding = extension.get("valueCoding")
    return str(coding.get("code")) if isinstance(coding, dict) else ""


def _spans(schedule: Resource, until: datetime) -> Iterator[tuple[str, Span]]:
    """Each occurrence of each period that begins before ``until``, with the code of its type."""
    for period in _periods(schedule):
        kind = _code(_part(period, "type"))
        start = _moment(_part(period, "start").get("valueDateTime"))
        end = _moment(_part(period, "end").get("valueDateTime"))
        if start and end and start < end:
            for begin in _occurrences(start, _part(period, "rrule"), until):
                yield kind, (begin, begin + (end - start))


def _occurrences(start: datetime, rule: dict[str, Any], until: datetime) -> Iterator[datetime]:
    """When a period begins: once, or by a daily or weekly rule. Other frequencies are not unrolled."""
    if not rule:
        if start < until:
            yield start
        return
    freq = _code(_part(rule, "freq"))
    if freq not in {"DAILY", "WEEKLY"} or until - start > _LONGEST_RULE:
        return
    interval = max(1, _whole(rule, "interval", 1))
    left = _whole(rule, "count", _MOST_SLOTS)
    ends = _moment(_part(rule, "until").get("valueDateTime")) or until
    named = {item.get("valueString") for item in objects(rule.get("extension")) if item.get("url") == "byDay"}
    weekdays = named or {_WEEKDAYS[start.weekday()]}
    monday = start - timedelta(days=start.weekday())
    at = start
    while at <= ends and at < until and left > 0:
        steps = (at - start).days if freq == "DAILY" else (at - monday).days // 7
        if steps % interval == 0 and (freq == "DAILY" or _WEEKDAYS[at.weekday()] in weekdays):
            yield at
            left -= 1
        at += timedelta(days=1)


def _whole(rule: dict[str, Any], name: str, otherwise: int) -> int:
    value = _part(rule, name).get("valueInteger")
    return value if isinstance(value, int) else otherwise
