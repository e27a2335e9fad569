"""CapabilityStatement: search parameters are of the type that their definitions say (FHIR R4 §5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.validation.location import Location
from harness.validation.resource_rules.reading import parts, text
from harness.validation.scope import Scope


def check(statement: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report search parameters of another type than their definition's."""
    for rest, place in parts(statement, "rest", where):
        for holder, spot in parts(rest, "resource", place):
            for parameter, at in parts(holder, "searchParam", spot):
                canonical, kind = text(parameter, "definition"), text(parameter, "type")
                known = scope.session.judge.definitions.search_parameter(canonical) if canonical else None
                wanted = text(known, "type") if known else None
                if wanted is not None and kind is not None and kind != wanted:
                    scope.report("search-parameter-type", at, found=kind, expected=wanted, detail=canonical)
