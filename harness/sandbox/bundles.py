"""Batch and transaction (https://hl7.org/fhir/R4/http.html#transaction).

A transaction is one unit of work: entries run in the order DELETE, POST, PUT and PATCH, GET and HEAD; references
between entries are rewritten to the identities that the entries get; any failure undoes all of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from harness.sandbox import codec, negotiation
from harness.sandbox.call import Answer, Call
from harness.sandbox.codec import Resource
from harness.sandbox.problems import Problem
from harness.sandbox.routes import Route, check_id, match
from harness.sandbox.search.query import pairs_of
from harness.sandbox.unit import Environment, Unit

_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
_LINKS = frozenset({"reference", "url", "uri", "valueUri", "valueUrl", "valueOid", "valueUuid"})
_CONDITIONS = {
    "ifNoneMatch": "if-none-match",
    "ifModifiedSince": "if-modified-since",
    "ifMatch": "if-match",
    "ifNoneExist": "if-none-exist",
}

MOST_OCTETS = 16 * 1024 * 1024
"""How long the answers to the entries of one Bundle may be together: a short search can have a long one."""

Perform = Callable[[Unit, Route, str | None], Answer]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry, understood: its request as a call, its route, and the id promised to what it creates."""

    position: int
    full_url: str | None
    call: Call
    route: Route
    new_id: str | None = None
    target: str | None = None

    @property
    def where(self) -> str:
        """FHIRPath of the entry."""
        return f"Bundle.entry[{self.position}]"


def _invalid(diagnostics: str, expression: str) -> Problem:
    return Problem(400, "invalid", diagnostics, expression)


def bundle_of(call: Call) -> dict[str, Any]:
    """The body as a Bundle of type batch or transaction. Raises :class:`Problem` (400)."""
    bundle = call.resource
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise _invalid("A Bundle of type transaction or batch belongs here.", "resourceType")
    if bundle.get("type") not in ("transaction", "batch"):
        raise _invalid(f"Bundle.type is {bundle.get('type')!r}; write transaction or batch.", "Bundle.type")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _invalid("Bundle.entry is not a list of objects.", "Bundle.entry")
    return bundle


def item_of(call: Call, entry: Mapping[str, Any], position: int, types: frozenset[str]) -> Item:
    """Understand one entry. Raises :class:`Problem` (400, 404, 405)."""
    request = entry.get("request")
    method = request.get("method") if isinstance(request, dict) else None
    url = request.get("url") if isinstance(request, dict) else None
    if not isinstance(request, dict) or not isinstance(method, str) or not isinstance(url, str) or method not in _ORDER:
        raise _invalid("An entry needs a request with a method and a url.", "Bundle.request")
    path, _, query = url.removeprefix(f"{call.base}/").removeprefix("/").partition("?")
    headers = {name: str(request[key]) for key, name in _CONDITIONS.items() if key in request}
    kept = {name: value for name, value in call.headers.items() if name == "prefer"}
    resource: Any = entry.get("resource")
    if method in {"POST", "PUT", "PATCH"} and not isinstance(resource, dict):
        raise _invalid(f"A {method} entry needs a resource.", "Bundle.resource")
    if method == "PATCH":
        resource = negotiation.patch_of_entry(resource)
    inner = Call(
        method=method,
        base=call.base,
        path=unquote(path),
        query=tuple(pairs_of(query)),
        headers={**kept, **headers},
        resource=resource,
        caller=call.caller,
    )
    route = match(method, inner.path, types)
    if route.name in {"transaction", "capabilities"}:
        raise _invalid(f"'{url}' cannot be called from inside a Bundle.", "Bundle.request.url")
    full_url = entry.get("fullUrl")
    return Item(position, full_url if isinstance(full_url, str) else None, inner, route)


def _items(unit: Unit, bundle: Mapping[str, Any]) -> list[Item]:
    items = []
    for position, entry in enumerate(bundle.get("entry", [])):
        try:
            items.append(item_of(unit.call, entry, position, unit.env.types))
        except Problem as problem:
            raise problem.within(f"Bundle.entry[{position}]") from None
    return items


def _identify(unit: Unit, item: Item) -> Item:
    """Decide, before anything is written, which resource a POST or PUT entry is about."""
    inner = replace(unit, call=item.call)
    name, type_ = item.route.name, item.route.type
    found = []
    if name == "create" and item.call.header("if-none-exist") is not None:
        condition = (item.call.header("if-none-exist") or "").removeprefix("?")
        found = inner.matching(type_, pairs_of(condition))
    elif name == "conditional-update":
        found = inner.matching(type_, list(item.call.query))
    elif name == "update":
        return replace(item, target=f"{type_}/{item.route.id}")
    elif name != "create":
        return item
    if found:
        return replace(item, target=found[0].reference)
    own = item.call.resource.get("id") if name == "conditional-update" else None
    new_id = check_id(own) if isinstance(own, str) else str(uuid.uuid4())
    return replace(item, new_id=new_id, target=f"{type_}/{new_id}")


