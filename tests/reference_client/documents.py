"""Documents: published in a set or alone, found, retrieved, replaced, and their records kept up."""

import base64
from typing import Any

from tests.reference_client.records import URI, fresh_oid, fresh_uuid, record, set_attachment
from tests.reference_client.service import Refused, Resource, Service
from tests.reference_client.task import Task

_ARCHIVED = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
_KINDS = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes"
_CONFIDENTIALITY = "https://mos.esante.gouv.fr/NOS/TRE_A08-HL7Confidentiality/FHIR/TRE-A08-HL7Confidentiality"
_PROVIDE = "bundle/provide-with-patient"
_JSON_PATCH = "application/json-patch+json"


def publish(service: Service, task: Task) -> None:
    """Publish a document with its set for ``data.patient``; in a new folder where ``data.folder`` says so."""
    submission = _submission(task)
    if task.data.get("folder"):
        _add_folder(submission, task)
    if task.data.get("study"):
        number = {"type": {"coding": [{"system": URI, "code": "urn:ihe:iti:xds:2013:accession"}]}, "value": "ACC-1"}
        _document(submission)["context"]["related"] = [{"identifier": number}]
    service.send("POST", "", body=submission)


def replace(service: Service, task: Task) -> None:
    """Publish a new document in the place of ``data.document``, which becomes superseded in the same transaction."""
    submission = _submission(task)
    _document(submission)["relatesTo"] = [{"code": "replaces", "target": {"reference": task.data["document"]}}]
    operation = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "DocumentReference.status"},
        {"name": "value", "valueCode": "superseded"},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": operation}]}
    request = {"method": "PATCH", "url": task.data["document"]}
    submission["entry"].append({"fullUrl": fresh_uuid(), "resource": patch, "request": request})
    service.send("POST", "", body=submission)


def add_to_folder(service: Service, task: Task) -> None:
    """Publish a document into the folder ``data.folder``: its next version has all that it held, and the new one."""
    folder, _ = service.read(task.data["folder"])
    submission = _submission(task)
    folder["entry"].append({"item": {"reference": submission["entry"][1]["fullUrl"]}})
    folder["date"] = task.now
    place = f"List/{folder['id']}"
    submission["entry"].append(
        {"fullUrl": f"{service.base}/{place}", "resource": folder, "request": {"method": "PUT", "url": place}}
    )
    submission["entry"][0]["resource"]["entry"].append({"item": {"reference": f"{service.base}/{place}"}})
    service.send("POST", "", body=submission)


def publish_simply(service: Service, task: Task) -> None:
    """Publish one document with its content inside."""
    made = record("documentreference/simplified")
    made["masterIdentifier"]["value"] = fresh_oid()
    _about(made, task)
    made["context"].pop("sourcePatientInfo", None)
    people = [*record(_PROVIDE)["entry"][0]["resource"]["contained"]]
    made["contained"] = [item for item in people if item["id"] in ("author", "organization")]
    made["author"], made["custodian"] = [{"reference": "#author"}], {"reference": "#organization"}
    made.pop("authenticator", None)
    attachment = made["content"][0]["attachment"]
    set_attachment(attachment, base64.b64decode(attachment["data"]))
    service.create(made)


def _submission(task: Task) -> Resource:
    made = record(_PROVIDE)
    made["entry"] = made["entry"][:3]  # the patient is there already
    listed, document, binary = (entry["resource"] for entry in made["entry"])
    for entry in made["entry"]:
        entry["fullUrl"] = fresh_uuid()
    listed["identifier"][0]["value"], listed["identifier"][1]["value"] = fresh_oid(), fresh_uuid()
    listed["entry"] = [{"item": {"reference": made["entry"][1]["fullUrl"]}}]
    listed["subject"] = {"reference": task.data["patient"]}
    listed["date"] = task.now
    document["masterIdentifier"]["value"] = fresh_oid()
    document["identifier"][0]["value"] = fresh_uuid()
    _about(document, task)
    attachment = document["content"][0]["attachment"]
    attachment["url"] = made["entry"][2]["fullUrl"]
    set_attachment(attachment, base64.b64decode(binary["data"]))
    return made


