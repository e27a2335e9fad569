"""mustSupport: which of the elements that a profile marks are absent (FHIR R4 conformance-rules §2.0.0.6).

Absence breaks nothing: what support means is for the guide to say. So this speaks only when it is asked to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.location import Location
from harness.validation.schema import Origin
from harness.validation.scope import Scope


@dataclass(frozen=True, slots=True)
class MustSupport:
    """Looks at the parent. ``marked`` pairs each marked element that may be absent with the JSON keys it may have."""

    marked: tuple[tuple[Origin, tuple[str, ...]], ...]

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Say, at the parent, which marked elements are absent, where that was asked for."""
        if not scope.session.settings.must_support:
            return
        for origin, keys in self.marked:
            if not any(key in value or f"_{key}" in value for key in keys):
                name = origin.element.rpartition(".")[2]
                scope.report("must-support", where, found=name, profile=origin.profile, definition=origin.element)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"mustSupport": [origin.element for origin, _ in self.marked]}
