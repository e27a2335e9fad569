"""The server without HTTP: a :class:`Call` goes in, an :class:`Answer` comes out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.fhir.definitions import Definitions
from harness.sandbox import binaries, bundles, capabilities, fhirpath_patches, interactions, negotiation, patches
from harness.sandbox.authorisation import AcceptAny, Authorisation
from harness.sandbox.call import Answer, Call
from harness.sandbox.codec import Resource
from harness.sandbox.policy import Policy
from harness.sandbox.problems import Problem, failure
from harness.sandbox.routes import Route, match
from harness.sandbox.seams import Seams
from harness.sandbox.search.index import Indexer
from harness.sandbox.search.parameters import Parameters
from harness.sandbox.search.query import QueryParser
from harness.sandbox.searching import search
from harness.sandbox.store import Record, Store, instant
from harness.sandbox.unit import Check, Environment, Rule, Unit

_log = logging.getLogger(__name__)
_WITH_BODY = frozenset({"create", "update", "conditional-update", "transaction"})


def answered(
    call: Call,
    seams: Seams,
    prepare: Callable[[Call], tuple[Call, Route]],
    answer: Callable[[Call, Route], Answer],
    *,
    validated: bool,
) -> Answer:
    """Answer ``call`` as ``prepare``, which finds its route, and ``answer`` do; what they raise becomes an answer too.

    ``validated`` tells whether what is written is judged: where it is not, an odd resource is no failure of ours.
    """
    route = Route("unknown")
    try:
        for change in seams.request:
            call = change(call)
        call, route = prepare(call)
        found = answer(call, route)
    except Problem as problem:
        found = Answer(problem.status, problem.headers, resource=problem.outcome())
    except Exception as error:
        _log.exception("%s /%s failed", call.method, call.path)
        told = failure(error, validated=validated)
        found = Answer(told.status, told.headers, resource=told.outcome())
    for finish in seams.answer:
        found = finish(call, route, found)
    return found


class Service:
    """A FHIR server on ``store``; :func:`~harness.sandbox.assembly.make_service` makes one with the usual parts."""

    def __init__(
        self,
        store: Store,
        definitions: Definitions,
        *,
        check: Check,
        policy: Policy | None = None,
        authorisation: Authorisation | None = None,
        seams: Seams | None = None,
        rules: tuple[Rule, ...] = (),
    ) -> None:
        self.store = store
        self.definitions = definitions
        self.parameters = Parameters(definitions)
        self.policy = policy or Policy()
        self.seams = seams or Seams()
        types = frozenset(definitions.resource_types) - {"Parameters"}
        with store.reading() as session:
            self.started = instant(session.now())
        self.env = Environment(
            policy=self.policy,
            types=types,
            rules=rules,
            seams=self.seams,
            check=check,
            indexer=Indexer(self.parameters),
            queries=QueryParser(self.parameters, types),
        )
        self._authorisation = authorisation or AcceptAny()
        self._statements: dict[str, dict[str, object]] = {}

    def handle(self, call: Call) -> Answer:
        """Answer ``call``. Never raises: what goes wrong is an OperationOutcome."""
        return answered(call, self.seams, self._prepared, self._answer, validated=self.policy.validate)

    def _prepared(self, call: Call) -> tuple[Call, Route]:
        call = replace(call, caller=self._authorisation.authorise(call))
        return call, match(call.method, call.path, self.env.types)

    def _answer(self, call: Call, route: Route) -> Answer:
        raw = route.type == "Binary" and route.name in {"create", "update"} and not negotiation.is_fhir(call)
        shown_raw = route.type == "Binary" and route.name in {"read", "vread"} and not negotiation.wants_fhir(call)
        if not shown_raw:
            negotiation.answer_format(call)
        if raw:
            call = replace(call, resource=binaries.from_raw(call, route.id))
        elif route.name in _WITH_BODY:
            call = replace(call, resource=negotiation.parse_body(call, self.definitions))
        elif route.name in {"patch", "conditional-patch"}:
            call = replace(call, resource=negotiation.parse_patch(call, self.definitions))
        if route.name == "transaction" and bundles.bundle_of(call)["type"] == "batch":
            bundles.check_profiles(self.env, bundles.bundle_of(call))
            return bundles.batch(call, self.env.types, self._alone)
        answer = self._alone(call, route)
        if shown_raw and answer.text is not None:
            return binaries.to_raw(call, answer, Record(0, "Binary", "", 0, 0, "", answer.text).resource)
        return answer

    def _alone(self, call: Call, route: Route) -> Answer:
        """Run one interaction in a transaction of its own."""
        if route.name == "capabilities":
            return Answer(resource=self._statement(call.base))
        whole = route.name == "transaction"
        with self.store.writing() if route.writes else self.store.reading() as session:
            unit = Unit(self.env, session, call)
            try:
                answer = bundles.transaction(unit, self.perform) if whole else self.perform(unit, route, None)
                unit.finish()
                return answer
            except Problem as problem:
                if not whole or self.policy.applies("atomic"):
                    raise
                refused = problem
        raise refused

    def perform(self, unit: Unit, route: Route, new_id: str | None) -> Answer:
        """Run one interaction inside ``unit``. Raises :class:`Problem` for a refusal."""
        offered = f"{route.type}.{route.name.removeprefix('conditional-')}"
        if offered in self.policy.withheld:
            raise Problem(
                405, "not-supported", f"{offered} is not offered here; see /metadata.", headers={"Allow": "GET"}
            )
        match route.name:
            case "read":
                return interactions.read(unit, route)
            case "vread":
                return interactions.vread(unit, route)
            case "search-type":
                return search(unit, route)
            case "create":
                return interactions.create(unit, route, new_id)
            case "update":
                return interactions.update(unit, route)
            case "conditional-update":
                return interactions.conditional_update(unit, route, new_id)
            case "patch" | "conditional-patch":
                return interactions.patch(unit, route, self._patched)
            case "delete":
                return interactions.delete(unit, route)
            case "conditional-delete":
                return interactions.conditional_delete(unit, route)
        return interactions.history(unit, route)

    def _patched(self, resource: Resource, patch: Any) -> Resource:
        if isinstance(patch, dict):
            return fhirpath_patches.apply(resource, patch, self.definitions)
        return patches.apply(resource, patch)

    def _statement(self, base: str) -> dict[str, object]:
        if base not in self._statements:
            made = capabilities.statement(base, self.started, self.env.types, self.parameters, self.policy)
            if len(self._statements) > 16:  # the base comes from the Host header
                self._statements.clear()
            self._statements[base] = made
        return self._statements[base]
