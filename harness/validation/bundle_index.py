"""Where references lead in a Bundle (FHIR R4 bundle §2.36.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

REST = re.compile(
    r"(?P<base>.+/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?"
)
"""A RESTful URL: its base, resource type and id."""

REQUESTS = frozenset({"transaction", "batch", "transaction-response", "batch-response"})
"""The types of Bundle whose entries are requests or their answers."""

Resource = dict[str, Any]


NOT_RESTFUL = "urn:"
"""Stands for the base of a fullUrl that has none, such as a UUID."""


def base_of(entry: Mapping[str, Any], resource: Mapping[str, Any]) -> str | None:
    """What stands before ``Type/id`` in the fullUrl of ``entry``; :data:`NOT_RESTFUL` or None without a fullUrl."""
    url = entry.get("fullUrl")
    if not isinstance(url, str):
        return None
    tail = f"{resource.get('resourceType')}/{resource.get('id')}"
    return url.removesuffix(tail) if url.endswith(tail) else NOT_RESTFUL


class BundleIndex:
    """The entries of one Bundle by fullUrl and by type and id, made once."""

    def __init__(self, bundle: Mapping[str, Any]) -> None:
        kind = bundle.get("type")
        self.type = kind if isinstance(kind, str) else None
        self.by_url: dict[str, list[Resource]] = {}
        self.by_id: dict[str, list[Resource]] = {}
        self.bases: dict[int, str | None] = {}
        for entry, resource in entries(bundle):
            url = entry.get("fullUrl")
            if resource is None:
                continue
            self.bases[id(resource)] = base_of(entry, resource)
            if isinstance(url, str):
                self.by_url.setdefault(url, []).append(resource)
            name = f"{resource.get('resourceType')}/{resource.get('id')}"
            self.by_id.setdefault(name, []).append(resource)

    def find(self, reference: str, base: str | None) -> tuple[Resource | None, str | None]:
        """The resource that ``reference``, in the entry whose fullUrl has this ``base``, leads to, and what is wrong.

        FHIR R4 bundle §2.36.4: a relative reference is resolved against the fullUrl of its entry if that is RESTful.
        """
        plain = reference.partition("#")[0]
        version = ""
        if "/_history/" in plain:
            plain, _, version = plain.partition("/_history/")
        if ":" in plain:
            url = plain
        elif base is None:
            if self.type in REQUESTS:
                found = self.by_id.get(plain, ())
                return (found[0] if found else None), None
            return None, "reference-no-full-url"
        else:
            if base == NOT_RESTFUL:
                return None, None
            url = base + plain
        found = self._matching(url, version)
        if len(found) > 1:
            return found[0], "reference-ambiguous"
        if found:
            return found[0], None
        return None, "reference-not-in-bundle" if url.startswith("urn:") and self.type not in REQUESTS else None

    def _matching(self, url: str, version: str) -> list[Resource]:
        found = self.by_url.get(url, [])
        if version and len(found) > 1:
            exact = [r for r in found if str((r.get("meta") or {}).get("versionId")) == version]
            return exact or found
        return found if len(found) < 2 or self.type != "history" else found[:1]


def entries(bundle: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Resource | None]]:
    """Each entry that is an object, with its resource if it has one."""
    listed = bundle.get("entry")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, Mapping):
            resource = entry.get("resource")
            yield entry, resource if isinstance(resource, dict) else None
