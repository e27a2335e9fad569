"""The feed of one measure: a transaction Bundle with an Observation and, at most, its Device (§2.2 of the guide)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.fhir.terminology import Terminology
from harness.sandbox import bundles, negotiation
from harness.sandbox.call import Answer, Call, Caller
from harness.sandbox.codec import Resource
from harness.sandbox.measures import bmi
from harness.sandbox.measures.feed_rules import RULES, Feed
from harness.sandbox.measures.gate import MISMATCH
from harness.sandbox.problems import Problem
from harness.sandbox.service import Service
from harness.sandbox.unit import Unit

NO_BUNDLE = "No bundle was provided: the body of a feed is a Bundle of type transaction."


def feed(service: Service, call: Call, caller: Caller, terminology: Terminology) -> Answer:
    """Judge the Bundle, store what it carries, and answer with a transaction-response. Raises :class:`Problem`."""
    found = Feed(_bundle(service, call), str(caller.claims["solutionOid"]), service.policy, terminology)
    for rule in RULES:
        issues = list(rule.judge(found)) if service.policy.applies(rule.name) else []
        if issues:
            raise Problem(422, issues=issues)
    _same_patient(found, caller)
    prepared = replace(call, resource=_prepared(found), headers={}, caller=caller)
    try:
        with service.store.writing() as session:
            unit = Unit(service.env, session, prepared)
            answer = bundles.transaction(unit, service.perform)
            if service.policy.computed_bmi:
                bmi.compute(unit, found.observation)
            unit.finish()
    except Problem as problem:
        raise Problem(422 if problem.status == 400 else problem.status, issues=problem.issues) from None
    return _answer(answer)


def _bundle(service: Service, call: Call) -> Resource:
    if not call.body.strip():
        raise Problem(400, "required", NO_BUNDLE)
    body = negotiation.parse_body(call, service.definitions)
    if not isinstance(body, dict) or body.get("resourceType") != "Bundle":
        raise Problem(400, "invalid", NO_BUNDLE)
    entries = body.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Problem(422, "structure", "Bundle.entry is not a list of objects.", "Bundle.entry")
    return body


def _same_patient(found: Feed, caller: Caller) -> None:
    identifier = found.subject_identifier
    if found.policy.applies("feed-patient") and identifier.get("value") != caller.subject:
        where = f"{found.where}.subject.identifier.value"
        raise Problem(403, "forbidden", MISMATCH, where)


def _prepared(found: Feed) -> Resource:
    """The transaction to run: identities of our own for the entries, and the source that the solution left out."""
    observation, device = dict(found.observation), found.device
    names = {id(entry): uuid.uuid4().urn for entry in found.entries}
    if device is not None and found.device_entry is not None and isinstance(observation.get("device"), dict):
        observation["device"] = {**observation["device"], "reference": names[id(found.device_entry)]}
    meta = observation.get("meta", {})
    if "source" not in meta and found.policy.applies("source-default"):
        observation["meta"] = {**meta, "source": f"urn:oid:{found.solution}"}
    entries = []
    for entry in found.entries:
        request: Mapping[str, Any] = entry["request"]
        kept = {key: request[key] for key in ("method", "url", "ifNoneExist") if key in request}
        if not found.policy.applies("device-once"):
            kept.pop("ifNoneExist", None)
        resource = observation if entry is found.observation_entry else entry["resource"]
        entries.append({"fullUrl": names[id(entry)], "resource": resource, "request": kept})
    return {**found.bundle, "entry": entries}


def _answer(answer: Answer) -> Answer:
    """The transaction-response of the guide: for each entry its status and ``Type/id``."""
    entries = [_entry(entry["response"]) for entry in (answer.resource or {}).get("entry", ())]
    return Answer(resource={"resourceType": "Bundle", "type": "transaction-response", "entry": entries})


def _entry(response: Mapping[str, Any]) -> dict[str, Any]:
    place = str(response["location"]).partition("/_history/")[0]
    return {"response": {**response, "location": place}}