def _about(document: Resource, task: Task) -> None:
    document["subject"] = {"reference": task.data["patient"]}
    document["date"] = task.now


def _document(submission: Resource) -> Resource:
    found: Resource = submission["entry"][1]["resource"]
    return found


def _add_folder(submission: Resource, task: Task) -> None:
    made = record("list/folder")
    made["identifier"][0]["value"], made["identifier"][1]["value"] = fresh_oid(), fresh_uuid()
    made["subject"] = {"reference": task.data["patient"]}
    made["date"] = task.now
    made["entry"] = [{"item": {"reference": submission["entry"][1]["fullUrl"]}}]
    place = fresh_uuid()
    submission["entry"].append({"fullUrl": place, "resource": made, "request": {"method": "POST", "url": "List"}})
    submission["entry"][0]["resource"]["entry"].append({"item": {"reference": place}})


def find_documents(service: Service, task: Task) -> None:
    """Find the documents of ``data.patient`` that are in force."""
    print(f"{len(_documents(service, task))} documents")


def _documents(service: Service, task: Task) -> list[Resource]:
    return list(service.found("DocumentReference", [("patient", task.data["patient"]), ("status", "current")]))


def find_sets(service: Service, task: Task) -> None:
    """Find the submission sets of ``data.patient``."""
    wanted = [("patient", task.data["patient"]), ("code", f"{_KINDS}|submissionset"), ("status", "current")]
    print(f"{len(list(service.found('List', wanted)))} sets")


def retrieve(service: Service, task: Task) -> None:
    """Find the documents of ``data.patient`` and get the first one."""
    documents = _documents(service, task)
    if not documents:
        raise Refused("there is no document")
    attachment = documents[0]["content"][0]["attachment"]
    service.send("GET", attachment["url"], headers={"Accept": attachment["contentType"]})


def archive(service: Service, task: Task) -> None:
    """Mark the document with the unique identifier ``data.number`` as archived, or not any more."""
    found = _known(service, task)
    listed = found.get("extension", [])
    position = next((number for number, item in enumerate(listed) if item["url"] == _ARCHIVED), None)
    value: Any = bool(task.data["archived"])
    if position is not None:
        operation = {"op": "replace", "path": f"/extension/{position}/valueBoolean", "value": value}
    elif listed:
        operation = {"op": "add", "path": "/extension/-", "value": {"url": _ARCHIVED, "valueBoolean": value}}
    else:
        operation = {"op": "add", "path": "/extension", "value": [{"url": _ARCHIVED, "valueBoolean": value}]}
    _patch(service, task, operation)


def depublish(service: Service, task: Task) -> None:
    """Take a document out of force."""
    _patch(service, task, {"op": "replace", "path": "/status", "value": "superseded"})


def hide(service: Service, task: Task) -> None:
    """Hide a document: one confidentiality code takes the place of the other."""
    label = {"coding": [{"system": _CONFIDENTIALITY, "code": task.data["code"]}]}
    _patch(service, task, {"op": "replace", "path": "/securityLabel/0", "value": label})


def _known(service: Service, task: Task) -> Resource:
    found = next(service.found("DocumentReference", [("identifier", f"{URI}|{task.data['number']}")]), None)
    if found is None:
        raise Refused("there is no such document")
    return found


def _patch(service: Service, task: Task, operation: dict[str, Any]) -> None:
    named = [("identifier", f"{URI}|{task.data['number']}")]
    service.send("PATCH", "DocumentReference", params=named, body=[operation], headers={"Content-Type": _JSON_PATCH})


def check_record(service: Service, task: Task) -> None:
    """Ask whether a patient, known by the national identifier ``data.ins``, has a shared medical record."""
    list(service.found("Patient", [("identifier", f"{task.data['system']}|{task.data['ins']}")]))


def find_in_record(service: Service, task: Task) -> None:
    """Find the documents of the shared medical record of a patient, by the national identifier."""
    named = ("patient.identifier", f"{task.data['system']}|{task.data['ins']}")
    list(service.found("DocumentReference", [named, ("status", "current")]))
