"""contained: every contained resource is used (dom-3, FHIR R4 DomainResource)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from harness.validation.location import Location
from harness.validation.scope import Scope


def _fragments(value: Any) -> Iterator[str]:
    """Every text below ``value`` that refers to something with ``#``: references, canonicals and uris."""
    if isinstance(value, Mapping):
        for child in value.values():
            yield from _fragments(child)
    elif isinstance(value, list):
        for child in value:
            yield from _fragments(child)
    elif isinstance(value, str) and value.startswith("#"):
        yield value[1:]


def check(resource: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report each contained resource that nothing refers to and that does not refer to its container, or a twin."""
    contained = resource.get("contained")
    if not isinstance(contained, list):
        return
    used = set(_fragments({key: value for key, value in resource.items() if key != "contained"}))
    seen: set[str] = set()
    inside = [set(_fragments(part)) for part in contained]
    mentions = Counter(name for found in inside for name in found)
    for index, part in enumerate(contained):
        if not isinstance(part, Mapping):
            continue
        name = str(part.get("id", "")).removeprefix("#")
        if name and name in seen:
            scope.report("contained-duplicate-id", (where, "contained", index), found=name)
        seen.add(name)
        others = mentions[name] > (name in inside[index])
        if name not in used and not others and "" not in inside[index]:
            scope.report(
                "contained-unreferenced", (where, "contained", index), found=name or "(no id)", constraint="dom-3"
            )
