"""Documents: submissions, their metadata, searches, and changes of records."""

import base64
import hashlib
from typing import Any

from tests.reference_client.defects.table import (
    bundle,
    carried,
    content,
    drop,
    is_bundle,
    put,
    request,
    search,
    valued,
    without,
)
from tests.reference_client.records import extension, fresh_uuid
from tests.reference_client.service import Resource, Sent

_LOCAL = "https://client.example/patients|4711"
_SNOMED = {"coding": [{"system": "http://snomed.info/sct", "code": "35971002"}]}


def _of(sent: Resource, type_: str) -> list[Resource]:
    return [entry["resource"] for entry in sent["entry"] if entry["resource"]["resourceType"] == type_]


def _one_by_one(sent: Sent) -> None:
    if is_bundle(sent.body):
        sent.path, sent.body = "DocumentReference", _of(sent.body, "DocumentReference")[0]


def _without_set(sent: Resource) -> None:
    sent["entry"] = [entry for entry in sent["entry"] if entry["resource"]["resourceType"] != "List"]


def _two_sets(sent: Resource) -> None:
    first = next(entry for entry in sent["entry"] if entry["resource"]["resourceType"] == "List")
    sent["entry"].append({**first, "fullUrl": fresh_uuid()})


def _practitioner_too(sent: Resource) -> None:
    person = {"resourceType": "Practitioner", "name": [{"family": "ESSAI"}]}
    posted = {"method": "POST", "url": "Practitioner"}
    sent["entry"].append({"fullUrl": fresh_uuid(), "resource": person, "request": posted})


def _old_by_put(sent: Resource) -> None:
    for entry in sent["entry"]:
        if entry["request"]["method"] == "PATCH":
            whole = {**_of(sent, "DocumentReference")[0], "status": "superseded"}
            whole["id"] = entry["request"]["url"].partition("/")[2]
            entry["resource"], entry["request"] = whole, {"method": "PUT", "url": entry["request"]["url"]}


def _old_untouched(sent: Resource) -> None:
    sent["entry"] = [entry for entry in sent["entry"] if entry["request"]["method"] != "PATCH"]


def _folder_difference(sent: Resource) -> None:
    for entry in sent["entry"]:
        if entry["request"]["method"] == "PUT":
            entry["resource"]["entry"] = entry["resource"]["entry"][-1:]


def _folder_by_post(sent: Resource) -> None:
    for entry in sent["entry"]:
        if entry["request"]["method"] == "PUT":
            entry["request"] = {"method": "POST", "url": "List"}
            entry["resource"].pop("id", None)


def _folder(name: str, value: Any) -> Any:
    def change(sent: Resource) -> None:
        for found in _of(sent, "List"):
            if found["code"]["coding"][0]["code"] == "folder":
                put(name, value)(found)

    return change


def _hexadecimal(document: Resource) -> None:
    attachment = document["content"][0]["attachment"]
    attachment["hash"] = base64.b64decode(attachment["hash"]).hex()


def _size_of_text(document: Resource) -> None:
    attachment = document["content"][0]["attachment"]
    attachment["size"] = (attachment["size"] + 2) // 3 * 4


def _hash_of_text(document: Resource) -> None:
    attachment = document["content"][0]["attachment"]
    attachment["hash"] = base64.b64encode(hashlib.sha1(b"text", usedforsecurity=False).digest()).decode()


def _inline(sent: Resource) -> None:
    data = _of(sent, "Binary")[0]["data"]
    for document in _of(sent, "DocumentReference"):
        document["content"][0]["attachment"]["data"] = data


def _author_is_organization(document: Resource) -> None:
    document["author"] = [{"reference": "#organization"}]


def _without_set_type(listed: Resource) -> None:
    del listed["code"]


def _uuid_as_unique_id(listed: Resource) -> None:
    listed["identifier"][0]["value"] = fresh_uuid()


def _source_is_organization(listed: Resource) -> None:
    listed["source"] = {"reference": "#organization"}


def _deleted(listed: Resource) -> None:
    listed["entry"][0]["deleted"] = True


def _study_as_identifier(document: Resource) -> None:
    for related in document["context"].pop("related", ()):
        document["identifier"].append(related["identifier"])


def _docs_by_put(sent: Sent) -> None:
    if sent.method == "PATCH":
        sent.method, sent.body = "PUT", {"resourceType": "DocumentReference", "status": "superseded", "content": []}
        sent.headers["Content-Type"] = "application/fhir+json"


def _by_other_criterion(sent: Sent) -> None:
    if sent.method == "PATCH":
        sent.params = [("patient", "Patient/1")]


def _patch(**operation: Any) -> Any:
    def alter(sent: Sent) -> None:
        if sent.method == "PATCH":
            sent.body[0].update(operation)

    return alter


def _title_too(sent: Sent) -> None:
    if sent.method == "PATCH":
        sent.body.append({"op": "replace", "path": "/content/0/attachment/title", "value": "Nouveau titre"})


