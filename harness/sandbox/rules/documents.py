"""Documents: a simplified publication gives its bytes to a Binary; a replacement supersedes what it replaces.

Source: PDSm 3.1.1, simplified publication (ITI-105) and the addition of documents (ITI-65); IHE MHD for ``relatesTo``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from dataclasses import replace
from functools import partial
from typing import Any

from harness.sandbox.codec import Resource
from harness.sandbox.problems import Problem
from harness.sandbox.store import Record
from harness.sandbox.unit import Change, Unit

_SIMPLIFIED = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-simplified-publish"


def _is_simplified(resource: Resource) -> bool:
    profiles = resource.get("meta", {}).get("profile", ())
    return any(str(profile).partition("|")[0] == _SIMPLIFIED for profile in profiles)


def decoded(attachment: dict[str, Any], where: str) -> bytes:
    """The bytes of ``attachment.data``. Raises :class:`Problem` (400, 422) when base64, size or hash are wrong."""
    try:
        content = base64.b64decode("".join(str(attachment["data"]).split()), validate=True)
    except binascii.Error:
        raise Problem(400, "value", "The data is not base64.", f"{where}.data") from None
    if "size" in attachment and attachment["size"] != len(content):
        told = f"The size is {attachment['size']}, the document has {len(content)} octets."
        raise Problem(422, "value", told, f"{where}.size")
    digest = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
    if "hash" in attachment and attachment["hash"] != digest:
        raise Problem(422, "value", "The hash is not the SHA-1 of the document, in base64.", f"{where}.hash")
    return content


class Documents:
    """Keeps documents and their records as PDSm asks."""

    def before(self, unit: Unit, change: Change) -> Change:
        """Move the bytes of a simplified publication to Binaries, and plan what a replacement does to its target."""
        if change.type != "DocumentReference":
            return change
        if change.before is None:
            self._plan_replacement(unit, change.after)
        return self._published(unit, change) if _is_simplified(change.after) else change

    def deleting(self, unit: Unit, latest: Record) -> None:
        """Nothing follows from a deletion."""

    def _published(self, unit: Unit, change: Change) -> Change:
        contents = []
        for index, content in enumerate(change.after.get("content", ())):
            attachment = content.get("attachment", {})
            if "data" not in attachment:
                contents.append(content)
                continue
            data = decoded(attachment, f"DocumentReference.content[{index}].attachment")
            kept = {key: value for key, value in attachment.items() if key != "data"}
            kept["url"] = self._binary(unit, attachment, data)
            kept.setdefault("size", len(data))
            kept.setdefault("hash", base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode())
            contents.append({**content, "attachment": kept})
        # What is stored refers to its document: it is not an instance of the publication profile any more.
        meta = dict(change.after["meta"])
        meta["profile"] = [url for url in meta["profile"] if str(url).partition("|")[0] != _SIMPLIFIED]
        if not meta["profile"]:
            del meta["profile"]
        return replace(change, after={**change.after, "meta": meta, "content": contents})

    def _binary(self, unit: Unit, attachment: dict[str, Any], data: bytes) -> str:
        binary = {
            "resourceType": "Binary",
            "contentType": attachment.get("contentType", "application/octet-stream"),
            "data": base64.b64encode(data).decode(),
        }
        return unit.store("Binary", str(uuid.uuid4()), binary, "POST", None).reference

    def _plan_replacement(self, unit: Unit, resource: Resource) -> None:
        for index, relation in enumerate(resource.get("relatesTo", ())):
            target = str(relation.get("target", {}).get("reference", ""))
            type_, _, id_ = target.removeprefix(f"{unit.call.base}/").partition("/")
            if relation.get("code") == "replaces" and type_ == "DocumentReference" and id_:
                where = f"DocumentReference.relatesTo[{index}].target"
                unit.deferred.append(partial(self._supersede, unit, id_, where))

    def _supersede(self, unit: Unit, id_: str, where: str) -> None:
        record = unit.session.current("DocumentReference", id_)
        if record is None or record.deleted:
            raise Problem(422, "not-found", f"DocumentReference/{id_}, which this replaces, is not here.", where)
        status = record.resource.get("status")
        if status == "current":
            unit.store("DocumentReference", id_, {**record.resource, "status": "superseded"}, "PUT", record)
        elif record.reference not in {reference for reference, _ in unit.written}:
            raise Problem(422, "business-rule", f"DocumentReference/{id_} is {status}; replace what is current.", where)
