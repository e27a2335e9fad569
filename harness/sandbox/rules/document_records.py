"""What may change of a document once it is here: little of its record, nothing of its bytes or its submission set.

Source: PDSm 3.1.1, update of a record (flows 03 and 04), and its functional specification of documents and submission
sets. A wrong size or hash is refused as in a simplified publication.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from harness.sandbox.codec import Resource
from harness.sandbox.problems import Problem
from harness.sandbox.rules.documents import decoded
from harness.sandbox.store import Record
from harness.sandbox.unit import Change, Unit

_ARCHIVED = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
_LIST_KINDS = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes"
_PATCHABLE = frozenset({"meta", "text", "status", "securityLabel"})
_SET_MUTABLE = frozenset({"meta", "text", "status"})


class DocumentRecords:
    """Keeps what was published as it was published."""

    def before(self, unit: Unit, change: Change) -> Change:
        """Refuse a change of what is fixed, and a record that does not tell the size and hash of its document."""
        if change.type == "DocumentReference":
            if change.method == "PATCH" and change.before is not None:
                _refuse_patch(change.before, change.after, unit.env.policy.forbidden_patch)
            self._plan_comparison(unit, change.after)
        elif change.type == "Binary" and change.before is not None:
            self._refuse_if_document(unit, change)
        elif change.type == "List" and change.before is not None and _is_submission_set(change.before):
            _refuse_rewriting(change.before, change.after)
        return change

    def deleting(self, unit: Unit, latest: Record) -> None:
        """Nothing follows from a deletion."""

    def _plan_comparison(self, unit: Unit, resource: Resource) -> None:
        for index, content in enumerate(resource.get("content", ())):
            attachment = content.get("attachment", {})
            id_ = _binary_id(unit, str(attachment.get("url", "")))
            if id_:
                where = f"DocumentReference.content[{index}].attachment"
                unit.deferred.append(partial(_compare, unit, id_, attachment, where))

    def _refuse_if_document(self, unit: Unit, change: Change) -> None:
        before, after = (change.before or {}), change.after
        if all(before.get(name) == after.get(name) for name in ("contentType", "data")):
            return
        reference = f"Binary/{change.id}"
        if unit.matching("DocumentReference", [("location", f"{reference},{unit.call.base}/{reference}")]):
            told = f"{reference} is the document of a record; a stored document does not change: publish a new one."
            raise _unchangeable(told, "Binary.data")


def _binary_id(unit: Unit, url: str) -> str:
    type_, _, id_ = url.removeprefix(f"{unit.call.base}/").partition("/")
    return id_.partition("/")[0] if type_ == "Binary" else ""


def _compare(unit: Unit, id_: str, attachment: dict[str, Any], where: str) -> None:
    record = unit.session.current("Binary", id_)
    if record is not None and not record.deleted and "data" in record.resource:
        decoded({**attachment, "data": record.resource["data"]}, where)


def _unchangeable(told: str, where: str, status: int = 405) -> Problem:
    headers = {"Allow": "GET, PUT, PATCH, DELETE"} if status == 405 else {}
    return Problem(status, "not-supported", told, where, headers=headers)


def _changed(before: Resource, after: Resource, free: frozenset[str]) -> list[str]:
    return sorted(name for name in {*before, *after} - free if before.get(name) != after.get(name))


def _refuse_patch(before: Resource, after: Resource, status: int) -> None:
    changed = _changed(_without_mark(before), _without_mark(after), _PATCHABLE)
    if changed:
        told = "Of a record only status, securityLabel and the archiving mark can be patched; nothing was changed."
        raise _unchangeable(told, f"DocumentReference.{changed[0]}", status)


def _without_mark(resource: Resource) -> Resource:
    kept = [item for item in resource.get("extension", ()) if item.get("url") != _ARCHIVED]
    rest = {name: value for name, value in resource.items() if name != "extension"}
    return {**rest, "extension": kept} if kept else rest


def _is_submission_set(resource: Resource) -> bool:
    codings = resource.get("code", {}).get("coding", ())
    return any(item.get("system") == _LIST_KINDS and item.get("code") == "submissionset" for item in codings)


def _refuse_rewriting(before: Resource, after: Resource) -> None:
    changed = _changed(before, after, _SET_MUTABLE)
    if changed:
        raise _unchangeable("Of a submission set only the status can change; nothing was.", f"List.{changed[0]}")