def _archived_as_text(sent: Sent) -> None:
    for operation in sent.body if sent.method == "PATCH" else ():
        operation["value"] = "true"
        operation["path"] = "/extension/0/valueBoolean"


def _archived_twice(sent: Sent) -> None:
    value = {"url": "https://client.example/archived", "valueBoolean": True}
    if sent.method == "PATCH":
        sent.body[0] = {"op": "add", "path": "/extension", "value": [value]}


def _deletes(sent: Sent) -> None:
    if sent.method == "PATCH":
        sent.method, sent.body = "DELETE", None


def _binary_by_itself(sent: Sent) -> None:
    if "Binary/" in sent.path:
        sent.path = "Binary/1.2.250.1.213.1.4.10.999.1"


def _by_operation(type_: str) -> Any:
    def alter(sent: Sent) -> None:
        if sent.method == "GET" and sent.path == type_:
            sent.path = f"{type_}/$find"

    return alter


def _as_bundle(sent: Sent) -> None:
    if sent.path == "DocumentReference" and sent.method == "POST":
        posted = {"method": "POST", "url": "DocumentReference"}
        entry = {"fullUrl": fresh_uuid(), "resource": sent.body, "request": posted}
        sent.body = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}


def _simple(change: Any) -> Any:
    def alter(sent: Sent) -> None:
        for resource in carried(sent.body):
            change(resource)

    return alter


def _label_added(sent: Sent) -> None:
    if sent.method == "PATCH":
        sent.body[0].update(op="add", path="/securityLabel/-")


def _without_source_id(listed: Resource) -> None:
    listed["extension"].remove(extension(listed, "sourceId"))


