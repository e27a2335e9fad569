"""Where references lead in a Bundle (FHIR R4 bundle §2.36.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

REST = re.compile(
    r"(?P<base>.+/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?"
)
"""A RESTful URL: its base, resource type and id."""

ANSWERS = frozenset({"transaction-response", "batch-response"})
"""The types of Bundle whose entries are answers to requests."""
REQUESTS = ANSWERS | {"transaction", "batch"}
"""The types of Bundle whose entries are requests or their answers."""

Resource = dict[str, Any]


NOT_RESTFUL = "urn:"
"""Stands for the base of a fullUrl that has none, such as a UUID."""
SERVER = "[base]"
"""Stands for the base of an entry that is to be created: it needs no fullUrl, and the server's is meant."""


def method_of(entry: Mapping[str, Any]) -> Any:
    """The HTTP method of the entry of a transaction or batch."""
    request = entry.get("request")
    return request.get("method") if isinstance(request, Mapping) else None


def version_of(resource: Resource | None) -> str | None:
    """The ``meta.versionId`` of a resource."""
    meta = resource.get("meta") if resource else None
    return str(meta.get("versionId")) if isinstance(meta, dict) else None


def base_of(entry: Mapping[str, Any], resource: Mapping[str, Any]) -> str | None:
    """What stands before ``Type/id`` in the fullUrl of ``entry``; :data:`NOT_RESTFUL` where that is no REST URL.

    Without a fullUrl :data:`SERVER` for a POST, else None (R4 Bundle.entry.fullUrl: only a POST may do without).
    """
    url = entry.get("fullUrl")
    if not isinstance(url, str):
        return SERVER if method_of(entry) == "POST" else None
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

        FHIR R4 bundle §2.36.4: a relative reference is resolved against the fullUrl of its entry if that is RESTful;
        a version that it names is that of the resource's ``meta.versionId``.
        """
        plain = reference.partition("#")[0]
        version = ""
        if "/_history/" in plain:
            plain, _, version = plain.partition("/_history/")
        if ":" in plain:
            url = plain
        elif base in (None, SERVER):
            if self.type in ANSWERS or (base == SERVER and self.type in REQUESTS):
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
        if version:
            return [resource for resource in found if version_of(resource) == version]
        return found if len(found) < 2 or self.type != "history" else found[:1]


def entries(bundle: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Resource | None]]:
    """Each entry that is an object, with its resource if it has one."""
    listed = bundle.get("entry")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, Mapping):
            resource = entry.get("resource")
            yield entry, resource if isinstance(resource, dict) else None
