"""Defects of formats, errors, the CapabilityStatement and transactions (FHIR R4, RESTful API)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.sandbox import codec, negotiation
from harness.sandbox.call import Answer, Call
from harness.sandbox.defects.model import (
    Defect,
    Json,
    answering,
    asking,
    blind,
    body,
    carrying,
    dropping,
    telling,
    without,
)
from harness.sandbox.routes import Route
from harness.sandbox.seams import Seams

_HTML = b"<!doctype html><html><body><h1>It works!</h1></body></html>"
_TRACE = "Traceback (most recent call last):\n  File \"/srv/fhir/app.py\", line 214, in handle\nKeyError: 'name'"


def _as(media_type: str, encoding: str = "utf-8", *, only: Callable[[Route, Json], bool] = lambda *_: True) -> Seams:
    """Answer JSON, where ``only`` holds, under another media type, or in another encoding."""

    def finish(call: Call, route: Route, answer: Answer) -> Answer:
        found = body(answer)
        xml = "xml" in (call.header("accept") or "") or dict(call.query).get("_format", "").endswith("xml")
        if found is None or xml or route.name == "capabilities" or not only(route, found):
            return answer
        text = codec.emit(found).decode()
        return replace(answer, resource=None, text=None, raw=text.encode(encoding, "replace"), media_type=media_type)

    return Seams(answer=(finish,))


def _always_json(_: Call, __: Route, answer: Answer) -> Answer:
    """Answer JSON whatever is asked for."""
    found = body(answer)
    if found is None:
        return answer
    label = f"{negotiation.FHIR_JSON}; charset=utf-8"
    return replace(answer, resource=None, text=None, raw=codec.emit(found), media_type=label)


def _json_for_format(call: Call, route: Route, answer: Answer) -> Answer:
    """Answer JSON where XML is asked for by ``_format``."""
    return _always_json(call, route, answer) if "_format" in dict(call.query) else answer


def _html(answer: Answer) -> Answer:
    return Answer(answer.status, without(answer.headers, "ETag"), raw=_HTML, media_type="text/html")


def _without_format(call: Call) -> Call:
    return replace(call, query=tuple(pair for pair in call.query if pair[0] != "_format"))


def _json_only(call: Call) -> Call:
    return _without_format(dropping("accept")(call))


def _any_accept(call: Call) -> Call:
    kinds = [name for name, _ in negotiation.accepted(call.header("accept") or "")]
    known = any(name in {*negotiation.FORMATS, "*/*", "application/*"} for name in kinds)
    return call if known or call.path.startswith("Binary") else _json_only(call)


def _any_content(call: Call) -> Call:
    form = call.path.endswith("_search") or call.path.startswith("Binary")
    if form or negotiation.is_fhir(call) or not call.body:
        return call
    return replace(call, headers={**call.headers, "content-type": negotiation.FHIR_JSON})


def _refused_parameters(call: Call) -> Call:
    refused = {"active", "name", "gender"}
    return replace(
        call, query=tuple((f"{name}:unread" if name in refused else name, value) for name, value in call.query)
    )


def _outcomes(change: Any) -> Seams:
    return telling(
        lambda found: (
            {**found, "issue": [change(item) for item in found["issue"]]}
            if found.get("resourceType") == "OperationOutcome"
            else found
        ),
        statuses=range(400, 500),
    )


class _Gossip:
    """Errors that tell who was last written."""

    def __init__(self) -> None:
        self._last = ""

    def finish(self, _: Call, __: Route, answer: Answer) -> Answer:
        """Keep the person who was written; put that person into the diagnostics of any error."""
        found = body(answer)
        if found is None:
            return answer
        if found.get("resourceType") == "Patient" and answer.status == 201:
            self._last = codec.emit([found.get("name"), found.get("identifier")]).decode()
        if found.get("resourceType") != "OperationOutcome" or answer.status < 400:
            return answer
        told = [{**item, "diagnostics": f"{item.get('diagnostics', '')} Last: {self._last}"} for item in found["issue"]]
        return carrying(answer, {**found, "issue": told})


def _statement(change: Any) -> Seams:
    return telling(change, routes=("capabilities",))


def _failed_inside(answer: Answer) -> Answer:
    """A transaction that fails is told as one that succeeded, with the failure in an entry."""
    response = {"status": f"{answer.status} Refused", "outcome": body(answer)}
    bundle = {"resourceType": "Bundle", "type": "transaction-response", "entry": [{"response": response}]}
    return Answer(200, resource=bundle)


def _responses(change: Any, *, status: int | None = None) -> Seams:
    """Change the entries of transaction-responses."""

    def alter(answer: Answer) -> Answer:
        found = body(answer)
        if found is None or found.get("type") != "transaction-response":
            return answer
        made = {**found, "entry": change(found.get("entry", []))}
        return carrying(replace(answer, status=status or answer.status), made)

    return answering(alter, routes=("transaction",), statuses=(200,))


def _response(change: Any) -> Seams:
    return _responses(lambda found: [{**entry, "response": change(entry["response"])} for entry in found])


def _typed(kind: str) -> Seams:
    return telling(lambda found: {**found, "type": kind} if found.get("type") == "transaction-response" else found,
                   routes=("transaction",), statuses=(200,))  # fmt: skip


def _quiet_failures(found: Json) -> Json:
    return {**found, "issue": []}


def _type_of(entry: Json) -> str:
    return str(entry["response"].get("location")).partition("/")[0]


def _misplaced(response: Json) -> Json:
    kind, _, rest = str(response.get("location", "")).partition("/")
    return {**response, "location": f"{kind}/x{rest}"} if rest else response


PROTOCOL = (
    Defect("statement-is-404", "FHIR-REST-001", "There is no CapabilityStatement.",
           answering(lambda _: Answer(404), routes=("capabilities",))),
    Defect("statement-is-a-page", "FHIR-REST-001", "The CapabilityStatement is an HTML page.",
           answering(_html, routes=("capabilities",))),
    Defect("statement-of-another-version", "FHIR-REST-002", "The CapabilityStatement declares FHIR 3.0.2.",
           _statement(lambda found: {**found, "fhirVersion": "3.0.2"})),
    Defect("declared-parameters-refused", "FHIR-REST-002", "Declared parameters of patients are answered 400.",
           asking(_refused_parameters, "GET", path="^Patient$")),
    Defect("declared-transaction-refused", "FHIR-REST-002", "Transactions are declared, and answered 405.",
           answering(lambda _: Answer(405), routes=("transaction",))),
    Defect("json-fhir-media-type", "FHIR-REST-003", "Answers are application/json+fhir.", _as("application/json+fhir")),
    Defect("answers-called-html", "FHIR-REST-003", "Answers are called text/html.", _as("text/html")),
    Defect("answers-in-latin-1", "FHIR-REST-003", "Answers are written in Latin-1.",
           _as("application/fhir+json; charset=iso-8859-1", "latin-1")),
    Defect("updates-called-text", "FHIR-REST-003", "What an update answers is called text/plain.",
           _as("text/plain", only=lambda route, _: route.name in ("update", "conditional-update"))),
    Defect("hits-called-text", "FHIR-REST-003", "A searchset that holds something is called text/json.",
           _as("text/json", only=lambda route, found: route.name == "search-type" and "entry" in found)),
    Defect("errors-called-text", "FHIR-REST-003", "OperationOutcomes are called text/plain.",
           _as("text/plain", only=lambda _, found: found.get("resourceType") == "OperationOutcome")),
    Defect("accept-ignored", "FHIR-REST-004", "Accept and _format are ignored: answers are JSON.",
           Seams(answer=(_always_json,))),
    Defect("format-ignored", "FHIR-REST-004", "_format is ignored.", Seams(answer=(_json_for_format,))),
    Defect("any-accept-served", "FHIR-REST-005", "What cannot be given is given as JSON.", asking(_any_accept)),
    Defect("any-content-read", "FHIR-REST-005", "Any body is read as JSON, whatever it is called.",
           asking(_any_content, "POST", "PUT")),
    Defect("xml-never-given", "GAP-CAP-001", "XML is never given.", Seams(answer=(_always_json,))),
    Defect("unknown-elements-accepted", "FHIR-REST-006", "Unknown elements are accepted.", blind("unknown-element")),
    Defect("bad-dates-accepted", "FHIR-REST-006", "Dates that cannot be are accepted.", blind("primitive-format")),
    Defect("invalid-accepted", "FHIR-REST-007", "What breaks a profile is stored.", policy={"validate": False}),
    Defect("invariants-ignored", "FHIR-REST-007", "Invariants are not enforced.", blind(" invariant invariant ")),
    Defect("bindings-ignored", "FHIR-REST-007", "Required code lists are not enforced.", blind("binding-required")),
    Defect("empty-errors", "FHIR-REST-020", "Errors have no OperationOutcome.",
           answering(lambda answer: replace(answer, resource=None), statuses=range(400, 500))),
    Defect("errors-are-pages", "FHIR-REST-020", "Errors are HTML pages.", answering(_html, statuses=range(400, 500))),
    Defect("errors-without-issues", "FHIR-REST-020", "OperationOutcomes have no issue.",
           telling(_quiet_failures, statuses=range(400, 500))),
    Defect("errors-are-information", "FHIR-REST-020", "Errors are told with the severity information.",
           _outcomes(lambda item: {**item, "severity": "information"})),
    Defect("errors-tell-traces", "FHIR-REST-021", "Errors hold a stack trace.",
           _outcomes(lambda item: {**item, "diagnostics": _TRACE})),
    Defect("errors-tell-others", "FHIR-REST-021", "Errors hold data of the patient last written.",
           Seams(answer=(_Gossip().finish,))),
    Defect("transaction-stores-part", "FHIR-REST-030", "A transaction that fails leaves part of itself stored.",
           waives=frozenset({"atomic"})),
    Defect("transaction-hides-failure", "FHIR-REST-030", "A transaction that fails is a 200 with a failed entry.",
           answering(_failed_inside, routes=("transaction",), statuses=range(400, 500))),
    Defect("submission-stored-in-part", "PDSM-ADD-013", "A submission that fails is answered as if it had not.",
           answering(_failed_inside, routes=("transaction",), statuses=(422,))),
    Defect("response-loses-binary", "PDSM-ADD-012", "The response to a submission leaves Binary entries out.",
           _responses(lambda found: [entry for entry in found if "Binary/" not in str(entry["response"])])),
    Defect("response-reordered", "PDSM-ADD-012", "The entries of a transaction-response stand in another order.",
           _responses(lambda found: sorted(found, key=_type_of))),
    Defect("references-not-rewritten", "PDSM-ADD-014", "References to entries of a transaction stay urn:uuid.",
           waives=frozenset({"references-rewritten"})),
    Defect("feed-answers-201", "MES-MEASURE-026", "A feed answers 201.", _responses(lambda found: found, status=201)),
    Defect("feed-answers-batch", "MES-MEASURE-026", "A feed answers a batch-response.", _typed("batch-response")),
    Defect("feed-response-reversed", "MES-MEASURE-027", "The entries of the response come in the reverse order.",
           _responses(lambda found: found[::-1])),
    Defect("feed-response-omits-known", "MES-MEASURE-027", "A Device that was known has no entry in the response.",
           _responses(lambda found: [entry for entry in found if not entry["response"]["status"].startswith("200")])),
    Defect("feed-entry-is-200", "MES-MEASURE-028", "The entry of a creation has the status 200.",
           _response(lambda found: {**found, "status": "200 OK"})),
    Defect("feed-location-elsewhere", "MES-MEASURE-028", "The location of an entry names nothing.",
           _response(_misplaced)),
    Defect("feed-location-missing", "MES-MEASURE-028", "The entry of a creation has no location.",
           _response(lambda found: without(found, "location"))),
    Defect("feed-drops-device", "MES-MEASURE-029", "A refused measure leaves its Device stored.",
           waives=frozenset({"atomic"})),
    Defect("feed-error-without-issue", "MES-ERR-003", "A refused feed has an OperationOutcome without issue.",
           telling(_quiet_failures, routes=("transaction",), statuses=(400, 422))),
    Defect("feed-refusal-is-400", "MES-ERR-002", "A feed that breaks a rule is answered 400.",
           answering(lambda answer: replace(answer, status=400), routes=("transaction",), statuses=(422,))),
    Defect("feed-refusal-is-200", "MES-ERR-002", "A feed that breaks a rule is answered 200, the error in an entry.",
           answering(_failed_inside, routes=("transaction",), statuses=(422,))),
)  # fmt: skip
