"""OperationDefinition: its profiles are there, and are about Parameters (FHIR R4 operationdefinition §5.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.validation.location import Location
from harness.validation.resource_rules.reading import text
from harness.validation.scope import Scope


def check(operation: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report an inputProfile or outputProfile that is not known or about something else."""
    for key in ("inputProfile", "outputProfile"):
        canonical = text(operation, key)
        if canonical is None:
            continue
        structure = scope.session.judge.definitions.structure(canonical)
        if structure is None:
            scope.report("profile-required-unknown", (where, key, -1), found=canonical)
        elif structure.get("type") != "Parameters":
            about = text(structure, "type")
            scope.report("profile-other-type", (where, key, -1), found=canonical, expected="Parameters", detail=about)
