"""The interactions on one resource: read, vread, history, create, update, delete (https://hl7.org/fhir/R4/http.html).

Each raises :class:`~harness.sandbox.problems.Problem`, with its HTTP status, for what it refuses.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from harness.sandbox import codec
from harness.sandbox.call import Answer, Call
from harness.sandbox.codec import Resource
from harness.sandbox.problems import Problem, issue, operation_outcome
from harness.sandbox.routes import Route, check_id
from harness.sandbox.search.query import pairs_of
from harness.sandbox.search.values import time_range
from harness.sandbox.store import Record, instant
from harness.sandbox.unit import Unit

_HISTORY_STATUS = {"POST": "201 Created", "PUT": "200 OK", "PATCH": "200 OK", "DELETE": "204 No Content"}


def validators(record: Record) -> dict[str, str]:
    """The headers that name a version: ``ETag`` and ``Last-Modified``."""
    return {"ETag": record.etag, "Last-Modified": format_datetime(record.instant.replace(microsecond=0), usegmt=True)}


def represent(record: Record, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """An answer that carries the version ``record``."""
    return Answer(status, {**validators(record), **(headers or {})}, text=record.content)


def read(unit: Unit, route: Route) -> Answer:
    """``GET [type]/[id]``, conditional where the request says so."""
    record = unit.existing(route.type, route.id)
    if _unchanged(unit.call, record):
        return Answer(304, validators(record))
    return represent(record)


def _unchanged(call: Call, record: Record) -> bool:
    tags = call.header("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or record.etag.removeprefix("W/") in {
            tag.strip().removeprefix("W/") for tag in tags.split(",")
        }
    since = call.header("if-modified-since")
    if since is None:
        return False
    try:
        return record.instant.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False  # RFC 9110 §13.1.3: a date that cannot be read is ignored


def vread(unit: Unit, route: Route) -> Answer:
    """``GET [type]/[id]/_history/[vid]``."""
    number = int(route.version) if route.version.isascii() and route.version.isdigit() else 0
    record = unit.session.version(route.type, route.id, number) if 0 < number < 2**31 else None
    if record is None:
        raise Problem(404, "not-found", f"{route.type}/{route.id} has no version '{route.version}' here.")
    if record.deleted:
        raise Problem(410, "deleted", f"Version {number} of {route.type}/{route.id} is its deletion.")
    return represent(record)


def create(unit: Unit, route: Route, new_id: str | None = None) -> Answer:
    """``POST [type]``, conditional with ``If-None-Exist``; ``new_id`` is an id that was promised before."""
    resource = expected(unit.call.resource, route.type)
    condition = unit.call.header("if-none-exist")
    if condition is not None:
        found = unit.matching(route.type, pairs_of(condition.removeprefix("?")))
        if len(found) > 1:
            raise Problem(412, "multiple-matches", f"If-None-Exist: {condition} matches several {route.type}.")
        if found:
            return written(unit, found[0], 200)
    record = unit.write(route.type, new_id or str(uuid.uuid4()), resource, "POST", None)
    return written(unit, record, 201)


def update(unit: Unit, route: Route) -> Answer:
    """``PUT [type]/[id]``, version-aware with ``If-Match``; creates what is not there when the policy says so."""
    resource = expected(unit.call.resource, route.type)
    if resource.get("id") != route.id:
        told = f"'{resource['id']}'" if "id" in resource else "missing"
        raise Problem(400, "invalid", f"The id of the body is {told}; it must be '{route.id}'.", f"{route.type}.id")
    latest = unit.session.current(route.type, route.id)
    check_version(unit.call, latest)
    return _replace(unit, route.type, route.id, resource, latest)


def _replace(unit: Unit, type_: str, id_: str, resource: Resource, latest: Record | None) -> Answer:
    fresh = latest is None or latest.deleted
    if fresh and not unit.env.policy.update_creates:
        raise Problem(405, "not-supported", f"{type_}/{id_} is not here, and this server chooses the ids: use POST.")
    record = unit.write(type_, id_, resource, "PUT", latest)
    return written(unit, record, 201 if fresh else 200)


def check_version(call: Call, latest: Record | None) -> None:
    """Hold ``If-Match`` against the current version. Raises :class:`Problem` (412)."""
    wanted = call.header("if-match")
    if wanted is None:
        return
    current = None if latest is None or latest.deleted else latest.etag.removeprefix("W/")
    tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    if current is None or (wanted.strip() != "*" and current not in tags):
        told = f"the current version is {latest.etag}" if latest and current else "there is no current version"
        raise Problem(412, "conflict", f"If-Match is {wanted}, but {told}: read again, then update that version.")


def conditional_update(unit: Unit, route: Route, new_id: str | None = None) -> Answer:
    """``PUT [type]?[condition]`` (http.html#cond-update)."""
    resource = expected(unit.call.resource, route.type)
    found = unit.matching(route.type, list(unit.call.query))
    if len(found) > 1:
        raise Problem(412, "multiple-matches", f"The condition matches several {route.type}; nothing was changed.")
    if found:
        latest = found[0]
        if resource.get("id", latest.id) != latest.id:
            raise Problem(
                400, "invalid", f"The id of the body is not that of the match, {latest.id}.", f"{route.type}.id"
            )
        check_version(unit.call, latest)
        return _replace(unit, route.type, latest.id, resource, latest)
    own = resource.get("id")
    if own is None:
        check_version(unit.call, None)
        return written(unit, unit.write(route.type, new_id or str(uuid.uuid4()), resource, "PUT", None), 201)
    if unit.session.current(route.type, own) is not None:
        raise Problem(
            409, "conflict", f"The condition matches nothing, but {route.type}/{own} exists: update it by its id."
        )
    return _replace(unit, route.type, check_id(own), resource, None)


def delete(unit: Unit, route: Route) -> Answer:
    """``DELETE [type]/[id]``: 204, also when it was deleted before or never existed (http.html#delete)."""
    latest = unit.session.current(route.type, route.id)
    if latest is None or latest.deleted:
        return Answer(204, {} if latest is None else {"ETag": latest.etag})
    check_version(unit.call, latest)
    return Answer(204, {"ETag": unit.remove(latest).etag})


def conditional_delete(unit: Unit, route: Route) -> Answer:
    """``DELETE [type]?[condition]``: one match; several only where the policy allows it."""
    found = unit.matching(route.type, list(unit.call.query))
    if len(found) > 1 and not unit.env.policy.conditional_delete_multiple:
        raise Problem(412, "multiple-matches", f"The condition matches several {route.type}; nothing was deleted.")
    while found:
        for record in found:
            unit.remove(record)
        found = unit.matching(route.type, list(unit.call.query))
    return Answer(204)


def history(unit: Unit, route: Route) -> Answer:
    """``_history`` of an instance, a type or the server: newest first, with ``_count``, ``_since`` and ``_at``."""
    parameters = dict(unit.call.query)
    if route.id and unit.session.current(route.type, route.id) is None:
        raise Problem(404, "not-found", f"{route.type}/{route.id} is not known here.")
    count = min(_whole(parameters, "_count", unit.env.policy.default_count), unit.env.policy.max_count)
    skip = _whole(parameters, "_skip", 0)
    total, records = unit.session.history(
        route.type or None,
        route.id or None,
        since=_moment(parameters, "_since", 0),
        at=_moment(parameters, "_at", 1),
        count=count,
        skip=skip,
    )
    base, path = unit.call.base, unit.call.path
    link = [{"relation": "self", "url": f"{base}/{path}" + (f"?_count={count}&_skip={skip}" if skip else "")}]
    if count and skip + count < total:
        link.append({"relation": "next", "url": f"{base}/{path}?_count={count}&_skip={skip + count}"})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "history", "total": total, "link": link}
    if records:
        bundle["entry"] = [_past(base, record) for record in records]
    return Answer(resource=bundle)


