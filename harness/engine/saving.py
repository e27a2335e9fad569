"""``save``: values of an answer that later steps use."""

import re
from typing import Any

from harness.engine.checks.evidence import Evidence
from harness.engine.checks.that import compiled, environment
from harness.errors import FHIRPathError

_PLACE = re.compile(
    r"(?:^|/)(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/(?P<version>[A-Za-z0-9.-]{1,64}))?/?$"
)
_VERSION = re.compile(r'(?:W/)?"([^"]*)"')


def saved_value(source: str, evidence: Evidence) -> Any:
    """Return the value that ``source`` names, or None when the answer does not have it.

    ``status``, ``header.Name``, ``header.Location.id`` and ``.version``, ``header.ETag.version``, else FHIRPath on the
    answer's resource (nothing, where there is no body): one item is that value, several are a list. Raises
    ExpectationFault for a wrong expression.
    """
    if source == "status":
        return evidence.last.status
    if source.startswith("header."):
        name, _, part = source.removeprefix("header.").partition(".")
        value = evidence.last.header(name)
        return value if value is None or not part else _part(value, part)
    resource = evidence.resource if evidence.last.body else {}
    if resource is None:
        return None
    try:
        values = compiled(source).evaluate(resource, environment(evidence))
    except (FHIRPathError, RecursionError, ArithmeticError):
        return None
    return (values[0] if len(values) == 1 else values) if values else None


def _part(value: str, part: str) -> str | None:
    tag = _VERSION.fullmatch(value)
    if tag:
        return tag[1] if part == "version" else None
    place = _PLACE.search(value.partition("?")[0])
    return place[part] if place and part in ("type", "id", "version") else None


def placed(location: str) -> str | None:
    """Return ``Type/id`` of a Location, or None when it is not one of a resource."""
    place = _PLACE.search(location.partition("?")[0])
    return f"{place['type']}/{place['id']}" if place else None
