"""Defects of reading and writing single resources (FHIR R4, RESTful API)."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from typing import Any

from harness.sandbox.call import Answer, Call
from harness.sandbox.defects.model import (
    Defect,
    Json,
    answering,
    asking,
    body,
    carrying,
    dropping,
    each,
    merging,
    resent,
    sent,
    storing,
    telling,
    without,
)
from harness.sandbox.routes import Route
from harness.sandbox.seams import Seams

_WRITES = ("create", "update", "conditional-update", "patch", "conditional-patch")


def _headers(**given: str) -> Seams:
    named = {name.replace("_", "-"): value for name, value in given.items()}
    return answering(lambda answer: replace(answer, headers={**answer.headers, **named}), routes=_WRITES)


def _status(status: int, *before: int, routes: tuple[str, ...] = ()) -> Seams:
    return answering(lambda answer: replace(answer, status=status), statuses=before, routes=routes)


def _strong(answer: Answer) -> Answer:
    tag = answer.headers.get("ETag")
    return replace(answer, headers={**answer.headers, "ETag": tag.removeprefix("W/")}) if tag else answer


def _first_tag(answer: Answer) -> Answer:
    return replace(answer, headers={**answer.headers, "ETag": 'W/"1"'}) if "ETag" in answer.headers else answer


def _next_tag(answer: Answer) -> Answer:
    tag = re.fullmatch(r'W/"(\d+)"', answer.headers.get("ETag", ""))
    return replace(answer, headers={**answer.headers, "ETag": f'W/"{int(tag[1]) + 1}"'}) if tag else answer


def _lost_place(answer: Answer) -> Answer:
    place = answer.headers.get("Location")
    if place is None:
        return answer
    elsewhere = re.sub(r"/([^/]+)/_history", r"/x\1/_history", place)
    return replace(answer, headers={**answer.headers, "Location": elsewhere})


def _no_location(answer: Answer) -> Answer:
    return replace(answer, headers=without(answer.headers, "Location"))


def _own_id(call: Call) -> Call:
    """A POST whose body has an id is taken for a PUT on it."""
    id_ = sent(call).get("id")
    plain = re.fullmatch(r"[A-Z]\w+", call.path) is not None and "if-none-exist" not in call.headers
    return replace(call, method="PUT", path=f"{call.path}/{id_}") if isinstance(id_, str) and plain else call


def _follow_body(call: Call) -> Call:
    """A PUT goes where the id of the body says, not where its URL does."""
    id_ = sent(call).get("id")
    return replace(call, path=f"{call.path.partition('/')[0]}/{id_}") if isinstance(id_, str) else call


def _follow_url(call: Call) -> Call:
    """A PUT takes any id in its body for that of its URL."""
    resource = sent(call)
    return resent(call, {**resource, "id": call.path.partition("/")[2]}) if resource.get("resourceType") else call


def _follow_type(call: Call) -> Call:
    kind = sent(call).get("resourceType")
    known = isinstance(kind, str) and kind not in {"Bundle", "Parameters", "Binary"}
    return replace(call, path="/".join([kind, *call.path.split("/")[1:]])) if known and kind else call


def _first_version(resource: Json) -> Json:
    return {**resource, "meta": {**resource.get("meta", {}), "versionId": "1"}}


class _Remembered:
    """Keeps what was answered under each URL; one server's base is its own."""

    def __init__(self) -> None:
        self._kept: dict[str, Answer] = {}

    def stale(self, call: Call, route: Route, answer: Answer) -> Answer:
        """A read that was answered once is answered the same ever after."""
        if route.name != "read" or answer.status != 200:
            return answer
        return self._kept.setdefault(f"{call.base}/{call.path}", answer)

    def undead(self, call: Call, route: Route, answer: Answer) -> Answer:
        """What was seen can still be read when it is deleted."""
        where = f"{call.base}/{route.type}/{route.id}"
        if route.name == "read" and answer.status == 200:
            self._kept[where] = answer
        elif route.name in _WRITES and answer.status in {200, 201}:
            found = body(answer)
            if found:
                self._kept[f"{call.base}/{found['resourceType']}/{found.get('id')}"] = replace(answer, status=200)
        return self._kept[where] if route.name == "read" and answer.status == 410 and where in self._kept else answer