TABLE = (
    request("one-by-one", "PDSM-ADD-001", "posts the document by itself", _one_by_one, "publish"),
    bundle("documents-in-a-batch", "PDSM-ADD-001", "the Bundle is a batch", put("type", "batch")),
    bundle("submission-without-profile", "PDSM-ADD-001", "the Bundle declares no profile", drop("meta")),
    bundle("without-set", "PDSM-ADD-002", "no submission set", _without_set),
    bundle("two-sets", "PDSM-ADD-002", "two submission sets", _two_sets),
    bundle("practitioner-besides", "PDSM-ADD-003", "a Practitioner in the Bundle", _practitioner_too),
    bundle("old-record-by-put", "PDSM-ADD-004", "sends the old record whole to change its status", _old_by_put),
    content("url-elsewhere", "PDSM-ADD-005", "the document lies elsewhere", "DocumentReference",
            put("content.0.attachment.url", "https://client.example/documents/1.pdf")),
    content("set-is-empty", "PDSM-ADD-006", "the set lists nothing", "List", put("entry", []), code="submissionset"),
    content("set-lists-others", "PDSM-ADD-006", "the set lists something else", "List",
            put("entry.0.item.reference", "DocumentReference/other"), code="submissionset"),
    content("appends", "PDSM-ADD-007", "a replacement says appends", "DocumentReference",
            put("relatesTo", [{"code": "appends", "target": {"reference": "DocumentReference/1"}}])),
    content("replacement-untold", "PDSM-ADD-007", "does not say what it replaces", "DocumentReference",
            drop("relatesTo")),
    bundle("old-record-untouched", "PDSM-ADD-009", "does not patch the old record", _old_untouched),
    bundle("folder-difference", "PDSM-ADD-010", "sends what is new in the folder alone", _folder_difference),
    bundle("folder-again", "PDSM-ADD-010", "makes a second folder", _folder_by_post),
    request("submission-as-text", "PDSM-ADD-015", "labels its JSON as text/plain",
            lambda sent: sent.headers.update({"Content-Type": "text/plain"}) if sent.method == "POST" else None),
    content("without-unique-id", "PDSM-PROF-001", "no masterIdentifier", "DocumentReference",
            drop("masterIdentifier")),
    content("with-doc-status", "PDSM-PROF-002", "docStatus is sent", "DocumentReference", put("docStatus", "final")),
    content("two-categories", "PDSM-PROF-003", "two categories", "DocumentReference",
            put("category.+", {"text": "Compte rendu"})),
    content("without-source-patient", "PDSM-PROF-004", "the identity at the source is left out", "DocumentReference",
            drop("context.sourcePatientInfo")),
    content("author-elsewhere", "PDSM-PROF-005", "the author is not contained", "DocumentReference",
            put("author", [{"reference": "Practitioner/1"}])),
    content("without-confidentiality", "PDSM-PROF-006", "no confidentiality", "DocumentReference",
            drop("securityLabel")),
    content("without-custodian", "PDSM-PROF-006", "no custodian", "DocumentReference", drop("custodian")),
    bundle("document-inline", "PDSM-PROF-007", "the document stands in the record too", _inline),
    content("without-title", "PDSM-PROF-007", "no title", "DocumentReference", drop("content.0.attachment.title")),
    content("hash-in-hexadecimal", "PDSM-PROF-008", "the hash is hexadecimal", "DocumentReference", _hexadecimal),
    content("size-of-the-text", "PDSM-PROF-008", "the size is that of the base64 text", "DocumentReference",
            _size_of_text),
    content("hash-of-something", "PDSM-PROF-008", "the hash is that of something else", "DocumentReference",
            _hash_of_text),
    content("language-fr", "PDSM-PROF-009", "the language is fr", "DocumentReference",
            put("content.0.attachment.language", "fr")),
    content("facility-in-snomed", "PDSM-PROF-010", "the facility has a foreign code", "DocumentReference",
            put("context.facilityType", _SNOMED)),
    content("without-period", "PDSM-PROF-010", "no period", "DocumentReference", drop("context.period")),
    content("study-as-identifier", "PDSM-PROF-011", "the study number stands in identifier", "DocumentReference",
            _study_as_identifier),
    content("set-without-code", "PDSM-PROF-012", "the set has no code", "List", _without_set_type,
            code="submissionset"),
    content("set-without-source-id", "PDSM-PROF-012", "the set has no sourceId", "List", _without_source_id,
            code="submissionset"),
    content("uuid-as-unique-id", "PDSM-PROF-013", "the unique id of the set is a UUID", "List", _uuid_as_unique_id,
            code="submissionset"),
    content("source-is-organization", "PDSM-PROF-014", "the source is an organization", "List",
            _source_is_organization, code="submissionset"),
    content("entry-deleted", "PDSM-PROF-015", "an entry is marked as deleted", "List", _deleted, code="submissionset"),
    bundle("folder-is-empty", "PDSM-PROF-016", "the folder is empty", _folder("entry", [])),
    bundle("folder-with-source", "PDSM-PROF-016", "the folder has a source", _folder("source", {"display": "ESSAI"})),
    request("record-by-put", "PDSM-UPD-001", "sends the whole record", _docs_by_put),
    request("patch-by-patient", "PDSM-UPD-001", "patches by the patient", _by_other_criterion),
    request("title-patched", "PDSM-UPD-003", "changes the title too", _title_too),
    request("value-as-text", "PDSM-UPD-006", "a boolean is sent as text", _archived_as_text, "archive"),
    request("path-with-filter", "PDSM-UPD-006", "the path has a filter", _patch(path="/extension[url=archived]"),
            "archive"),
    request("archived-otherwise", "PDSM-UPD-009", "archives with an extension of its own", _archived_twice, "archive"),
    request("depublishes-by-delete", "PDSM-UPD-010", "deletes the record", _deletes, "depublish"),
    request("depublishes-as-error", "PDSM-UPD-010", "the status is entered-in-error",
            _patch(value="entered-in-error"), "depublish"),
    request("sets-by-operation", "PDSM-LIST-001", "asks for sets by an operation", _by_operation("List")),
    search("sets-of-everybody", "PDSM-LIST-002", "asks for sets without the patient", "List", without("patient")),
    search("sets-of-any-status", "PDSM-LIST-002", "asks for sets without a status", "List", without("status")),
    request("documents-by-operation", "PDSM-REF-001", "asks for documents by an operation",
            _by_operation("DocumentReference")),
    search("documents-of-any-status", "PDSM-REF-002", "asks without a status", "DocumentReference", without("status")),
    search("documents-of-everybody", "PDSM-REF-002", "asks without the patient", "DocumentReference",
           without("patient", "patient.identifier")),
    request("address-made-up", "PDSM-GET-001", "makes the address of the document itself", _binary_by_itself),
    request("simple-as-bundle", "PDSM-SIMPLE-001", "posts a Bundle", _as_bundle, "publish-simply"),
    request("data-and-url", "PDSM-SIMPLE-002", "content and address both",
            _simple(put("content.0.attachment.url", "Binary/1")), "publish-simply"),
    request("simple-with-identifier", "PDSM-SIMPLE-003", "sends an entryUUID",
            _simple(put("identifier", [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:4711"}])), "publish-simply"),
    request("simple-without-author", "PDSM-SIMPLE-003", "no author", _simple(drop("author")), "publish-simply"),
    request("dangling-author", "PDSM-SIMPLE-004", "refers to a contained author who is not there",
            _simple(put("author", [{"reference": "#somebody"}])), "publish-simply"),
    request("simple-size-copied", "PDSM-SIMPLE-009", "a size that is not that of the content",
            _simple(put("content.0.attachment.size", 1000)), "publish-simply"),
    search("record-by-name", "DMP-TD02-001", "looks for the patient by name", "Patient",
           lambda _: [("family", "MODELE"), ("given", "CAMILLE")]),
    search("ins-without-system", "DMP-TD02-001", "the INS has no system", "Patient",
           valued("identifier", lambda token: token.rpartition("|")[2])),
    search("record-by-local-number", "DMP-TD31-001", "asks with its own number", "DocumentReference",
           valued("patient.identifier", _LOCAL)),
    request("label-added", "DMP-TD33-001", "adds a label, and keeps the old one", _label_added, "hide"),
)  # fmt: skip