def _identities(unit: Unit, items: list[Item]) -> dict[str, str]:
    """What each ``fullUrl`` is here: ``Type/id``. Raises :class:`Problem` (400) where two entries claim one."""
    known: dict[str, str] = {}
    changed: set[str] = set()
    for item in items:
        if item.full_url and item.target:
            if item.full_url in known and item.call.method != "GET":
                raise _invalid(f"The fullUrl {item.full_url} stands twice.", f"{item.where}.fullUrl")
            known[item.full_url] = item.target
        if item.call.method in {"PUT", "DELETE", "PATCH"}:
            target = item.target or f"{item.route.type}/{item.route.id}"
            if item.route.id and target in changed:
                raise _invalid(f"Two entries change {target}.", item.where)
            changed.add(target)
    for item in items:
        own = item.call.resource.get("id") if item.route.name == "create" else None
        if isinstance(own, str) and item.target:
            name = f"{item.route.type}/{own}"
            # A relative reference between two entries without RESTful full URLs means the entry, unless it is taken.
            if unit.session.current(item.route.type, own) is None:
                known.setdefault(name, item.target)
    return known


def _rewrite(value: Any, known: Mapping[str, str], resolve: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {
            key: resolve(child) if key in _LINKS and isinstance(child, str) else _rewrite(child, known, resolve)
            for key, child in value.items()
        }
    if isinstance(value, list):
        return [_rewrite(child, known, resolve) for child in value]
    if isinstance(value, str) and value.startswith("<div"):
        for name, target in known.items():
            value = value.replace(f'"{name}"', f'"{target}"')
    return value


def _rewritten(unit: Unit, item: Item, known: Mapping[str, str]) -> Item:
    def resolve(text: str) -> str:
        plain, mark, rest = text.partition("#")
        if plain in known:
            return known[plain] + mark + rest
        type_, question, condition = text.partition("?")
        if question and type_ in unit.env.types:
            found = unit.matching(type_, pairs_of(condition))
            if len(found) != 1:
                told = "nothing" if not found else "several resources"
                code = "not-found" if not found else "multiple-matches"
                raise Problem(412, code, f"The conditional reference {text} matches {told}.")
            return found[0].reference
        return text

    if not isinstance(item.call.resource, dict) or not unit.env.policy.applies("references-rewritten"):
        return item
    return replace(item, call=replace(item.call, resource=_rewrite(item.call.resource, known, resolve)))


def transaction(unit: Unit, perform: Perform) -> Answer:
    """Run a transaction; an exception that leaves this undoes it all."""
    bundle = bundle_of(unit.call)
    check_profiles(unit.env, bundle)
    items = _items(unit, bundle)
    answers: dict[int, Answer] = {}
    room = _Room()
    doing = "Bundle"
    try:
        prepared = []
        for item in items:
            doing = item.where
            prepared.append(_identify(unit, item))
        known = _identities(unit, prepared)
        for item in sorted(prepared, key=lambda item: _ORDER[item.call.method]):
            doing = item.where
            final = _rewritten(unit, item, known)
            inner = replace(unit, call=final.call)
            answers[item.position] = room.taken(perform(inner, final.route, final.new_id))
    except Problem as problem:
        raise problem.within(doing) if doing != "Bundle" else problem from None
    entries = [response_entry(unit.call, answers[position]) for position in range(len(items))]
    return Answer(resource=_response("transaction-response", entries))


def check_profiles(env: Environment, bundle: Resource) -> None:
    """Judge a Bundle that declares profiles as a whole, besides each of its resources. Raises :class:`Problem`."""
    meta = bundle.get("meta")
    if isinstance(meta, dict) and meta.get("profile"):
        env.check(bundle)


class _Room:
    """What is left of :data:`MOST_OCTETS`."""

    def __init__(self) -> None:
        self._left = MOST_OCTETS

    def taken(self, answer: Answer) -> Answer:
        """``answer``, which is counted. Raises :class:`Problem` (413)."""
        self._left -= len(answer.text) if answer.text is not None else len(codec.emit(answer.resource))
        self.check()
        return answer

    def check(self) -> None:
        """Raise :class:`Problem` (413) when nothing is left."""
        if self._left < 0:
            told = f"The answers to these entries are longer than {MOST_OCTETS} octets together; ask for less at once."
            raise Problem(413, "too-costly", told)


def _response(kind: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    return {**bundle, "entry": entries} if entries else bundle


def batch(call: Call, types: frozenset[str], handle: Callable[[Call, Route], Answer]) -> Answer:
    """Run each entry by itself; the failure of one is its own answer, and touches no other."""
    entries = []
    room = _Room()
    for position, entry in enumerate(bundle_of(call).get("entry", [])):
        try:
            room.check()
            item = item_of(call, entry, position, types)
            entries.append(response_entry(call, room.taken(handle(item.call, item.route))))
        except Problem as problem:
            entries.append(response_entry(call, Answer(problem.status, resource=problem.outcome())))
    return Answer(resource=_response("batch-response", entries))


def response_entry(call: Call, answer: Answer) -> dict[str, Any]:
    """The entry of a response Bundle that stands for ``answer``."""
    response: dict[str, Any] = {"status": f"{answer.status} {HTTPStatus(answer.status).phrase}"}
    place = answer.headers.get("Location") or answer.headers.get("Content-Location")
    if place:
        response["location"] = place.removeprefix(f"{call.base}/")
    if "ETag" in answer.headers:
        response["etag"] = answer.headers["ETag"]
    entry: dict[str, Any] = {}
    body: Any = codec.fragment(answer.text) if answer.text is not None else answer.resource
    if answer.text is not None:
        stored = codec.stored(answer.text)
        entry["fullUrl"] = f"{call.base}/{stored['resourceType']}/{stored['id']}"
        response["lastModified"] = stored["meta"]["lastUpdated"]
    if isinstance(body, dict) and body.get("resourceType") == "OperationOutcome":
        response["outcome"] = body
    elif body is not None:
        entry["resource"] = body
    entry["response"] = response
    return entry
