"""Attachment: the stated size is that of the data (FHIR R4 datatypes §2.24.0.14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.location import Location
from harness.validation.scope import Scope


@dataclass(frozen=True, slots=True)
class AttachmentSize:
    """Compares ``size`` with the length of ``data`` once decoded."""

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Report a size that is another than the data's."""
        size, data = value.get("size"), value.get("data")
        if type(size) is not int or type(data) is not str:
            return
        packed = "".join(data.split())
        length = len(packed) * 3 // 4 - packed[-2:].count("=")
        if length != size:
            scope.report("attachment-size", where, found=size, expected=length)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"attachment": "size"}
