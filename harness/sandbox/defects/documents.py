"""Defects of documents: publishing, finding, changing and giving them (PDSm)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.sandbox import codec
from harness.sandbox.call import Answer, Call
from harness.sandbox.codec import Resource
from harness.sandbox.defects.model import (
    Defect,
    Json,
    answering,
    aside,
    asking,
    blind,
    body,
    carrying,
    deaf,
    entries,
    listing,
    merging,
    storing,
    telling,
    unindexed,
    values,
    without,
)
from harness.sandbox.defects.searches import each_value, invalid_is_empty, no_matches_is
from harness.sandbox.problems import issue, operation_outcome
from harness.sandbox.seams import Seams
from harness.sandbox.store import Entry

_ARCHIVED = "pdsm-ext-is-archived"


def _refused(status: int, code: str, told: str) -> Any:
    return lambda _: Answer(status, resource=operation_outcome([issue("error", code, told)]))


def _no_post_search(type_: str) -> Seams:
    return answering(_refused(405, "not-supported", "POST is not offered."), type_, path="_search$")


def _still_current(before: Json, after: Json) -> Json:
    return {**after, "status": before["status"]}


def _marks(resource: Json) -> list[Json]:
    return [item for item in resource.get("extension", ()) if _ARCHIVED in item.get("url", "")]


def _twice_marked(before: Json, after: Json) -> Json:
    old = [item for item in _marks(before) if item not in _marks(after)]
    return {**after, "extension": [*after.get("extension", ()), *old]} if old else after


def _appended_labels(before: Json, after: Json) -> Json:
    labels = [*before.get("securityLabel", ()), *after.get("securityLabel", ())]
    return {**after, "securityLabel": [item for at, item in enumerate(labels) if item not in labels[:at]]}


def _raw(change: Any, routes: tuple[str, ...] = ("read", "vread")) -> Seams:
    return answering(lambda answer: change(answer) if answer.raw is not None else answer, "Binary", routes=routes)


def _wrapped(answer: Answer) -> Answer:
    text = base64.b64encode(answer.raw or b"").decode()
    return Answer(answer.status, answer.headers, raw=codec.emit({"data": text}), media_type="application/json")


def _altered(answer: Answer) -> Answer:
    return replace(answer, raw=(answer.raw or b"").replace(b"\n", b"\r\n") + b"\n")


def _any_type(call: Call) -> Call:
    named = "fhir" in (call.header("accept") or "")
    return call if named else replace(call, headers={**call.headers, "accept": "*/*"})


def _lost(type_: str) -> Seams:
    return answering(lambda _: Answer(404), type_, routes=("read",))


def _not_searchable(resource: Resource, entry: Entry) -> Entry:
    """Published at once: the sandbox leaves no profile on such a record."""
    simple = resource.get("resourceType") == "DocumentReference" and "contained" not in resource
    return Entry() if simple and not resource.get("meta", {}).get("profile") else entry


def _creation_is_date(_: Resource, entry: Entry) -> Entry:
    rows = [row for row in entry.rows.get("date", ()) if row["param"] != "DocumentReference.creation"]
    dates = [row for row in rows if row["param"] == "DocumentReference.date"]
    copies = [{**row, "param": "DocumentReference.creation"} for row in dates]
    return replace(entry, rows={**entry.rows, "date": [*rows, *copies]})


def _alias(source: str, target: str) -> Seams:
    def change(_: Resource, entry: Entry) -> Entry:
        rows = [row for row in entry.rows.get("date", ()) if row["param"] != target]
        copies = [{**row, "param": target} for row in rows if row["param"] == source]
        return replace(entry, rows={**entry.rows, "date": [*rows, *copies]})

    return Seams(index=(change,))


def _version_zero(answer: Answer) -> Answer:
    found = body(answer)
    if found is None or "meta" not in found:
        return answer
    version = str(int(found["meta"]["versionId"]) - 1)
    place = re.sub(r"/_history/\d+$", f"/_history/{version}", answer.headers.get("Location", ""))
    headers = {**answer.headers, "ETag": f'W/"{version}"', **({"Location": place} if place else {})}
    return carrying(replace(answer, headers=headers), {**found, "meta": {**found["meta"], "versionId": version}})


def _unapplied(call: Call) -> Call:
    """Tests of a JSON Patch are not run: what follows them is applied."""
    try:
        operations = codec.parse(call.body)
    except Exception:
        return call
    if not isinstance(operations, list):
        return call
    kept = [item for item in operations if not isinstance(item, Mapping) or item.get("op") != "test"]
    return replace(call, body=codec.emit(kept))


def _ok_on_refusal(*statuses: int) -> Seams:
    return answering(lambda _: Answer(200), "DocumentReference", routes=("patch", "conditional-patch"),
                     statuses=statuses)  # fmt: skip


def _literal_only(call: Call) -> Call:
    """A publication that names somebody by a number alone is not read."""
    text = call.body.decode("utf-8", "replace")
    logical = re.search(r'"(subject|author|custodian)"\s*:\s*\[?\s*\{[^{}]*"identifier"', text)
    return replace(call, body=b'{"resourceType": "DocumentReference"}') if logical else call


_LISTS = (
    Defect("post-search-of-lists-refused", "PDSM-LIST-001", "POST List/_search is refused.", _no_post_search("List")),
    Defect("folders-among-sets", "PDSM-LIST-003", "Folders come with submission sets.", deaf("^code ", "List")),
    Defect("set-titles-ignored", "PDSM-LIST-004", "title is ignored.", deaf("^title ", "List")),
    Defect("set-identifiers-not-found", "PDSM-LIST-004", "Sets are not found by identifier.",
           unindexed("List.identifier")),
    Defect("set-source-never-found", "PDSM-LIST-005", "sourceId and designationType find nothing.",
           unindexed("List.sourceId", "List.designationType")),
    Defect("archived-sets-always-shown", "PDSM-LIST-006", "isArchived is ignored.", deaf("^isArchived ", "List")),
    Defect("set-authors-never-found", "PDSM-LIST-007", "What is contained in a set is not indexed.",
           unindexed(contained=True)),
    Defect("set-organization-never-found", "PDSM-LIST-008", "authorOrg finds nothing.", unindexed("List.authorOrg")),
    Defect("sets-of-anybody", "PDSM-LIST-009", "The system of the patient's number is ignored.",
           values(each_value(lambda value: value.rpartition("|")[2]), r"\.identifier", "List")),
    Defect("sets-of-other-patients", "PDSM-LIST-009", "Sets of other patients are found.",
           deaf("^(patient|subject)", "List")),
    Defect("list-total-missing", "PDSM-LIST-010", "A search of sets has no total.",
           listing(lambda _, bundle: without(bundle, "total"), "List")),
    Defect("list-addresses-missing", "PDSM-LIST-010", "Entries of a search of sets have no fullUrl.",
           listing(entries(lambda entry: without(entry, "fullUrl")), "List")),
    Defect("list-errors-are-empty", "PDSM-LIST-011", "A search that cannot be understood answers 200 and nothing.",
           invalid_is_empty("List", "DocumentReference")),
)  # fmt: skip

_RECORDS = (
    Defect("post-search-of-records-refused", "PDSM-REF-001", "POST DocumentReference/_search is refused.",
           _no_post_search("DocumentReference")),
    Defect("records-of-other-patients", "PDSM-REF-003", "Records of other patients are found.",
           deaf("^(patient|subject)", "DocumentReference")),
    Defect("record-codes-are-literal", "PDSM-REF-004", "A list of codes is taken for one.",
           values(lambda found: (",".join(found),), "", "DocumentReference", kind="token")),
    Defect("facility-refused", "PDSM-REF-005", "facility and event are ignored.",
           deaf("^(facility|event|setting) ", "DocumentReference")),
    Defect("record-identifiers-not-found", "PDSM-REF-006", "Records are not found by their unique identifier.",
           unindexed("DocumentReference.identifier")),
    Defect("creation-is-date", "PDSM-REF-007", "creation searches the date of the record.",
           Seams(index=(_creation_is_date,))),
    Defect("period-start-is-period", "PDSM-REF-008", "period-start searches the whole period.",
           _alias("DocumentReference.period", "DocumentReference.period-start")),
    Defect("archived-always-shown", "PDSM-REF-009", "isArchived is ignored.",
           deaf("^isArchived ", "DocumentReference")),
    Defect("record-authors-never-found", "PDSM-REF-010", "Contained authors are not indexed.",
           unindexed(contained=True)),
    Defect("related-records-never-found", "PDSM-REF-010", "relatesto finds nothing.",
           unindexed("DocumentReference.relatesto", "DocumentReference.relation", "DocumentReference.relatesTo")),
    Defect("no-record-is-404", "PDSM-REF-011", "A search of records without match answers 404.",
           no_matches_is(404, "DocumentReference")),
    Defect("records-are-minimal", "PDSM-REF-011", "Searches give records without context and author.",
           telling(lambda found: found if found.get("type") != "searchset" else {**found, "entry": [
               {**entry, "resource": without(entry["resource"], "context", "author", "contained", "masterIdentifier")}
               for entry in found.get("entry", ())]}, "DocumentReference", routes=("search-type",))),
    Defect("old-versions-found", "DMP-TD31-002", "A search by identifier ignores the identifier.",
           deaf("^identifier ", "DocumentReference")),
)  # fmt: skip

_PUBLISHING = (
    Defect("replacement-keeps-current", "PDSM-ADD-008", "A replaced document stays current.",
           rules=aside(_still_current, "DocumentReference")),
    Defect("submitted-document-is-lost", "PDSM-ADD-011", "A submission is accepted, and its document is not there.",
           _lost("Binary")),
    Defect("submission-not-searchable", "PDSM-ADD-011", "A submission is accepted, and its set cannot be read.",
           _lost("List")),
    Defect("batch-submission-accepted", "PDSM-ADD-001", "A submission may be a batch.", blind(r"Bundle\.type")),
    Defect("submission-without-set", "PDSM-ADD-002", "A submission without its set, or with two, is accepted.",
           blind(r"entry:Submis")),
    Defect("anything-in-a-submission", "PDSM-ADD-003", "A submission may hold other resources.",
           blind(r"Bundle\.entry\[4\] structure slice-unmatched")),
    Defect("any-method-in-a-submission", "PDSM-ADD-004", "A submission may update documents.",
           blind(r"Bundle\.entry\[4\]")),
    Defect("submission-in-xml-refused", "PDSM-ADD-015", "Submissions in XML are refused.",
           asking(lambda call: replace(call, headers={**call.headers, "content-type": "application/unread"})
                  if "xml" in (call.header("content-type") or "") else call, "POST", path="^$")),
    Defect("submission-called-text", "PDSM-ADD-015", "A submission that is called text/plain is read as JSON.",
           asking(lambda call: replace(call, headers={**call.headers, "content-type": "application/fhir+json"})
                  if "text/plain" in (call.header("content-type") or "") else call, "POST", path="^$")),
    Defect("documents-can-be-overwritten", "PDSM-ADD-016", "A stored document can be overwritten.",
           blind("a stored document does not change")),
    Defect("sets-can-be-rewritten", "PDSM-ADD-016", "A submission set can be rewritten.",
           blind("Of a submission set only")),
    Defect("replacing-nothing", "PDSM-ADD-017", "What is not there can be replaced.",
           blind("which this replaces, is not here"), policy={"references_on_write": False}),
    Defect("replacing-what-was-replaced", "PDSM-ADD-017", "What was replaced can be replaced again.",
           blind("replace what is current")),
    Defect("bundle-published-at-once", "PDSM-SIMPLE-001", "The simplified publication is not offered.",
           answering(_refused(404, "not-found", "Not here."), "DocumentReference", routes=("create",))),
    Defect("publication-with-address", "PDSM-SIMPLE-002", "A publication without its document, or with an address, is "
           "accepted.", blind(r"attachment")),
    Defect("publication-incomplete", "PDSM-SIMPLE-003", "A publication without what it needs is accepted.",
           blind("pdsm-simplified-publish")),
    Defect("only-literal-references", "PDSM-SIMPLE-004", "Logical references to people are refused.",
           asking(_literal_only, "POST", path="^DocumentReference$")),
    Defect("publication-answers-200", "PDSM-SIMPLE-005", "A publication answers 200.",
           answering(lambda answer: replace(answer, status=200), "DocumentReference", routes=("create",),
                     statuses=(201,))),
    Defect("publication-answers-nothing", "PDSM-SIMPLE-005", "A publication answers 201 without the record.",
           answering(lambda answer: carrying(answer, None), "DocumentReference", routes=("create",), statuses=(201,))),
    Defect("versions-from-zero", "PDSM-SIMPLE-006", "The first version is 0.",
           answering(_version_zero, "DocumentReference", routes=("create", "read", "update"))),
    Defect("publication-errors-as-warnings", "PDSM-SIMPLE-007", "What is wrong with a publication is a warning.",
           answering(lambda answer: replace(answer, status=201), "DocumentReference", routes=("create",),
                     statuses=(400, 422))),
    Defect("publication-errors-are-empty", "PDSM-SIMPLE-008", "A refused publication has an empty body.",
           answering(lambda _: Answer(422), "DocumentReference", routes=("create",), statuses=(400, 422))),
    Defect("any-size-and-hash", "PDSM-SIMPLE-009", "A wrong size or hash of a publication is accepted.",
           blind(r"attachment-size", r"attachment\.(size|hash)")),
    Defect("publications-not-found", "PDSM-SIMPLE-010", "What was published at once is not found.",
           Seams(index=(_not_searchable,))),
)  # fmt: skip

_CHANGING = (
    Defect("records-are-not-patched", "PDSM-UPD-001", "Records cannot be patched by their identifier.",
           answering(_refused(405, "not-supported", "Not offered."), "DocumentReference",
                     routes=("conditional-patch",))),
    Defect("patch-by-id-only", "PDSM-UPD-002", "Only a patch by logical id works.",
           answering(_refused(404, "not-found", "Not found."), "DocumentReference", routes=("conditional-patch",))),
    Defect("anything-can-be-patched", "PDSM-UPD-003", "Everything of a record can be patched.",
           blind("Of a record only status")),
    Defect("forbidden-patch-answers-200", "PDSM-UPD-004", "A patch of what is fixed answers 200.",
           _ok_on_refusal(405, 422)),
    Defect("json-patch-unknown", "PDSM-UPD-005", "JSON Patch is answered 415.",
           answering(_refused(415, "not-supported", "Not read."), "DocumentReference",
                     routes=("patch", "conditional-patch"))),
    Defect("patch-answers-204", "PDSM-UPD-007", "A patch answers 204 and nothing.",
           answering(lambda _: Answer(204), "DocumentReference", routes=("patch", "conditional-patch"),
                     statuses=(200,))),
    Defect("patch-makes-no-version", "PDSM-UPD-008", "A patch leaves the version as it is.",
           rules=merging(lambda before, after: {**after, "meta": before["meta"]}, "DocumentReference",
                         methods=("PATCH",))),
    Defect("archiving-mark-doubled", "PDSM-UPD-009", "The archiving mark stands twice.",
           rules=merging(_twice_marked, "DocumentReference", methods=("PATCH",))),
    Defect("archived-document-gone", "PDSM-UPD-009", "An archived record is marked as an error.",
           rules=storing(lambda found: {**found, "status": "entered-in-error"} if _marks(found) else found,
                         "DocumentReference", methods=("PATCH",))),
    Defect("depublished-is-an-error", "PDSM-UPD-010", "A depublished record becomes entered-in-error.",
           rules=storing(lambda found: {**found, "status": "entered-in-error"} if found["status"] == "superseded"
                         else found, "DocumentReference", methods=("PATCH",))),
    Defect("patch-takes-first", "PDSM-UPD-011", "A patch by identifier changes one of several matches.",
           waives=frozenset({"several-matches-PATCH"})),
    Defect("patch-of-nothing-answers-200", "PDSM-UPD-011", "A patch without match answers 200.", _ok_on_refusal(404)),
    Defect("patch-applied-in-part", "PDSM-UPD-012", "A patch whose test fails is applied all the same.",
           asking(_unapplied, "PATCH")),
    Defect("labels-appended", "DMP-TD33-001", "A new confidentiality stands beside the old one.",
           rules=merging(_appended_labels, "DocumentReference")),
    Defect("change-without-effect", "DMP-TD33-003", "A change that is refused answers 200.", _ok_on_refusal(404, 422)),
)  # fmt: skip

_GIVING = (
    Defect("document-in-json", "PDSM-GET-002", "A document is given as JSON with base64.", _raw(_wrapped)),
    Defect("document-altered", "PDSM-GET-002", "The bytes of a document change.", _raw(_altered)),
    Defect("binary-octet-stream", "PDSM-GET-003", "Every document is application/octet-stream.",
           _raw(lambda answer: replace(answer, media_type="application/octet-stream"))),
    Defect("document-under-any-type", "PDSM-GET-004", "A document is given in a type that was not asked for.",
           asking(_any_type, "GET", path="^Binary/")),
    Defect("document-called-fhir", "PDSM-GET-003", "A document is called application/fhir+json.",
           _raw(lambda answer: replace(answer, media_type="application/fhir+json"))),
    Defect("fhir-form-not-given", "PDSM-GET-005", "A document that is asked for in FHIR is given raw under its name.",
           answering(lambda answer: replace(answer, text=None, raw=base64.b64decode((body(answer) or {})["data"]),
                                            media_type="application/fhir+json")
                     if answer.text is not None else answer, "Binary", routes=("read",), statuses=(200,))),
    Defect("missing-document-is-empty", "PDSM-GET-006", "A document that is not there is 200 and empty.",
           answering(lambda _: Answer(200), "Binary", routes=("read",), statuses=(404,))),
    Defect("documents-not-at-their-address", "PDSM-GET-001", "The address of a document leads nowhere.",
           _lost("Binary")),
    Defect("record-without-patient-is-404", "DMP-TD02-002", "A patient without record is a 404.",
           no_matches_is(404, "Patient")),
    Defect("several-patients-for-one-number", "DMP-TD02-002", "A search by number gives every patient.",
           deaf("^identifier ", "Patient")),
    Defect("number-without-system", "DMP-TD02-001", "Patients are found by a number whatever its system.",
           values(each_value(lambda value: value.rpartition("|")[2]), "^identifier", "Patient")),
    Defect("always-active", "DMP-TD02-003", "A patient is always active.",
           rules=storing(lambda found: {**found, "active": True}, "Patient")),
)  # fmt: skip

_SPOTS = (
    ("record-without-identifier", "PDSM-PROF-001", "A record without unique identifier is accepted.",
     r"masterIdentifier", r"DocumentReference\.identifier"),
    ("record-of-any-status", "PDSM-PROF-002", "A record of another status is accepted.", r"DocumentReference\.status"),
    ("record-without-class", "PDSM-PROF-003", "A record without class or type is accepted.",
     r"DocumentReference\.(category|type)"),
    ("record-without-source-patient", "PDSM-PROF-004", "A record without the patient of its source is accepted.",
     r"sourcePatientInfo"),
    ("record-without-author", "PDSM-PROF-005", "A record without author, or of any author, is accepted.",
     r"DocumentReference\.author"),
    ("record-without-confidentiality", "PDSM-PROF-006", "A record without date or confidentiality is accepted.",
     r"DocumentReference\.(securityLabel|date)"),
    ("record-without-document-data", "PDSM-PROF-007", "A record that says nothing of its document is accepted.",
     r"DocumentReference\.content"),
    ("any-record-hash", "PDSM-PROF-008", "A record of another document is accepted.", r"attachment\.(size|hash)"),
    ("record-without-context", "PDSM-PROF-010", "A record without its context is accepted.",
     r"DocumentReference\.context"),
    ("set-without-kind", "PDSM-PROF-012", "A submission set without its kind is accepted.", r"List\."),
    ("set-of-any-identifier", "PDSM-PROF-013", "A submission set whose identifier is no OID is accepted.",
     r"List\.identifier", r"mhd-startswithoid"),
    ("set-of-any-source", "PDSM-PROF-014", "A submission set of an organization is accepted.", r"List\.source"),
    ("list-with-unused-elements", "PDSM-PROF-015", "What a list never has is accepted.",
     r"List\.(entry|note|encounter|orderedBy|emptyReason)"),
    ("folder-of-nothing", "PDSM-PROF-016", "A folder of nothing is accepted.", r"List\.(entry|source|title)"),
)  # fmt: skip

DOCUMENTS = (
    *_LISTS,
    *_RECORDS,
    *_PUBLISHING,
    *_CHANGING,
    *_GIVING,
    *(Defect(name, rule, summary, blind(*patterns)) for name, rule, summary, *patterns in _SPOTS),
)
