"""Bundles: where references lead in them, and the rules of each type (FHIR R4 bundle §2.36)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from harness.validation.bundle_index import REQUESTS, REST, BundleIndex, base_of, entries
from harness.validation.location import Location
from harness.validation.scope import Scope

_SEARCH_LINKS = frozenset({"first", "previous", "prev", "next", "last"})
_FIRST = {"document": "Composition", "message": "MessageHeader"}


def check(bundle: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report what breaks the rules of the Bundle as a whole."""
    kind = bundle.get("type")
    _check_full_urls(bundle, kind, where, scope)
    listed = bundle.get("entry")
    count = len(listed) if isinstance(listed, list) else 0
    if kind in _FIRST:
        _check_first(bundle, str(kind), count, where, scope)
    if kind == "searchset":
        _check_search(bundle, where, scope)
    else:
        _check_links(bundle, kind, where, scope)
    if kind == "document":
        _check_document(bundle, where, scope)


def _check_full_urls(bundle: Mapping[str, Any], kind: Any, where: Location, scope: Scope) -> None:
    seen: set[tuple[str, Any]] = set()
    for index, (entry, resource) in enumerate(entries(bundle)):
        place = (where, "entry", index)
        url = entry.get("fullUrl")
        if not isinstance(url, str):
            if resource is not None and url is None and kind not in REQUESTS:
                scope.report("bundle-full-url-missing", place)
            continue
        if ":" not in url:
            scope.report("bundle-full-url-relative", place, found=url)
        if resource is None:
            continue
        version = (resource.get("meta") or {}).get("versionId") if isinstance(resource.get("meta"), dict) else None
        if kind not in ("history", *REQUESTS) and (url, version) in seen:
            scope.report("bundle-full-url-duplicate", where, found=url, constraint="bdl-7")
        seen.add((url, version))
        rest = REST.fullmatch(url)
        name = resource.get("id")
        if (
            rest
            and ":" in url
            and rest["type"] == resource.get("resourceType")
            and isinstance(name, str)
            and rest["id"] != name
        ):
            scope.report("bundle-full-url-id", place, found=url, expected=name)


def _check_first(bundle: Mapping[str, Any], kind: str, count: int, where: Location, scope: Scope) -> None:
    if not count:
        scope.report("bundle-empty", where, expected=kind)
        return
    first = next(iter(entries(bundle)), None)
    found = first[1].get("resourceType") if first and first[1] else None
    if found != _FIRST[kind]:
        scope.report(
            "bundle-first-entry", (where, "entry", 0), expected=kind, detail=_FIRST[kind], found=found or "nothing"
        )


def _check_links(bundle: Mapping[str, Any], kind: Any, where: Location, scope: Scope) -> None:
    if kind not in ("document", "message", "collection", "transaction", "batch"):
        return
    links = bundle.get("link")
    for index, link in enumerate(links if isinstance(links, list) else ()):
        relation = link.get("relation") if isinstance(link, Mapping) else None
        if relation in _SEARCH_LINKS:
            scope.report("bundle-link", ((where, "link", index), "relation", -1), found=relation, expected=kind)


def _search_types(bundle: Mapping[str, Any], scope: Scope) -> list[str]:
    """The resource types that the self link says were searched; empty when it does not say."""
    for link in bundle.get("link") or ():
        if isinstance(link, Mapping) and link.get("relation") == "self" and isinstance(link.get("url"), str):
            parts = urlsplit(link["url"])
            named = parse_qs(parts.query).get("_type")
            types = named[0].split(",") if named else [parts.path.rstrip("/").rpartition("/")[2]]
            if "$" in parts.path or not set(types) <= scope.session.judge.resource_types:
                return []
            return types
    return []


def _check_search(bundle: Mapping[str, Any], where: Location, scope: Scope) -> None:
    types = _search_types(bundle, scope)
    for index, (entry, resource) in enumerate(entries(bundle)):
        if resource is None:
            continue
        place = ((where, "entry", index), "resource", -1)
        found = resource.get("resourceType")
        search = entry.get("search")
        mode = search.get("mode") if isinstance(search, Mapping) else None
        if mode == "match" if found == "OperationOutcome" else not resource.get("id"):
            scope.report("bundle-search-id", place)
        if mode == "outcome" and found != "OperationOutcome":
            scope.report("bundle-search-outcome", place, found=found)
        elif types and found not in types and mode == "match":
            scope.report("bundle-search-type", place, found=found, expected=", ".join(types))


def _references(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every literal reference below ``value`` that leads out of the resource, with its path."""
    if isinstance(value, Mapping):
        text = value.get("reference")
        if isinstance(text, str) and not text.startswith("#"):
            yield text, path
        for key, child in value.items():
            yield from _references(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _references(child, f"{path}[{index}]")


def _check_document(bundle: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """The Composition's own references lead to entries; every entry is reachable from it, either way (§3.3.1)."""
    index = BundleIndex(bundle)
    pairs = list(entries(bundle))
    if not pairs or pairs[0][1] is None or pairs[0][1].get("resourceType") != "Composition":
        return
    links: dict[int, set[int]] = {id(resource): set() for _, resource in pairs if resource is not None}
    for position, (entry, resource) in enumerate(pairs):
        if resource is None:
            continue
        for text, path in _references(resource, ""):
            target, _ = index.find(text, base_of(entry, resource))
            if target is not None and id(target) in links:
                links[id(resource)].add(id(target))
                links[id(target)].add(id(resource))
            elif position == 0 and _belongs(path) and text in index.by_id:
                place = ((where, "entry", 0), "resource", -1)
                for segment in path.split("."):
                    name, _, number = segment.partition("[")
                    place = (place, name, int(number[:-1]) if number else -1)
                scope.report("bundle-reference", place, found=text, detail=f"Composition.{path}")
    reached, waiting = set(), [id(pairs[0][1])]
    while waiting:
        current = waiting.pop()
        if current not in reached:
            reached.add(current)
            waiting.extend(links[current] - reached)
    for position, (entry, resource) in enumerate(pairs):
        if resource is not None and id(resource) not in reached:
            scope.report("bundle-unreachable", (where, "entry", position), found=entry.get("fullUrl"))


def _belongs(path: str) -> bool:
    return path.split("[", maxsplit=1)[0].split(".", maxsplit=1)[0] in (
        "subject",
        "encounter",
        "author",
        "attester",
        "custodian",
        "event",
        "section",
    )