def _past(base: str, record: Record) -> dict[str, Any]:
    url = record.type if record.method == "POST" else record.reference
    entry: dict[str, Any] = {"fullUrl": f"{base}/{record.reference}"}
    if record.content is not None:
        entry["resource"] = codec.fragment(record.content)
    status = "201 Created" if record.version == 1 else _HISTORY_STATUS[record.method]
    entry["request"] = {"method": record.method, "url": url}
    entry["response"] = {"status": status, "etag": record.etag, "lastModified": instant(record.updated)}
    return entry


def _whole(parameters: dict[str, str], name: str, otherwise: int) -> int:
    text = parameters.get(name)
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Problem(400, "value", f"{name}={text}: write a whole number.")
    return int(text)


def _moment(parameters: dict[str, str], name: str, bound: int) -> int | None:
    text = parameters.get(name)
    if text is None:
        return None
    try:
        return time_range(text.replace(" ", "+"))[bound]
    except ValueError as error:
        raise Problem(400, "value", f"{name}={text}: {error}.") from None


def expected(resource: Any, type_: str) -> Resource:
    """The body as a resource of ``type_``. Raises :class:`Problem` (400) when it is something else."""
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise Problem(400, "structure", "The body is not a resource: it has no resourceType.")
    if resource["resourceType"] != type_:
        raise Problem(
            400, "invalid", f"The body is a {resource['resourceType']}, sent where a {type_} belongs.", "resourceType"
        )
    id_ = resource.get("id")
    if id_ is not None and not isinstance(id_, str):
        raise Problem(400, "structure", "The id is not a text.", f"{type_}.id")
    return resource


def written(unit: Unit, record: Record, status: int) -> Answer:
    """The answer to a write, as ``Prefer: return`` wants it; the resource where nothing is preferred."""
    place = f"{unit.call.base}/{record.reference}/_history/{record.version}"
    headers = {**validators(record), ("Location" if status == 201 else "Content-Location"): place}
    match unit.call.preference("return"):
        case "minimal":
            return Answer(status, headers)
        case "OperationOutcome":
            done = issue("information", "informational", f"{record.reference} is stored as version {record.version}.")
            return Answer(status, headers, resource=operation_outcome([done, *unit.issues]))
    return represent(record, status, headers)


def patch(unit: Unit, route: Route, apply: Callable[[Resource, Any], Resource]) -> Answer:
    """``PATCH [type]/[id]`` and ``PATCH [type]?[condition]`` (http.html#patch)."""
    if route.id:
        latest = unit.existing(route.type, route.id)
    else:
        found = unit.matching(route.type, list(unit.call.query))
        if not found:
            raise Problem(404, "not-found", f"The condition matches no {route.type}; nothing was changed.")
        if len(found) > 1:
            raise Problem(412, "multiple-matches", f"The condition matches several {route.type}; nothing was changed.")
        latest = found[0]
    check_version(unit.call, latest)
    patched = apply(latest.resource, unit.call.resource)
    return written(unit, unit.write(route.type, latest.id, patched, "PATCH", latest), 200)
