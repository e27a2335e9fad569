"""ImplementationGuide: how it names what it depends on (FHIR R4 implementationguide §6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.validation.location import Location
from harness.validation.resource_rules.reading import parts, text
from harness.validation.scope import Scope

_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+")


def check(guide: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report dependencies whose URL is no guide's or holds another version, and ids that name no package."""
    for dependency, place in parts(guide, "dependsOn", where):
        uri, version, package = (text(dependency, key) for key in ("uri", "version", "packageId"))
        plain, bar, stated = (uri or "").partition("|")
        if uri is not None and "/ImplementationGuide/" not in plain:
            scope.report("dependency-uri", place, found=uri)
        elif bar and stated != version:
            scope.report("dependency-version", place, found=uri, expected=version)
        if package is not None and not _PACKAGE.fullmatch(package):
            scope.report("dependency-package", place, found=package)
