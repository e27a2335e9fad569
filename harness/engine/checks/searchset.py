"""``searchset``: the answer is a Bundle of type searchset, all of its pages taken together."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from harness.engine.checks.evidence import Evidence, ExpectationFault, as_list, entries, finding, not_fhir
from harness.engine.checks.that import compiled, environment
from harness.engine.events import Finding
from harness.engine.text import inert
from harness.engine.verdict import Verdict
from harness.errors import FHIRPathError
from harness.reason import Reason, told

_MODES = ("match", "include", "outcome")
_PORTS = {"http": 80, "https": 443}


def searchset(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield what does not hold: the Bundle's type, its entries, and ``includes``, ``excludes``, ``every-match``,
    ``matches`` and ``total``.
    """
    bundle = evidence.resource
    if bundle is None:
        index, response = next(evidence.answers)
        yield not_fhir(index, response)
        return
    if bundle["resourceType"] != "Bundle" or bundle.get("type") != "searchset":
        found = inert(f"{bundle['resourceType']} {bundle.get('type', '')}".strip(), 80)
        yield finding("searchset.type", exchange=0, expected="searchset", found=found, expression="Bundle.type")
        return
    yield from _entries(bundle)
    yield from _addresses(bundle, evidence.base)
    wanted = expected if isinstance(expected, Mapping) else {}
    there = [reference for entry in entries(bundle) if (reference := _reference(entry))]
    for reference in as_list(wanted.get("includes", ())):
        if reference not in there:
            found = ", ".join(there[:10]) or "no entry"
            yield finding("searchset.missing", exchange=0, expected=reference, found=inert(found))
    for reference in as_list(wanted.get("excludes", ())):
        if reference in there:
            position = there.index(reference)
            where = f"Bundle.entry[{position}]"
            yield finding("searchset.unexpected", exchange=0, found=reference, expression=where)
    conditions = as_list(wanted.get("every-match", ()))
    if conditions and not {"matches", "total"} & wanted.keys() and not any(matching(bundle)):
        said = ", ".join(map(str, conditions))
        yield finding("searchset.none", Verdict.UNDECIDED, exchange=0, expected=said, expression="Bundle.entry")
    for text in conditions:
        yield from _every_match(text, bundle, evidence)
    yield from _counts(wanted, bundle)