class _Unrefreshed:
    """Searches give each resource as they gave it first."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def searchset(self, call: Call, bundle: Json) -> Json:
        """Put what was first found in the place of what is found."""
        entries = [
            {**entry, "resource": self._kept.setdefault(f"{call.base} {entry['fullUrl']}", entry["resource"])}
            for entry in bundle.get("entry", ())
            if entry["search"]["mode"] != "outcome"
        ]
        return {**bundle, "entry": entries} if entries else bundle


class _Hidden:
    """A deletion that only hides: reads are refused, searches go on finding."""

    def __init__(self) -> None:
        self._gone: set[str] = set()

    def request(self, call: Call) -> Call:
        """Take note of a DELETE, and read instead."""
        if call.method != "DELETE" or call.path.count("/") != 1:
            return call
        self._gone.add(f"{call.base}/{call.path}")
        return replace(call, method="GET", headers={**call.headers, "x-hidden": "yes"})

    def finish(self, call: Call, _: Route, answer: Answer) -> Answer:
        """Answer as if the deletion had been one."""
        if "x-hidden" in call.headers:
            return Answer(204)
        if call.method == "GET" and f"{call.base}/{call.path}" in self._gone:
            issue = {"severity": "error", "code": "deleted", "diagnostics": f"{call.path} was deleted."}
            return Answer(410, resource={"resourceType": "OperationOutcome", "issue": [issue]})
        return answer


class _Stealthy(threading.local):
    """Refuses what is invalid, and stores it all the same. Each request has a thread to itself."""

    def __init__(self) -> None:
        self._issues: list[Json] = []

    def overlook(self, issues: list[Json]) -> list[Json]:
        """Let it pass, and take note."""
        self._issues = issues or self._issues
        return []

    def finish(self, _: Call, __: Route, answer: Answer) -> Answer:
        """Answer as if it had not been stored."""
        issues, self._issues = self._issues, []
        if not issues or answer.status not in {200, 201}:
            return answer
        return Answer(422, resource={"resourceType": "OperationOutcome", "issue": issues})


def _nothing(answer: Answer) -> Answer:
    return replace(answer, resource=None, text=None)


def _empty_bundle(_: Answer) -> Answer:
    return Answer(200, resource={"resourceType": "Bundle", "type": "searchset", "total": 0})


def _current(call: Call) -> Call:
    return replace(call, path=call.path.partition("/_history")[0])


def _representation(answer: Answer) -> Answer:
    return _nothing(answer) if answer.status in {200, 201} else answer


def _zoneless(value: Any) -> Any:
    return re.sub(r"(T\d\d:\d\d:\d\d)[.\d]*(?:Z|[+-]\d\d:\d\d)$", r"\1", value) if isinstance(value, str) else value


def _several(method: str) -> frozenset[str]:
    return frozenset({f"several-matches-{method}"})


def _parsed(call: Call) -> bool:
    try:
        json.loads(call.body)
    except ValueError:
        return False
    return True


def _unread(call: Call) -> Call:
    """What cannot be parsed is left unread: an empty patient takes its place."""
    kind, _, id_ = call.path.partition("/")
    if _parsed(call) or "json" not in (call.header("content-type") or "") or not call.body:
        return call
    return resent(call, {"resourceType": kind, **({"id": id_} if id_ else {})})


_stale, _undead, _hidden, _unrefreshed, _stealthy = _Remembered(), _Remembered(), _Hidden(), _Unrefreshed(), _Stealthy()

REST = (
    Defect("create-without-location", "FHIR-REST-008", "A create answers without Location.",
           answering(_no_location)),
    Defect("create-answers-200", "FHIR-REST-008", "A create answers 200 instead of 201.", _status(200, 201)),
    Defect("location-elsewhere", "FHIR-REST-008", "Location names an id that does not exist.",
           answering(_lost_place)),
    Defect("created-body-has-another-id", "FHIR-REST-008", "A create returns the resource under another id.",
           telling(lambda found: {**found, "id": f"x{found['id']}"} if "id" in found else found,
                   routes=("create",), statuses=(201,))),
    Defect("created-body-has-no-id", "FHIR-REST-008", "A create returns the resource as it was sent, without an id.",
           telling(lambda found: without(found, "id"), routes=("create",), statuses=(201,))),
    Defect("strong-etag", "FHIR-REST-009", "The ETag is strong: it has no W/.", answering(_strong)),
    Defect("etag-missing", "FHIR-REST-009", "There is no ETag.",
           answering(lambda answer: replace(answer, headers=without(answer.headers, "ETag")))),
    Defect("etag-stale", "FHIR-REST-009", "The ETag is that of the first version, whatever the version.",
           answering(_first_tag)),
    Defect("etag-ahead", "FHIR-REST-009", "The ETag is that of a version that is still to come.",
           answering(_next_tag)),
    Defect("client-id-kept", "FHIR-REST-010", "A create keeps the id that the client wrote into the body.",
           asking(_own_id, "POST")),
    Defect("unknown-id-answers-200", "FHIR-REST-011", "A read of an unknown id answers 200.",
           answering(_empty_bundle, routes=("read",), statuses=(404,))),
    Defect("unknown-id-is-empty", "FHIR-REST-011", "A read of an unknown id answers 200 without a body.",
           answering(lambda _: Answer(200), routes=("read",), statuses=(404,))),
    Defect("vread-gives-current", "FHIR-REST-012", "vread gives the current version, whatever was asked.",
           asking(_current, "GET", path=r"^\w+/[^/]+/_history/\w")),
    Defect("update-follows-body", "FHIR-REST-013", "An update overwrites the resource whose id stands in the body.",
           asking(_follow_body, "PUT", path=r"^\w+/")),
    Defect("update-takes-any-id", "FHIR-REST-013", "An update takes any id in its body, or none.",
           asking(_follow_url, "PUT", path=r"^\w+/")),
    Defect("version-stands-still", "FHIR-REST-014", "meta.versionId stays 1 after updates.",
           answering(_first_tag), rules=storing(_first_version)),
    Defect("reads-are-stale", "FHIR-REST-014", "A resource that was read once is shown as it was then.",
           Seams(answer=(_stale.stale,))),
    Defect("searches-are-stale", "FHIR-REST-014", "A resource that was found once is found as it was then.",
           Seams(searchset=(_unrefreshed.searchset,))),
    Defect("update-merges", "FHIR-REST-014", "An update keeps elements that were left out of it.",
           rules=merging(lambda before, after: {**before, **after}, methods=("PUT",))),
    Defect("creating-update-answers-200", "FHIR-REST-014", "A conditional update that creates answers 200.",
           _status(200, 201, routes=("conditional-update",))),
    Defect("if-match-ignored", "FHIR-REST-015", "If-Match is ignored: updates get lost.", asking(dropping("if-match"))),
    Defect("if-none-exist-ignored", "FHIR-REST-016", "If-None-Exist is ignored: duplicates appear.",
           asking(dropping("if-none-exist"))),
    Defect("if-none-exist-takes-first", "FHIR-REST-016", "If-None-Exist with several matches takes the first one.",
           waives=_several("POST")),
    Defect("conditional-update-takes-first", "FHIR-REST-017", "A conditional update with several matches takes one.",
           waives=_several("PUT")),
    Defect("delete-without-effect", "FHIR-REST-018", "A delete answers 204 and deletes nothing.",
           Seams(request=(lambda call: replace(call, method="GET", headers={**call.headers, "x-kept": "yes"})
                          if call.method == "DELETE" else call,),
                 answer=(lambda call, _, answer: Answer(204) if "x-kept" in call.headers else answer,))),
    Defect("deleted-still-found", "FHIR-REST-018", "Searches find what was deleted.",
           Seams(request=(_hidden.request,), answer=(_hidden.finish,))),
    Defect("deleted-still-readable", "GAP-RES-002", "What was deleted can still be read.",
           Seams(answer=(_undead.undead,))),
    Defect("unknown-type-answers-200", "FHIR-REST-019", "An unknown resource type answers 200 and an empty Bundle.",
           answering(_empty_bundle, routes=("unknown",), statuses=(404,))),
    Defect("prefer-ignored", "FHIR-REST-031", "Prefer is ignored.", asking(dropping("prefer"))),
    Defect("answers-are-minimal", "FHIR-REST-031", "Writes answer without the resource, whatever is preferred.",
           answering(_representation, routes=("create", "update", "conditional-update"))),
    Defect("unparsable-accepted", "FHIR-REST-006", "A body that is not JSON is stored as an empty resource.",
           asking(_unread, "POST", "PUT", path=r"^(?!Binary)\w+(?!.*_search)")),
    Defect("body-type-wins", "FHIR-REST-006", "A body of another type is stored under its own type.",
           asking(_follow_type, "POST", "PUT", path=r"^(?!Binary|metadata)\w+(?!.*_search)")),
    Defect("rule-breakers-answer-400", "FHIR-REST-007", "What breaks a profile is answered 400.", _status(400, 422)),
    Defect("refusals-answer-201", "FHIR-REST-007", "What breaks a profile is answered 201, and not stored.",
           answering(lambda answer: carrying(replace(answer, status=201), None), routes=("create",), statuses=(422,))),
    Defect("refused-yet-stored", "FHIR-REST-007", "What breaks a profile is answered 422, and stored.",
           Seams(overlooked=(_stealthy.overlook,), answer=(_stealthy.finish,))),
    Defect("zoneless-times-told", "FHIR-REST-032", "Times are told without their offset.",
           telling(lambda found: each(found, _zoneless), routes=("read",))),
    Defect("empty-lists-told", "FHIR-REST-032", "Empty lists are told as [].",
           telling(lambda found: {**found, "extension": []} if "extension" not in found else found, routes=("read",))),
)  # fmt: skip
