"""Identifier: its system is absolute, and so is a value that says to be a URI (FHIR R4 datatypes §2.24.0.9)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.location import Location
from harness.validation.scope import Scope

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")
_SYSTEM = re.compile(r"(?:https?|urn):\S")
"""What names a system; with other schemes one reaches something."""
_URI = "urn:ietf:rfc:3986"


@dataclass(frozen=True, slots=True)
class IdentifierRule:
    """One identifier."""

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Report a relative system, and a value that is no absolute URI although the system says so."""
        system, text = value.get("system"), value.get("value")
        if type(system) is not str:
            return
        if not _SYSTEM.match(system):
            scope.report("identifier-system-relative", where, found=system)
        elif system == _URI and type(text) is str and not _ABSOLUTE.match(text):
            scope.report("identifier-not-uri", where, found=text)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"identifier": "absolute system"}
