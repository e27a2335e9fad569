"""What a defect is, and the ways in which one takes hold of a server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.sandbox import codec
from harness.sandbox.call import Answer, Call
from harness.sandbox.codec import Resource
from harness.sandbox.routes import Route
from harness.sandbox.seams import Seams
from harness.sandbox.search.query import Criterion, Query
from harness.sandbox.store import Entry, Record
from harness.sandbox.unit import Change, Rule, Unit

Json = dict[str, Any]
_CONSEQUENCES = re.compile(r" (?:slice-unmatched|slice-min|slice-max|profile-none-matches|reference-target-profile) ")


@dataclass(frozen=True, slots=True)
class Defect:
    """One departure. ``requirement`` is the one that it violates; ``summary`` says what a client sees.

    ``policy`` replaces choices of the server, ``waives`` names rules that it then leaves out.
    """

    name: str
    requirement: str
    summary: str
    seams: Seams = field(default_factory=Seams)
    policy: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    waives: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Altered:
    """A rule that changes what is stored: ``alter`` takes what was there (None: nothing) and what comes."""

    alter: Callable[[Unit, Change], Resource]

    def before(self, unit: Unit, change: Change) -> Change:
        """Store the altered resource."""
        return replace(change, after=self.alter(unit, change))

    def deleting(self, unit: Unit, latest: Record) -> None:
        """Leave deletions alone."""


def storing(
    alter: Callable[[Resource], Resource], *types: str, methods: Collection[str] = ("POST", "PUT", "PATCH")
) -> tuple[Rule, ...]:
    """Store ``types`` (none: all) altered, when they come by one of ``methods``."""
    return merging(lambda _, after: alter(after), *types, methods=methods, fresh=True)


def merging(
    alter: Callable[[Resource, Resource], Resource],
    *types: str,
    methods: Collection[str] = ("PUT", "PATCH"),
    fresh: bool = False,
) -> tuple[Rule, ...]:
    """Store what ``alter`` makes of the version before and the one that comes; new resources only where ``fresh``."""

    def change(_: Unit, found: Change) -> Resource:
        concerned = (not types or found.type in types) and found.method in methods
        if not concerned or (found.before is None and not fresh):
            return found.after
        return alter(found.before or {}, found.after)

    return (Altered(change),)


def aside(alter: Callable[[Resource, Resource], Resource], type_: str) -> tuple[Rule, ...]:
    """Alter what the server itself makes of a ``type_`` that the request is not about: a consequence."""

    def change(unit: Unit, found: Change) -> Resource:
        call = unit.call
        asked = call.path == f"{type_}/{found.id}" or (call.path == type_ and call.method != "POST")
        concerned = found.type == type_ and found.before is not None and not asked
        return alter(found.before or {}, found.after) if concerned else found.after

    return (Altered(change),)


def body(answer: Answer) -> Json | None:
    """The resource of ``answer``, or None."""
    if answer.text is not None:
        return codec.stored(answer.text)
    return None if answer.resource is None else codec.stored(codec.emit(answer.resource).decode())


def carrying(answer: Answer, resource: Json | None) -> Answer:
    """``answer`` with ``resource`` in place of its own."""
    return replace(answer, resource=resource, text=None, raw=None)


def answering(
    change: Callable[[Answer], Answer],
    *types: str,
    routes: Collection[str] = (),
    statuses: Collection[int] = (),
    path: str = "",
) -> Seams:
    """Change the answers to ``routes`` about ``types`` with one of ``statuses``; what is empty admits all."""

    def finish(call: Call, route: Route, answer: Answer) -> Answer:
        fits = (not types or route.type in types) and (not routes or route.name in routes)
        fits = fits and (not statuses or answer.status in statuses) and re.search(path, call.path) is not None
        return change(answer) if fits else answer

    return Seams(answer=(finish,))


def telling(change: Callable[[Json], Json | None], *types: str, **where: Any) -> Seams:
    """Change the resource of answers, as :func:`answering` does."""

    def alter(answer: Answer) -> Answer:
        found = body(answer)
        return answer if found is None else carrying(answer, change(found))

    return answering(alter, *types, **where)


def asking(change: Callable[[Call], Call], *methods: str, path: str = "") -> Seams:
    """Take requests with one of ``methods`` on a path that ``path`` finds for others."""

    def alter(call: Call) -> Call:
        return change(call) if (not methods or call.method in methods) and re.search(path, call.path) else call

    return Seams(request=(alter,))


def sent(call: Call) -> Json:
    """The JSON object in the body of ``call``; empty where there is none."""
    try:
        found = json.loads(call.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def resent(call: Call, resource: Json) -> Call:
    """``call`` with ``resource`` as its body."""
    return replace(call, body=codec.emit(resource))


def without(headers: Mapping[str, str], *names: str) -> dict[str, str]:
    """``headers`` but ``names``."""
    return {name: value for name, value in headers.items() if name not in names}


def dropping(*names: str) -> Callable[[Call], Call]:
    """Requests without the headers ``names`` (lower case)."""
    return lambda call: replace(call, headers=without(call.headers, *names))


def blind(*patterns: str) -> Seams:
    """Overlook the issues that one of ``patterns`` finds in ``expression code rule diagnostics``.

    What follows from such an issue in a Bundle (an entry fits no slice any more) is overlooked with it.
    """
    wanted = re.compile("|".join(patterns))

    def look(issues: list[Json]) -> list[Json]:
        told = [(item, _told(item)) for item in issues]
        if not any(wanted.search(text) for _, text in told):
            return issues
        return [item for item, text in told if not wanted.search(text) and not _CONSEQUENCES.search(text)]

    return Seams(overlooked=(look,))


def _told(item: Json) -> str:
    rule = next((str(coding.get("code")) for coding in item.get("details", {}).get("coding", ())), "-")
    return f"{','.join(item.get('expression', ()))} {item['code']} {rule} {item.get('diagnostics', '')}"


def searching(change: Callable[[Query], Query], *types: str) -> Seams:
    """Change the queries on ``types``; none means all."""
    return Seams(search=(lambda query: change(query) if not types or query.type in types else query,))


def names_of(criterion: Criterion) -> str:
    """The codes of a criterion and of what is chained from it: ``actor.identifier``."""
    inner = sorted({names_of(link) for _, link in criterion.chain})
    return criterion.parameter.code + (f".{inner[0]}" if inner else "")


def targets_of(criterion: Criterion) -> str:
    """The types that a criterion follows, from the first one: ``Schedule.Practitioner``."""
    return ".".join([criterion.target, *(targets_of(link) for _, link in criterion.chain[:1])])


def deaf(pattern: str, *types: str) -> Seams:
    """Leave out the criteria whose names, or the types that they follow, ``pattern`` finds."""

    def change(query: Query) -> Query:
        kept = [
            item
            for item in query.criteria
            if not re.search(pattern, f"{names_of(item)} {targets_of(item)} {item.modifier}")
        ]
        return replace(query, criteria=tuple(kept))

    return searching(change, *types)


def values(change: Callable[[tuple[str, ...]], tuple[str, ...]], code: str, *types: str, kind: str = "") -> Seams:
    """Change the values of the criteria whose names ``code`` finds, of the parameter type ``kind``."""

    def altered(item: Criterion, before: str = "") -> Criterion:
        fits = re.search(code, before + names_of(item)) and (not kind or item.parameter.type == kind)
        inner = tuple((type_, altered(link, f"{before}{item.parameter.code}.")) for type_, link in item.chain)
        return replace(item, chain=inner, values=change(item.values) if fits and item.values else item.values)

    return searching(lambda query: replace(query, criteria=tuple(altered(item) for item in query.criteria)), *types)


def unindexed(*keys: str, contained: bool = False) -> Seams:
    """Leave the parameters ``keys`` (``Type.code``) out of the index, or, where ``contained``, those of inner ones."""

    def change(_: Resource, entry: Entry) -> Entry:
        if contained:
            return replace(entry, contained=())
        rows = {kind: [row for row in found if row["param"] not in keys] for kind, found in entry.rows.items()}
        return replace(entry, rows=rows)

    return Seams(index=(change,))


def listing(change: Callable[[Call, Json], Json], *types: str) -> Seams:
    """Change the searchsets of ``types``; none means all."""

    def alter(call: Call, bundle: Json) -> Json:
        concerned = not types or call.path.partition("/")[0] in types
        return change(call, bundle) if concerned else bundle

    return Seams(searchset=(alter,))


def entries(change: Callable[[Json], Json]) -> Callable[[Call, Json], Json]:
    """Change each entry of a Bundle."""

    def alter(_: Call, bundle: Json) -> Json:
        return {**bundle, "entry": [change(entry) for entry in bundle["entry"]]} if "entry" in bundle else bundle

    return alter


def links(change: Callable[[Json], Json]) -> Callable[[Call, Json], Json]:
    """Change each link of a Bundle."""
    return lambda _, bundle: {**bundle, "link": [change(link) for link in bundle["link"]]}


def each(value: Any, change: Callable[[Any], Any]) -> Any:
    """``value`` with ``change`` applied to every text and number in it."""
    if isinstance(value, dict):
        return {key: each(child, change) for key, child in value.items()}
    if isinstance(value, list):
        return [each(child, change) for child in value]
    return change(value)
