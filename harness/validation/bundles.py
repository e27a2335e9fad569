"""Bundles: where references lead in them, and the rules of each type (FHIR R4 bundle §2.36)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from harness.validation.bundle_index import ANSWERS, REQUESTS, REST, entries, method_of, version_of
from harness.validation.documents import check_whole, references
from harness.validation.location import Location
from harness.validation.scope import Scope

_SEARCH_LINKS = frozenset({"first", "previous", "next", "last"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")
_FIRST = {"document": "Composition", "message": "MessageHeader"}


def check(bundle: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report what breaks the rules of the Bundle as a whole."""
    found = bundle.get("type")
    kind = found if isinstance(found, str) else None
    _check_full_urls(bundle, kind, where, scope)
    listed = bundle.get("entry")
    count = len(listed) if isinstance(listed, list) else 0
    if kind in _FIRST:
        _check_first(bundle, str(kind), count, where, scope)
    _check_links(bundle, kind, where, scope)
    if kind == "searchset":
        _check_search(bundle, where, scope)
    if kind in _FIRST:
        check_whole(bundle, where, scope)


def _check_full_urls(bundle: Mapping[str, Any], kind: Any, where: Location, scope: Scope) -> None:
    seen: set[tuple[str, str | None]] = set()
    for index, (entry, resource) in enumerate(entries(bundle)):
        place = (where, "entry", index)
        url = entry.get("fullUrl")
        if not isinstance(url, str):
            if url is None and _needs_full_url(entry, resource, kind):
                scope.report("bundle-full-url-missing", place)
            continue
        if not _ABSOLUTE.match(url):
            scope.report("bundle-full-url-relative", place, found=url)
        version = version_of(resource)
        if kind != "history" and (url, version) in seen:
            scope.report("bundle-full-url-duplicate", where, found=url, constraint="bdl-7")
        seen.add((url, version))
        if resource is not None:
            _check_identity(url, resource, place, scope)


def _needs_full_url(entry: Mapping[str, Any], resource: Mapping[str, Any] | None, kind: Any) -> bool:
    """Outside requests every entry; what a request changes, where its references must be resolved (§2.36.4)."""
    if kind == "searchset" and _mode(entry) == "outcome":
        return resource is None or resource.get("resourceType") != "OperationOutcome"
    if kind not in REQUESTS:
        return True
    if resource is None or kind in ANSWERS:
        return False
    return method_of(entry) != "POST" and next(references(resource), None) is not None


def _mode(entry: Mapping[str, Any]) -> Any:
    """Why the entry stands in a searchset. An ``outcome`` is made for the answer: it needs no address of its own."""
    search = entry.get("search")
    return search.get("mode") if isinstance(search, Mapping) else None


def _check_identity(url: str, resource: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """A RESTful fullUrl ends with the type and the id of its resource; a canonical URL is no RESTful one."""
    kind, name = resource.get("resourceType"), resource.get("id")
    rest = REST.fullmatch(url)
    if rest and url.startswith("http") and rest["type"] in scope.session.judge.resource_types:
        if (rest["type"], rest["id"]) != (kind, name):
            scope.report("bundle-full-url-id", where, found=url, expected=f"{kind}/{name}")
    elif url == resource.get("url") and not url.endswith(f"/{name}"):
        scope.report("bundle-full-url-id", where, found=url, expected=f"{kind}/{name}")


def _check_first(bundle: Mapping[str, Any], kind: str, count: int, where: Location, scope: Scope) -> None:
    if not count:
        scope.report("bundle-empty", where, expected=kind)
        return
    first = next(iter(entries(bundle)), None)
    found = first[1].get("resourceType") if first and first[1] else None
    if found != _FIRST[kind]:
        entry = (where, "entry", 0)
        place = (entry, "resource", -1) if found else entry
        scope.report("bundle-first-entry", place, expected=kind, detail=_FIRST[kind], found=found or "nothing")


def _check_links(bundle: Mapping[str, Any], kind: Any, where: Location, scope: Scope) -> None:
    links = bundle.get("link")
    seen: set[str] = set()
    paged = kind in ("searchset", "history")
    for index, link in enumerate(links if isinstance(links, list) else ()):
        relation = link.get("relation") if isinstance(link, Mapping) else None
        if not isinstance(relation, str) or kind is None:
            continue
        place = (where, "link", index)
        if relation in _SEARCH_LINKS and not paged:
            scope.report("bundle-link", (place, "relation", -1), found=relation, expected=kind)
        elif relation in seen:
            scope.report("bundle-link-twice", place if paged else (place, "relation", -1), found=relation)
        if relation == "self" or relation in _SEARCH_LINKS:
            seen.add(relation)


def _search_types(bundle: Mapping[str, Any], scope: Scope) -> list[str]:
    """The resource types that the self link says were searched; empty when it does not say."""
    for link in bundle.get("link") or ():
        if isinstance(link, Mapping) and link.get("relation") == "self" and isinstance(link.get("url"), str):
            try:
                parts = urlsplit(link["url"])
            except ValueError:
                return []
            known = scope.session.judge.resource_types
            types = [parts.path.rstrip("/").rpartition("/")[2]]
            if types[0] not in known:  # a search of the whole server
                types = parse_qs(parts.query).get("_type", [""])[0].split(",")
            return types if "$" not in parts.path and known.issuperset(types) else []
    return []


def _check_search(bundle: Mapping[str, Any], where: Location, scope: Scope) -> None:
    types = _search_types(bundle, scope)
    for index, (entry, resource) in enumerate(entries(bundle)):
        if resource is None:
            scope.report("bundle-search-resource", (where, "entry", index))
            continue
        place = ((where, "entry", index), "resource", -1)
        found = resource.get("resourceType")
        mode = _mode(entry)
        if not resource.get("id") and (mode is not None or found != "OperationOutcome") and mode != "outcome":
            scope.report("bundle-search-id", place, severity=None if mode in ("match", "include") else "warning")
        if mode == "outcome" and found != "OperationOutcome":
            scope.report("bundle-search-outcome", place, found=found)
        elif types and found not in types and mode == "match":
            scope.report("bundle-search-type", place, found=found, expected=", ".join(types))