def matching(bundle: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield position and resource of each entry that matches: those with search.mode match, or without a mode."""
    for position, entry in enumerate(entries(bundle)):
        resource = entry.get("resource")
        if _mode(entry) == "match" and isinstance(resource, dict):
            yield position, resource


def _mode(entry: Mapping[str, Any]) -> Any:
    search = entry.get("search")
    return search.get("mode", "match") if isinstance(search, dict) else "match"


def _reference(entry: Mapping[str, Any]) -> str:
    resource = entry.get("resource")
    if not isinstance(resource, dict):
        return ""
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _entries(bundle: Mapping[str, Any]) -> Iterator[Finding]:
    for position, entry in enumerate(entries(bundle)):
        search = entry.get("search")
        mode = search.get("mode") if isinstance(search, dict) else None
        if mode is not None and mode not in _MODES:
            where = f"Bundle.entry[{position}].search.mode"
            yield finding("searchset.mode", exchange=0, expression=where, found=inert(str(mode), 80))
    found = Counter(f"{resource.get('resourceType')}/{resource.get('id')}" for _, resource in matching(bundle))
    for reference, count in found.items():
        if count > 1 and not reference.endswith("/None"):
            yield finding("searchset.duplicate", exchange=0, found=inert(reference, 120))
    links = bundle.get("link")
    relations = [link.get("relation") for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    if "self" not in relations:
        yield finding("searchset.self-link", Verdict.WARN, exchange=0, expected="self", expression="Bundle.link")


def _addresses(bundle: Mapping[str, Any], base: str) -> Iterator[Finding]:
    """Yield each fullUrl that is not of its resource, and the first match that is said to be at another server.

    A fullUrl that is a URL agrees with the id of its resource (bundle-definitions.html#Bundle.entry.fullUrl). That it
    stands below the base is only to be looked for: a gateway may give the server another address.
    """
    elsewhere = False
    for position, entry in enumerate(entries(bundle)):
        url, resource, mode = entry.get("fullUrl"), entry.get("resource"), _mode(entry)
        if not isinstance(url, str) or not isinstance(resource, dict) or not resource.get("id") or mode == "outcome":
            continue
        reference, where = _reference(entry), f"Bundle.entry[{position}].fullUrl"
        if not url.lower().startswith(("http://", "https://")):
            continue
        if not url.endswith(f"/{reference}"):
            found = inert(url, 200)
            yield finding(
                "searchset.full-url", exchange=0, expected=inert(reference, 120), found=found, expression=where
            )
        elif mode == "match" and not elsewhere and _address(url) != _address(f"{base.rstrip('/')}/{reference}"):
            elsewhere = True
            found = inert(url, 200)
            yield finding("searchset.elsewhere", Verdict.WARN, exchange=0, expected=base, found=found, expression=where)


def _address(url: str) -> tuple[str, str | None, int | None, str] | str:
    """Return ``url`` so that two ways to write it are equal; as it is when it is no URL."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme), parts.path
    except ValueError:
        return url


def _every_match(text: Any, bundle: Mapping[str, Any], evidence: Evidence) -> Iterator[Finding]:
    expression = compiled(text)
    for position, resource in matching(bundle):
        where = f"Bundle.entry[{position}].resource"
        name = inert(f"{resource.get('resourceType')}/{resource.get('id')}", 120)
        try:
            holds = expression.test(resource, environment(evidence))
        except (FHIRPathError, RecursionError, ArithmeticError) as problem:
            found = inert(told(problem))
            yield finding("that.undecided", Verdict.UNDECIDED, expected=text, found=found, expression=where)
        else:
            if not holds:
                yield finding("searchset.match", exchange=0, expected=text, found=name, expression=where)


def _counts(wanted: Mapping[str, Any], bundle: Mapping[str, Any]) -> Iterator[Finding]:
    if "matches" in wanted:
        count = sum(1 for _ in matching(bundle))
        if not in_range(wanted["matches"], count):
            said = range_text(wanted["matches"])
            yield finding("searchset.matches", exchange=0, expected=said, found=count, expression="Bundle.entry")
    if "total" in wanted:
        total = bundle.get("total")
        if not in_range(wanted["total"], total):
            found = "absent" if total is None else inert(str(total), 40)
            said = range_text(wanted["total"])
            yield finding("searchset.total", exchange=0, expected=said, found=found, expression="Bundle.total")


def in_range(wanted: Any, found: Any) -> bool:
    """Tell whether a count is ``wanted`` (a number, or ``min`` and ``max``). Raises ExpectationFault."""
    if type(found) is not int:
        return False
    least, most = _bounds(wanted)
    return (least is None or found >= least) and (most is None or found <= most)


def range_text(wanted: Any) -> Reason:
    """Return a range of ``in_range`` for people."""
    least, most = _bounds(wanted)
    if least == most:
        return Reason(str(least), str(least))
    if least is None:
        return Reason(f"at most {most}", f"au plus {most}")
    if most is None:
        return Reason(f"at least {least}", f"au moins {least}")
    return Reason(f"{least} to {most}", f"{least} à {most}")


def _bounds(wanted: Any) -> tuple[int | None, int | None]:
    ends = (wanted.get("min"), wanted.get("max")) if isinstance(wanted, Mapping) else (wanted, wanted)
    least, most = (int(end) if isinstance(end, str) and end.isascii() and end.isdigit() else end for end in ends)
    if any(end is not None and type(end) is not int for end in (least, most)):
        raise ExpectationFault(
            f"{wanted!r} is not a whole number, or min and max", f"{wanted!r} n'est ni un nombre entier, ni min et max"
        )
    return least, most
