"""Documents and messages: what the first entry refers to is in the Bundle, and all of it hangs together.

FHIR R4 documents §3.3.1 (document content) and messaging §2.37.4 (MessageHeader.focus).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.validation.bundle_index import REST, BundleIndex, base_of, entries
from harness.validation.location import Location
from harness.validation.scope import Scope

_INDEX = re.compile(r"\[\d+\]")
_OWN = {
    "Composition": re.compile(
        r"subject|encounter|author|custodian|attester\.party|event\.detail|(?:section\.)+(?:author|focus|entry)"
    ),
    "MessageHeader": re.compile("focus"),
}
"""The references of the first entry's resource whose targets the Bundle must hold, by their paths."""


def references(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every literal reference below ``value`` that leads out of the resource, with its path.

    Those in a Bundle are resolved in that Bundle, and so lead nowhere from here.
    """
    if isinstance(value, Mapping):
        if value.get("resourceType") == "Bundle":
            return
        text = value.get("reference")
        if isinstance(text, str) and not text.startswith("#"):
            yield text, path
        for key, child in value.items():
            yield from references(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from references(child, f"{path}[{index}]")


def check_whole(bundle: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report references that must lead to entries and do not, and entries of a document that nothing leads to."""
    index = BundleIndex(bundle)
    pairs = [(position, entry, r) for position, (entry, r) in enumerate(entries(bundle)) if r is not None]
    first = pairs[0][2] if pairs and pairs[0][0] == 0 else {}
    own = _OWN.get(str(first.get("resourceType")))
    if own is None:
        return
    links: dict[int, set[int]] = {id(resource): set() for _, _, resource in pairs}
    for _, entry, resource in pairs:
        for text, path in references(resource):
            base = base_of(entry, resource)
            target, problem = index.find(text, base)
            if problem == "reference-ambiguous":
                scope.report(problem, where, found=text)
            if target is not None and id(target) in links:
                links[id(resource)].add(id(target))
                links[id(target)].add(id(resource))
            elif resource is first and own.fullmatch(_INDEX.sub("", path)):
                if _names_resource(text, scope) and not _is_canonical(text, scope):
                    place = _place(((where, "entry", 0), "resource", -1), path)
                    scope.report("bundle-reference", place, found=text, detail=f"{first['resourceType']}.{path}")
            elif base is not None and text.partition("/_history/")[0] in index.by_id:
                # it is there, but under a fullUrl or a version that the reference does not lead to
                scope.report("bundle-reference", where, found=text, detail=f"{resource.get('resourceType')}.{path}")
    if bundle.get("type") == "document":
        _check_reached(pairs, links, where, scope)


def _check_reached(
    pairs: list[tuple[int, Mapping[str, Any], dict[str, Any]]],
    links: dict[int, set[int]],
    where: Location,
    scope: Scope,
) -> None:
    """Every entry is reachable from the Composition, following references either way."""
    reached, waiting = set(), [id(pairs[0][2])]
    while waiting:
        current = waiting.pop()
        if current not in reached:
            reached.add(current)
            waiting.extend(links[current] - reached)
    for position, entry, resource in pairs:
        if id(resource) not in reached:
            scope.report("bundle-unreachable", (where, "entry", position), found=entry.get("fullUrl"))


def _place(where: Location, path: str) -> Location:
    for segment in path.split("."):
        name, _, number = segment.partition("[")
        where = (where, name, int(number[:-1]) if number else -1)
    return where


def _names_resource(text: str, scope: Scope) -> bool:
    """Whether the text of a reference is a URL or ``Type/id``; what it is else, the reference itself tells."""
    return ":" in text or text.partition("/")[0] in scope.session.judge.resource_types


def _is_canonical(url: str, scope: Scope) -> bool:
    """Whether an absolute URL leads to a definition, which need not travel with a document."""
    rest = REST.fullmatch(url) if ":" in url else None
    tree = scope.session.judge.compiler.type_tree(rest["type"]) if rest else None
    return tree is not None and {"url", "publisher"} <= tree.children.keys()
