"""Shared calendars: resources, calendars, periods, slots, appointments."""

from typing import Any

from tests.reference_client.defects.table import Change, Defect, content, drop, habit, put, request, search, without
from tests.reference_client.records import extension
from tests.reference_client.service import Departure, Pairs, Resource, Sent

_DURATION = "fr-core-service-type-duration"
_AVAILABILITY = "fr-core-schedule-availability-time"
_CONCEPT = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/service-type", "code": "124"}]}
_NOBODY = {"reference": "Organization/cabinet"}


def _puts(type_: str) -> Any:
    """Create by PUT on an id of the client's making."""

    def alter(sent: Sent) -> None:
        if sent.method == "POST" and sent.path == type_:
            sent.method, sent.path = "PUT", f"{type_}/client-4711"
            sent.body["id"] = "client-4711"

    return alter


def _posts(type_: str) -> Any:
    """Update by POST of a second resource."""

    def alter(sent: Sent) -> None:
        if sent.method == "PUT" and sent.path.startswith(type_):
            sent.method, sent.path, sent.params = "POST", type_, []
            sent.body.pop("id", None)

    return alter


def _deactivates(sent: Sent) -> None:
    if sent.method == "DELETE":
        type_, _, number = sent.path.partition("/")
        sent.method, sent.body = "PUT", {"resourceType": type_, "id": number, "active": False}
        sent.headers["Content-Type"] = "application/fhir+json"


def _operation(type_: str) -> Any:
    """Ask by an operation of the client's making."""

    def alter(sent: Sent) -> None:
        if sent.method == "GET" and sent.path == type_:
            sent.path = f"{type_}/$find"

    return alter


def _persons_alone(kept: str) -> Change:
    def change(schedule: Resource) -> None:
        schedule["actor"] = [actor for actor in schedule["actor"] if actor["reference"].startswith(f"{kept}/")]

    return change


def _without_mail(resource: Resource) -> None:
    resource["telecom"] = [item for item in resource["telecom"] if item["system"] != "email"]
    if not resource["telecom"]:
        del resource["telecom"]


def _minutes_alone(schedule: Resource) -> None:
    part = extension(extension(schedule, _DURATION), "duration")
    del part["valueDuration"]
    part["valueInteger"] = 15


def _periods(schedule: Resource) -> list[Resource]:
    return [item for item in schedule.get("extension", ()) if item["url"].endswith(_AVAILABILITY)]


def _on_put(change: Change) -> Any:
    def alter(sent: Sent) -> None:
        if sent.method == "PUT" and sent.path.startswith("Schedule/"):
            change(sent.body)

    return alter


def _last_period_alone(schedule: Resource) -> None:
    for period in _periods(schedule)[:-1]:
        schedule["extension"].remove(period)


def _period_twice(schedule: Resource) -> None:
    schedule["extension"].append(dict(_periods(schedule)[-1]))


def _part_dropped(name: str) -> Change:
    def change(schedule: Resource) -> None:
        period = _periods(schedule)[-1]
        period["extension"] = [part for part in period["extension"] if part["url"] != name]

    return change


def _rule_as_text(schedule: Resource) -> None:
    rule = extension(_periods(schedule)[-1], "rrule")
    rule.clear()
    rule |= {"url": "rrule", "valueString": "FREQ=WEEKLY;BYDAY=MO"}


def _kept(task_period: Resource) -> None:
    """A period that was to be removed is sent as busy in its place."""
    task_period.setdefault("extension", []).append(
        {
            "url": f"https://hl7.fr/ig/fhir/core/StructureDefinition/{_AVAILABILITY}",
            "extension": [
                {
                    "url": "type",
                    "valueCoding": {
                        "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-schedule-type",
                        "code": "busy-unavailable",
                    },
                },
                {"url": "start", "valueDateTime": "2030-01-07T08:00:00+01:00"},
                {"url": "end", "valueDateTime": "2030-01-07T12:00:00+01:00"},
                {
                    "url": "identifier",
                    "valueIdentifier": {"system": "https://agenda.example/periode", "value": "libre"},
                },
            ],
        }
    )


def _last_start_alone(params: Pairs) -> Pairs:
    starts = [pair for pair in params if pair[0] == "start"]
    return [*without("start")(params), starts[-1]]


def _of_everybody(params: Pairs) -> Pairs:
    return without("schedule")(params)


def _requester_as_participant(appointment: Resource) -> None:
    del appointment["extension"]


def _by_id(sent: Sent) -> None:
    if sent.method == "PUT" and sent.path == "Appointment":
        sent.path, sent.params = "Appointment/rdv-4711", []
        sent.body["id"] = "rdv-4711"


def _removed(sent: Sent) -> None:
    if sent.method == "PUT" and sent.path == "Appointment":
        sent.body["status"] = "booked"
        sent.body.pop("cancelationReason", None)


def _hour(appointment: Resource) -> None:
    hour, rest = appointment["end"][11:13], appointment["end"][13:]
    appointment["end"] = f"{appointment['end'][:11]}{(int(hour) + 1) % 24:02}{rest}"
    appointment["minutesDuration"] = 75


def _timed(name: str, requirement: str, summary: str, change: Change) -> Defect:
    """A change of an appointment that has times."""

    def alter(sent: Sent) -> None:
        body = sent.body if isinstance(sent.body, dict) else {}
        if body.get("resourceType") == "Appointment" and "end" in body:
            change(body)

    return Defect(name, requirement, summary, Departure(alter))


