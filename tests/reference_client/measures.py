"""Health measures: each is fed as one transaction, and read back as a period or as the last one."""

from typing import Any

from tests.reference_client.records import fresh_uuid, record
from tests.reference_client.service import Pairs, Refused, Resource, Service
from tests.reference_client.task import Task

_REASON = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/mesures-reason-for-measurement"
_PRESSURE = "bloodpressure"
_LARGEST_PAGE = 100


def feed(service: Service, task: Task) -> None:
    """Feed the measures of ``task``: each in a transaction of its own, none for somebody who has not consented.

    ``data`` holds ``kind`` or ``kinds``, and may hold ``value``, ``date``, ``device``, ``comment``.
    """
    _consented(service, task, "write")
    kinds = task.data.get("kinds") or [task.data.get("kind", "bodyweight")]
    measures = [_measure(kind, task) for kind in kinds]
    device = _device(kinds[0]) if task.data.get("device") else None
    if service.tends_to("groups-measures"):
        service.send("POST", "", body=_bundle(measures, device))
        return
    for number, measure in enumerate(measures):
        try:
            service.send("POST", "", body=_bundle([measure], device))
        except Refused:
            if number + 1 == len(measures) or not service.tends_to("goes-on-after-refusal"):
                raise


def _consented(service: Service, task: Task, direction: str) -> None:
    if direction not in task.consents and not service.tends_to("overlooks-consent"):
        raise Refused(f"this person has not paired, or does not consent ({direction})")


def _measure(kind: str, task: Task) -> Resource:
    made = record(f"observation/mes-{kind}")
    data = task.data
    made["subject"] = {"type": "Patient", "identifier": task.patient}
    made["effectiveDateTime"] = data.get("date", task.now)
    if "value" in data:
        made["valueQuantity"]["value"] = data["value"]
    if "comment" in data:
        others = [item for item in made.get("extension", ()) if item["url"] != _REASON]
        made["extension"] = [*others, {"url": _REASON, "valueString": data["comment"]}]
    made["meta"]["source"] = task.source
    made.pop("text", None)
    return made


def _device(kind: str) -> Resource:
    name = "bundle/mes-measure-feed-blood-pressure" if kind == _PRESSURE else "bundle/mes-measure-feed"
    found: Resource = next(e["resource"] for e in record(name)["entry"] if e["resource"]["resourceType"] == "Device")
    found["id"] = fresh_uuid().removeprefix("urn:uuid:")
    return found


def _bundle(measures: list[Resource], device: Resource | None) -> Resource:
    entries: list[dict[str, Any]] = []
    for measure in measures:
        if device is not None:
            measure["device"] = {"reference": f"Device/{device['id']}"}
        request = {"method": "POST", "url": "Observation"}
        entries.append({"fullUrl": fresh_uuid(), "resource": measure, "request": request})
    if device is not None:
        known = next(item for item in device["identifier"] if item["type"]["coding"][0]["code"] == "SYSID")
        condition = f"identifier={known['system']}|{known['value']}"
        request = {"method": "POST", "url": "Device", "ifNoneExist": condition}
        entries.append({"fullUrl": f"urn:uuid:{device['id']}", "resource": device, "request": request})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def read_all(service: Service, task: Task) -> None:
    """Read the measures of one kind between two dates; ``data``: ``code``, ``from``, ``to``, ``count``, ``devices``."""
    data = task.data
    _consented(service, task, "read")
    params = _asked(task)
    params += [("date", f"ge{data['from']}"), ("date", f"le{data['to']}")]
    if "count" in data:
        params.append(("_count", str(min(int(data["count"]), _LARGEST_PAGE))))
    if data.get("devices"):
        params.append(("_include", "Observation:device"))
    found = list(service.found("Observation", params))
    print(f"{sum(item['resourceType'] == 'Observation' for item in found)} measures")


def read_last(service: Service, task: Task) -> None:
    """Read the last measure of one kind."""
    _consented(service, task, "read")
    list(service.found("Observation", [*_asked(task), ("_sort", "-date"), ("_count", "1")]))


def _asked(task: Task) -> Pairs:
    name = str(task.policy.get("patient-parameter", "subject.identifier"))
    return [("code", task.data.get("code", "29463-7")), (name, f"{task.patient['system']}|{task.patient['value']}")]


def feed_and_read(service: Service, task: Task) -> None:
    """Feed a measure, then read its kind."""
    feed(service, task)
    read_all(service, task)
