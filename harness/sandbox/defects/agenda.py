"""Defects of shared calendars: searches, bookings, availability (GAP)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from harness.sandbox.call import Answer, Call
from harness.sandbox.defects.model import (
    Defect,
    Json,
    answering,
    aside,
    asking,
    blind,
    deaf,
    entries,
    links,
    listing,
    merging,
    resent,
    searching,
    sent,
    storing,
    telling,
    unindexed,
    values,
    without,
)
from harness.sandbox.defects.searches import (
    any_of_repeated,
    each_value,
    invalid_dates_left_out,
    last_of_repeated,
    no_matches_is,
)
from harness.sandbox.seams import Seams
from harness.sandbox.search.query import Query
from harness.sandbox.store import Entry

_AVAILABLE = "fr-core-schedule-availability-time"


def _first(found: tuple[str, ...]) -> tuple[str, ...]:
    return found[:1]


def _whole_list(found: tuple[str, ...]) -> tuple[str, ...]:
    return (",".join(found),)


def _without_system(value: str) -> str:
    return value.rpartition("|")[2]


def _duplicating(type_: str) -> Seams:
    """A conditional update always creates."""
    return asking(lambda call: replace(call, method="POST", query=()), "PUT", path=rf"^{type_}$")


def _second(call: Call) -> Call:
    """A PUT on an id is a POST of another resource."""
    return resent(replace(call, method="POST", path=call.path.partition("/")[0]), without(sent(call), "id"))


def _minimal(answer: Answer) -> Answer:
    return Answer(answer.status, without(answer.headers, "Location", "Content-Location"))


def _free(before: Json, after: Json) -> Json:
    return {**after, "status": before["status"]}


def _as_booked(resource: Mapping[str, Any], entry: Entry) -> Entry:
    """Cancelled appointments go on being found as booked."""
    if resource.get("resourceType") != "Appointment" or resource.get("status") != "cancelled":
        return entry
    tokens = [{**row, "code": "booked"} if row["param"] == "Appointment.status" else row for row in entry.rows["token"]]
    return replace(entry, rows={**entry.rows, "token": tokens})


def _periods(resource: Json) -> list[Json]:
    return [item for item in resource.get("extension", ()) if _AVAILABLE in item.get("url", "")]


def _other(resource: Json) -> list[Json]:
    return [item for item in resource.get("extension", ()) if _AVAILABLE not in item.get("url", "")]


def _only_new(before: Json, after: Json) -> Json:
    new = [item for item in _periods(after) if item not in _periods(before)]
    return {**after, "extension": [*_other(after), *(new or _periods(after))]}


def _both(before: Json, after: Json) -> Json:
    new = [item for item in _periods(after) if item not in _periods(before)]
    same = len(_periods(before)) == len(_periods(after))
    return {**after, "extension": [*_other(after), *_periods(before), *new]} if same and new else after


def _never_removed(before: Json, after: Json) -> Json:
    gone = [item for item in _periods(before) if item not in _periods(after)]
    fewer = len(_periods(after)) < len(_periods(before))
    return {**after, "extension": [*after.get("extension", ()), *gone]} if fewer else after


def _narrow_includes(query: Query) -> Query:
    return replace(query, includes=tuple(item for item in query.includes if item.source in {"", query.type}))


def _past_too(query: Query) -> Query:
    kept = [item for item in query.criteria if not all(value.startswith(("ge", "gt")) for value in item.values)]
    return replace(query, criteria=tuple(kept))


def _no_upper(query: Query) -> Query:
    kept = [item for item in query.criteria if not all(value.startswith(("le", "lt")) for value in item.values)]
    return replace(query, criteria=tuple(kept))


def _no_entry_links(_: Call, bundle: Json) -> Json:
    return {**bundle, "link": [link for link in bundle["link"] if link["relation"] != "self"]}


def _late(answer: Answer) -> Answer:
    return replace(answer, delay=1.2)


def _undeclared(resource: Json) -> Json:
    """A slot that its calendar makes announces a service that the calendar does not know."""
    system = "https://harness.example/services"
    return {**resource, "serviceType": [{"coding": [{"system": system, "code": "AUTRE"}]}]}


def _earlier(resource: Json) -> Json:
    """A slot that its calendar makes begins five hours before its time."""
    if not any(tag.get("code") == "derived" for tag in resource.get("meta", {}).get("tag", ())):
        return resource
    moved = {name: datetime.fromisoformat(resource[name]) - timedelta(hours=5) for name in ("start", "end")}
    return {**resource, **{name: value.isoformat() for name, value in moved.items()}}


def _misnamed(entry: Json) -> Json:
    return {**entry, "fullUrl": entry["fullUrl"] + "x", "resource": _with_other_id(entry["resource"])}


def _with_other_id(resource: Any) -> Any:
    return {**resource, "id": f"{resource['id']}x"} if isinstance(resource, dict) else resource


def _listed(names: str) -> Seams:
    return telling(lambda found: found if found.get("type") != "searchset" else {**found, "type": names},
                   "Appointment", routes=("search-type",), statuses=(200,))  # fmt: skip


SLOTS = (
    Defect("slot-status-ignored", "GAP-SLOT-002", "A search of slots ignores the status.", deaf(r"^status ", "Slot")),
    Defect("repeated-parameter-overrides", "GAP-SLOT-003", "Only the last of a repeated parameter is applied.",
           searching(last_of_repeated, "Slot")),
    Defect("slot-bounds-ored", "GAP-SLOT-003", "Two bounds of a start are alternatives.",
           searching(any_of_repeated, "Slot")),
    Defect("slot-system-ignored", "GAP-SLOT-004", "A slot is found by the value of its number, whatever the system.",
           values(each_value(_without_system), "^identifier", "Slot")),
    Defect("slots-of-any-patient", "GAP-SLOT-005", "The patient of a calendar is ignored.",
           deaf(r"\.Patient", "Slot")),
    Defect("actor-list-is-literal", "GAP-SLOT-006", "A list of professionals is taken for one value.",
           values(_whole_list, r"schedule\.actor\.identifier", "Slot")),
    Defect("practice-address-ignored", "GAP-SLOT-007", "The address of the practice is ignored.",
           deaf(r"\.PractitionerRole", "Slot")),
    Defect("practice-not-searchable", "GAP-SLOT-007", "The practice of a calendar is not searchable.",
           unindexed("PractitionerRole.specialty", "PractitionerRole.role", "PractitionerRole.location")),
    Defect("relatives-not-searchable", "GAP-SLOT-008", "Calendars of relatives are not searchable.",
           unindexed("RelatedPerson.identifier", "RelatedPerson.name")),
    Defect("near-ignored", "GAP-SLOT-009", "near is ignored.", deaf(r"near", "Slot")),
    Defect("places-not-searchable", "GAP-SLOT-009", "Places are not searchable by name and address.",
           unindexed("Location.name", "Location.address", "Location.address-city")),
    Defect("equipment-ignored", "GAP-SLOT-010", "What is asked of the equipment of a calendar is ignored.",
           deaf(r"\.Device", "Slot")),
    Defect("organization-chain-ignored", "GAP-SLOT-011", "What is asked of the organization of a service is ignored.",
           deaf(r"actor\.organization", "Slot")),
    Defect("only-first-includes", "GAP-SLOT-012", "Only includes of the first level are honoured.",
           searching(_narrow_includes, "Slot")),
    Defect("includes-as-matches", "GAP-SLOT-013", "Included resources are flagged as matches.",
           listing(entries(lambda entry: {**entry, "search": {"mode": "match"}}))),
    Defect("slot-entries-without-mode", "GAP-SLOT-013", "Entries of a search of slots have no mode.",
           listing(entries(lambda entry: without(entry, "search")), "Slot")),
    Defect("slots-out-of-profile", "GAP-SLOT-014", "Slots that break their profile are accepted.",
           blind("fr-core-slot;")),
    Defect("zoneless-slots", "GAP-SLOT-014", "Slots without a time zone are accepted.", blind(r"Slot\.start")),
    Defect("slots-of-no-calendar", "GAP-SLOT-014", "Slots without a calendar are accepted.", blind(r"Slot\.schedule")),
    Defect("slots-of-other-services", "GAP-SLOT-015", "Slots announce services that their calendar does not define.",
           telling(lambda found: found if found.get("type") != "searchset" else {**found, "entry": [
               {**entry, "resource": _undeclared(entry["resource"])} if entry["resource"]["resourceType"] == "Slot"
               else entry for entry in found.get("entry", ())]}, "Slot", routes=("search-type",), statuses=(200,))),
    Defect("no-slot-is-404", "GAP-SLOT-016", "A search of slots without match answers 404.",
           no_matches_is(404, "Slot")),
    Defect("past-slots-offered", "GAP-SLOT-017", "The lower bound of a start is ignored: past slots are offered.",
           searching(_past_too, "Slot")),
    Defect("upper-bound-ignored", "GAP-SLOT-017", "The upper bound of a start is ignored.",
           searching(_no_upper, "Slot")),
    Defect("self-link-missing", "GAP-SLOT-018", "A search of slots has no self link.",
           listing(_no_entry_links, "Slot")),
    Defect("self-link-says-nothing", "GAP-SLOT-018", "The self link of a search of slots has no criteria.",
           listing(links(lambda link: {**link, "url": link["url"].partition("?")[0]}), "Slot")),
    Defect("slow-slots", "GAP-SLOT-019", "A search of slots takes more than a second.",
           answering(_late, "Slot", routes=("search-type",))),
    Defect("slots-not-readable", "GAP-SLOT-020", "The ids of a search of slots cannot be read.",
           telling(lambda found: found if found.get("type") != "searchset" else {**found, "entry": [
               _misnamed(entry) for entry in found.get("entry", ())]}, "Slot", routes=("search-type",))),
    Defect("slot-search-is-elsewhere", "GAP-SLOT-001", "GET Slot is not offered.",
           answering(lambda _: Answer(404), "Slot", routes=("search-type",))),
)  # fmt: skip

APPOINTMENTS = (
    Defect("appointment-search-is-elsewhere", "GAP-RDVS-001", "GET Appointment is not offered.",
           answering(lambda _: Answer(404), "Appointment", routes=("search-type",))),
    Defect("status-list-unsupported", "GAP-RDVS-002", "Of a list of statuses the first one counts.",
           values(_first, "^status", "Appointment")),
    Defect("service-system-ignored", "GAP-RDVS-002", "The system of a service is ignored.",
           values(each_value(_without_system), "^identifier", "Appointment")),
    Defect("start-not-searchable", "GAP-RDVS-004", "start is ignored in searches of appointments.",
           deaf("^start ", "Appointment")),
    Defect("created-never-matches", "GAP-RDVS-005", "created finds nothing.", unindexed("Appointment.created")),
    Defect("comment-not-searchable", "GAP-RDVS-006", "Comments are not searched.",
           deaf("^(description|comment) ", "Appointment")),
    Defect("priority-ignored", "GAP-RDVS-007", "priority is ignored.", deaf("^priority ", "Appointment")),
    Defect("attachments-ignored", "GAP-RDVS-007", "supporting-info is ignored.",
           deaf("^supporting-info ", "Appointment")),
    Defect("appointments-of-others", "GAP-RDVS-008", "What is asked of an actor is ignored.",
           deaf(r"^(actor|patient|practitioner|location)\.", "Appointment")),
    Defect("short-forms-ignored", "GAP-RDVS-009", "patient, practitioner and location find nothing.",
           unindexed("Appointment.patient", "Appointment.practitioner", "Appointment.location")),
    Defect("appointments-as-batch", "GAP-RDVS-010", "A search of appointments answers a batch-response.",
           _listed("batch-response")),
    Defect("appointment-dates-left-out", "GAP-RDVS-011", "A date that is none gives all appointments.",
           asking(invalid_dates_left_out, "GET", path="^Appointment")),
    Defect("booking-without-location", "GAP-RDV-001", "A booking answers 200 without Location.",
           answering(lambda answer: replace(answer, status=200, headers=without(answer.headers, "Location")),
                     "Appointment", routes=("create",), statuses=(201,))),
    Defect("booking-not-searchable", "GAP-RDV-001", "Appointments are stored and not found by their number.",
           unindexed("Appointment.identifier")),
    Defect("any-participant", "GAP-RDV-006", "Any participant is accepted.",
           blind("participant", "fr-core-appointment")),
    Defect("any-length", "GAP-RDV-008", "An appointment may last as long as one likes.",
           blind("The appointment lasts")),
    Defect("appointment-update-duplicates", "GAP-RDV-010", "An update by number makes a second appointment.",
           _duplicating("Appointment")),
    Defect("appointment-number-ignored", "GAP-RDV-011", "An update by number always creates.",
           _duplicating("Appointment")),
    Defect("appointment-takes-first", "GAP-RDV-012", "An update by number overwrites one of several matches.",
           waives=frozenset({"several-matches-PUT"})),
    Defect("cancelled-still-booked", "GAP-RDV-013", "Cancelled appointments are found as booked.",
           Seams(index=(_as_booked,))),
    Defect("booked-without-time", "GAP-RDV-014", "A booked appointment without time is accepted.", blind("app-[23]")),
    Defect("slot-stays-free", "GAP-RDV-015", "A booked slot stays free.", rules=aside(_free, "Slot")),
    Defect("slot-booked-twice", "GAP-RDV-015", "A slot can be booked twice.", blind("is not free any more")),
    Defect("booking-tells-nothing", "GAP-RDV-016", "A booking answers neither the appointment nor its place.",
           answering(_minimal, "Appointment", routes=("create", "update", "conditional-update"))),
)  # fmt: skip

CALENDARS = (
    Defect("update-duplicates", "GAP-RES-002", "An update makes a second resource.",
           asking(_second, "PUT", path="^(Practitioner|PractitionerRole|Patient|Location|Organization)/")),
    Defect("devices-unknown", "GAP-RES-003", "Devices are not offered.",
           answering(lambda _: Answer(404), "Device", routes=("create", "read", "update", "delete"))),
    Defect("relatives-never-deleted", "GAP-RES-003", "Relatives cannot be deleted.",
           policy={"withheld": frozenset({"RelatedPerson.delete"})}),
    *(
        Defect(f"{name}-out-of-profile", "GAP-RES-004", f"A broken {type_} is accepted.", blind(profile))
        for name, type_, profile in (
            ("professionals", "Practitioner", "fr-core-practitioner(-specialty)?;"),
            ("roles", "PractitionerRole", "fr-core-practitioner-role"),
            ("places", "Location", "fr-core-location"),
            ("services", "HealthcareService", "fr-core-healthcare-service"),
            ("relatives", "RelatedPerson", "fr-core-related-person"),
            ("organizations", "Organization", "fr-core-organization"),
        )
    ),
    Defect("calendar-without-location", "GAP-SCHED-001", "The creation of a calendar answers 200 without Location.",
           answering(lambda answer: replace(answer, status=200, headers=without(answer.headers, "Location")),
                     "Schedule", routes=("create",), statuses=(201,))),
    Defect("calendar-keeps-client-id", "GAP-SCHED-001", "A calendar is stored under the id that the client wrote.",
           asking(lambda call: replace(call, method="PUT", path=f"Schedule/{sent(call)['id']}")
                  if "id" in sent(call) else call, "POST", path="^Schedule$")),
    Defect("calendar-duplicated", "GAP-SCHED-002", "An update of a calendar makes a second one.",
           asking(_second, "PUT", path="^Schedule/")),
    Defect("slots-outlive-calendar", "GAP-SCHED-003", "Slots of a deleted calendar can still be booked.",
           waives=frozenset({"calendar-takes-slots"})),
    Defect("service-in-the-calendar", "GAP-SCHED-004", "Services are accepted outside of their extension.",
           blind(r"Schedule\.service(Type|Category)", r"Schedule\.specialty")),
    Defect("calendar-of-nobody", "GAP-SCHED-005", "A calendar without actor is accepted.",
           blind(r"Schedule\.actor;.*found: 0")),
    Defect("calendar-of-anything", "GAP-SCHED-005", "A calendar of an organization is accepted.",
           blind(r"reference-target-type .*fr-core-schedule")),
    Defect("duration-of-any-form", "GAP-SCHED-006", "Durations of any form are accepted.",
           blind("fr-core-service-type-duration")),
    Defect("only-new-period-kept", "GAP-DISPO-001", "Of the periods of a calendar only the new one survives.",
           rules=merging(_only_new, "Schedule")),
    Defect("changed-period-doubled", "GAP-DISPO-002", "A changed period stands beside the one it was.",
           rules=merging(_both, "Schedule")),
    Defect("removed-period-kept", "GAP-DISPO-003", "A removed period stays.",
           rules=merging(_never_removed, "Schedule")),
    Defect("patch-without-effect", "GAP-DISPO-004", "A patch of a calendar answers 200 and changes nothing.",
           asking(lambda call: replace(call, method="GET"), "PATCH", path="^Schedule/")),
    Defect("open-ended-periods", "GAP-DISPO-005", "Periods without end or identifier are accepted.",
           blind(r"slice-min .*availability-time", r"primitive-format")),
    Defect("recurrence-as-text", "GAP-DISPO-006", "Recurrences of any form are accepted.",
           blind(r"(binding|cardinality|pattern|slice).*availability-time")),
    Defect("slots-outside-of-periods", "GAP-DISPO-007", "Slots are offered outside of the periods of a calendar.",
           rules=storing(_earlier, "Slot")),
)  # fmt: skip
