"""Narrative.div: the XHTML that FHIR allows, whose links lead somewhere (FHIR R4 narrative §2.34, txt-1 and txt-2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.assertions.xhtml import read
from harness.validation.location import Location
from harness.validation.scope import Scope

_NAMED = re.compile(r"""\b(?:id|name)\s*=\s*["']([^"']+)["']""")


def _names(value: Any) -> Iterator[str]:
    """Every id below ``value``: of elements, of resources, and inside narratives."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            if key == "id" and isinstance(child, str):
                yield child.removeprefix("#")
            elif key == "div" and isinstance(child, str):
                yield from _NAMED.findall(child)
            else:
                yield from _names(child)
    elif isinstance(value, list):
        for child in value:
            yield from _names(child)


@dataclass(frozen=True, slots=True)
class Narrative:
    """The content of ``Narrative.div``."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report text that is not well-formed, what is not allowed, and links to nothing in the resource."""
        if not isinstance(value, str):
            return
        found = read(value)
        for constraint, detail in found.problems:
            if constraint == "xhtml":
                scope.report("xhtml", where, detail=detail)
            else:
                scope.report("xhtml", where, detail=detail, constraint=constraint, code="invariant")
        lost = [anchor for anchor in found.anchors if anchor not in found.names]
        if lost:
            around = scope
            while around.parent is not None:
                around = around.parent
            known = set(_names(around.resource))
            for anchor in lost:
                if anchor not in known:
                    scope.report(
                        "xhtml",
                        where,
                        detail=f"the link '#{anchor}' leads to nothing in this resource",
                        detail_fr=f"le lien « #{anchor} » ne mène à rien dans cette ressource",
                    )

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"narrative": "xhtml"}
