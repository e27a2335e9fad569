"""The search interaction: query in, Bundle of type searchset out (https://hl7.org/fhir/R4/http.html#search)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from harness.sandbox import codec, negotiation
from harness.sandbox.call import Answer, Call
from harness.sandbox.problems import Problem, issue, operation_outcome
from harness.sandbox.routes import Route
from harness.sandbox.search.execute import Page, run
from harness.sandbox.search.query import Query, pairs_of
from harness.sandbox.store import Record, instant
from harness.sandbox.unit import Unit

_SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_FORM = "application/x-www-form-urlencoded"


def search(unit: Unit, route: Route) -> Answer:
    """``GET [type]?…`` and ``POST [type]/_search``, which mean the same. Raises :class:`Problem`."""
    query = unit.env.queries.parse(route.type, _pairs(unit.call))
    if query.ignored and unit.call.preference("handling") == "strict":
        raise Problem(400, issues=[_ignored(name, reason, "error") for name, reason in query.ignored])
    policy = unit.env.policy
    if route.type == "Slot" and not policy.past_slots:
        query = _upcoming(unit, query)
    for change in unit.env.seams.search:
        query = change(query)
    size = policy.default_count if query.count is None else min(query.count, policy.max_count)
    page = run(unit.session, query, unit.call.base, 0 if query.summary == "count" else size)
    for narrow in unit.env.seams.found:
        page = narrow(query, page)
    bundle = _bundle(unit.call, query, page)
    for alter in unit.env.seams.searchset:
        bundle = alter(unit.call, bundle)
    return Answer(resource=bundle)


def _upcoming(unit: Unit, query: Query) -> Query:
    """A search of slots bounded by their start leaves out those that have begun (GAP, flow 5a)."""
    bounds = [item for item in query.criteria if item.parameter.code == "start" and not item.modifier]
    if not bounds:
        return query
    now = instant(unit.session.now())
    return replace(query, criteria=(*query.criteria, replace(bounds[0], values=(f"ge{now}",))))


def _pairs(call: Call) -> list[tuple[str, str]]:
    if call.method != "POST":
        return list(call.query)
    if call.body and negotiation.content_type(call) != _FORM:
        raise Problem(415, "not-supported", f"The body of _search is {_FORM}; the Content-Type says otherwise.")
    try:
        form = pairs_of(call.body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Problem(400, "structure", "The body of _search is not UTF-8.") from None
    return [*call.query, *form]


def _ignored(name: str, reason: str, severity: str) -> dict[str, Any]:
    return issue(severity, "not-supported", f"{name}: {reason}; it is left out.", f"http.{name}")


def _url(call: Call, type_: str, pairs: tuple[tuple[str, str], ...]) -> str:
    text = "&".join(f"{quote(name, safe=':-._')}={quote(value, safe=':|,-._$/*')}" for name, value in pairs)
    return f"{call.base}/{type_}" + (f"?{text}" if text else "")


def _bundle(call: Call, query: Query, page: Page) -> dict[str, Any]:
    cursor = (("_cursor", query.cursor),) if query.cursor else ()
    link = [{"relation": "self", "url": _url(call, query.type, (*query.processed, *cursor))}]
    if page.next:
        link.append({"relation": "next", "url": _url(call, query.type, (*query.processed, ("_cursor", page.next)))})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        bundle["total"] = page.total
    bundle["link"] = link
    entries = [_entry(call.base, record, "match", query) for record in page.matches]
    entries += [_entry(call.base, record, "include", query) for record in page.included]
    if query.ignored:
        warnings = operation_outcome([_ignored(name, reason, "warning") for name, reason in query.ignored])
        entries.append({"fullUrl": uuid.uuid4().urn, "resource": warnings, "search": {"mode": "outcome"}})
    if entries:
        bundle["entry"] = entries
    return bundle


def _entry(base: str, record: Record, mode: str, query: Query) -> dict[str, Any]:
    return {
        "fullUrl": f"{base}/{record.reference}",
        "resource": _shortened(record, query),
        "search": {"mode": mode},
    }


def _shortened(record: Record, query: Query) -> Any:
    """The resource as ``_elements`` or ``_summary`` want it, tagged SUBSETTED where something is left out."""
    if not query.elements and query.summary in {"", "false"}:
        return codec.fragment(record.content or "{}")
    resource = record.resource
    if query.summary == "data":
        kept = {key: value for key, value in resource.items() if key != "text"}
    else:
        wanted = {"resourceType", "id", "meta", "text", "status", "code", "implicitRules"}
        wanted |= set(query.elements) if query.elements else {"text"}
        if query.elements:
            wanted -= {"text"} - set(query.elements)
        kept = {key: value for key, value in resource.items() if key.removeprefix("_") in wanted}
    meta = dict(kept.get("meta", {}))
    kept["meta"] = {**meta, "tag": [*meta.get("tag", ()), _SUBSETTED]}
    return kept
