"""Attachment: size and hash are those of the data (FHIR R4 datatypes §2.24.0.14)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.location import Location
from harness.validation.scope import Scope

_SHA1_BYTES = 20


def _decoded(text: Any) -> bytes | None:
    """The bytes of a base64 text, whose slot judges white space and padding; None for anything else."""
    if not isinstance(text, str):
        return None
    packed = "".join(text.split())
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class AttachmentRule:
    """Compares ``size`` with the length of ``data`` once decoded, and ``hash`` with its SHA-1."""

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Report data that cannot be decoded, a size or a hash that is another than the data's, or no SHA-1 at all."""
        text, stated = value.get("data"), value.get("hash")
        data = _decoded(text)
        if isinstance(text, str) and text and data is None:
            scope.report("attachment-data", where)
        size = value.get("size")
        if data is not None and type(size) is int and size != len(data):
            scope.report("attachment-size", where, found=size, expected=len(data))
        given = _decoded(stated)
        if given is None:
            return  # its slot says that it is no base64
        if data is not None:
            actual = hashlib.sha1(data, usedforsecurity=False).digest()
            if actual != given:
                scope.report("attachment-hash", where, found=stated, expected=base64.b64encode(actual).decode("ascii"))
        elif len(given) != _SHA1_BYTES:
            scope.report("attachment-hash-form", where, found=stated)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"attachment": "data, size and hash"}