TABLE = (
    request("professional-by-put", "GAP-RES-001", "creates a professional by PUT", _puts("Practitioner")),
    request("professional-again", "GAP-RES-002", "changes a professional by creating another",
            _posts("Practitioner")),
    request("deactivates", "GAP-RES-002", "deactivates what it should delete", _deactivates, "delete"),
    content("two-prefixes", "GAP-RES-004", "two prefixes in one name", "Practitioner",
            put("name.0.prefix", ["M", "DR"])),
    content("person-alone", "GAP-RES-005", "the calendar refers to the person alone", "Schedule",
            _persons_alone("Practitioner")),
    content("practice-alone", "GAP-RES-005", "the calendar refers to the practice alone", "Schedule",
            _persons_alone("PractitionerRole")),
    content("practice-of-nobody", "GAP-RES-005", "the practice refers to no person", "PractitionerRole",
            drop("practitioner")),
    content("without-mail", "GAP-RES-006", "a professional has no e-mail", "Practitioner", _without_mail),
    request("calendar-by-put", "GAP-SCHED-001", "creates a calendar by PUT", _puts("Schedule")),
    request("calendar-again", "GAP-SCHED-002", "changes a calendar by creating another", _posts("Schedule"),
            "change-calendar"),
    request("calendar-deactivated", "GAP-SCHED-003", "deactivates a calendar", _deactivates, "delete"),
    content("service-in-schedule", "GAP-SCHED-004", "the service stands in serviceType", "Schedule",
            put("serviceType", [_CONCEPT])),
    content("calendar-of-organization", "GAP-SCHED-005", "an organization is actor", "Schedule",
            put("actor", [_NOBODY])),
    content("calendar-of-nobody", "GAP-SCHED-005", "no actor", "Schedule", drop("actor")),
    content("duration-as-integer", "GAP-SCHED-006", "the duration is an integer", "Schedule", _minutes_alone),
    content("calendar-without-number", "GAP-SCHED-007", "no number of its own", "Schedule", drop("identifier")),
    content("calendar-without-end", "GAP-SCHED-007", "no validity", "Schedule", drop("planningHorizon")),
    request("new-period-alone", "GAP-DISPO-001", "sends the new period alone", _on_put(_last_period_alone),
            "add-period"),
    request("period-twice", "GAP-DISPO-002", "the old period stays beside the changed one", _on_put(_period_twice),
            "change-period"),
    request("period-stays", "GAP-DISPO-003", "the period stays, as busy", _on_put(_kept), "remove-period"),
    request("period-without-number", "GAP-DISPO-005", "a period has no identifier",
            _on_put(_part_dropped("identifier")), "add-period"),
    request("period-without-end", "GAP-DISPO-005", "a period has no end", _on_put(_part_dropped("end")), "add-period"),
    request("rule-as-text", "GAP-DISPO-006", "the rule of recurrence is a text", _on_put(_rule_as_text), "add-period"),
    request("slots-by-operation", "GAP-SLOT-001", "asks for slots by an operation", _operation("Slot")),
    search("busy-slots-too", "GAP-SLOT-002", "asks for slots of any status", "Slot", without("status")),
    search("last-start-alone", "GAP-SLOT-003", "sends one bound", "Slot", _last_start_alone),
    search("all-calendars", "GAP-SLOT-020", "does not name the calendar", "Slot", _of_everybody),
    habit("takes-modified-slots", "FHIR-REST-033", "takes slots that say something it does not understand",
          "overlooks-modifiers"),
    request("appointments-by-operation", "GAP-RDVS-001", "asks for appointments by an operation",
            _operation("Appointment")),
    request("appointment-by-put", "GAP-RDV-001", "makes an appointment by PUT", _puts("Appointment")),
    request("asks-as-booked", "GAP-RDV-002", "a mere request is booked",
            lambda sent: sent.body.update(status="booked"), "ask"),
    request("declares-as-proposed", "GAP-RDV-002", "what is agreed is proposed",
            lambda sent: sent.body.update(status="proposed"), "declare"),
    content("slot-left-out", "GAP-RDV-003", "copies the times and not the slot", "Appointment", drop("slot")),
    request("without-resources", "GAP-RDV-004", "names the patient alone",
            lambda sent: sent.body.update(participant=sent.body["participant"][:1]), "declare", "ask"),
    content("appointment-without-number", "GAP-RDV-005", "no number of its own", "Appointment", drop("identifier")),
    content("appointment-without-created", "GAP-RDV-005", "no date of creation", "Appointment", drop("created")),
    content("organization-takes-part", "GAP-RDV-006", "an organization takes part", "Appointment",
            put("participant.0.actor", _NOBODY)),
    content("requester-left-out", "GAP-RDV-007", "the requester takes part, and is not named as such", "Appointment",
            _requester_as_participant),
    _timed("an-hour-longer", "GAP-RDV-008", "books an hour more than the service takes", _hour),
    content("own-service-codes", "GAP-RDV-009", "service codes of its own", "Appointment",
            put("serviceType", [{"coding": [{"system": "https://client.example/services", "code": "CONSULT"}]}])),
    request("update-by-id", "GAP-RDV-010", "updates an id that it guesses", _by_id),
    request("second-appointment", "GAP-RDV-010", "posts a second appointment", _posts("Appointment")),
    request("cancels-for-itself", "GAP-RDV-013", "does not tell the cancellation", _removed, "cancel"),
    _timed("start-alone", "GAP-RDV-014", "a start without an end", drop("end")),
    content("attachment-as-organization", "GAP-RDV-017", "what is attached is no document", "Appointment",
            put("supportingInformation", [{"display": "Ordonnance du 2 mars"}])),
)  # fmt: skip
