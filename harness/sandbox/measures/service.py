"""The measures API: three routes in front of a FHIR server of its own, behind the gate of tokens and consent."""

from __future__ import annotations

from dataclasses import replace

from harness.fhir.definitions import Definitions
from harness.fhir.terminology import Terminology
from harness.sandbox import negotiation
from harness.sandbox.call import Answer, Call
from harness.sandbox.measures.feed import feed
from harness.sandbox.measures.gate import Gate
from harness.sandbox.measures.lookup import lookup
from harness.sandbox.measures.population import Registry
from harness.sandbox.measures.statement import statement
from harness.sandbox.measures.tokens import TokenOffice
from harness.sandbox.policy import Policy
from harness.sandbox.problems import Problem
from harness.sandbox.routes import Route
from harness.sandbox.service import Service, answered
from harness.sandbox.store import Store

_ROUTES = {
    "": {"POST": Route("transaction")},
    "metadata": {"GET": Route("capabilities")},
    "Observation": {"GET": Route("search-type", "Observation")},
}


class MeasuresService:
    """The measures API, which keeps its resources in ``service``; ``registry`` and ``office`` say who may call."""

    def __init__(self, service: Service, registry: Registry | None = None, office: TokenOffice | None = None) -> None:
        self.service = service
        self.registry = registry or Registry()
        self.office = office or TokenOffice()
        self._terminology = Terminology(service.definitions)
        self._gate = Gate(self.office, self.registry, service.policy)

    @classmethod
    def beside(cls, service: Service, store: Store | None = None, office: TokenOffice | None = None) -> MeasuresService:
        """The measures API of the sandbox that ``service`` is part of: same choices and defects.

        It keeps its resources apart: in ``store``, or beside those of ``service``.
        """
        env = service.env
        own = Service(
            store or service.store.beside("measures"),
            service.definitions,
            check=env.check,
            policy=service.policy,
            seams=service.seams,
            rules=env.rules,
        )
        return cls(own, office=office)

    @property
    def definitions(self) -> Definitions:
        """What the answers are written with."""
        return self.service.definitions

    @property
    def policy(self) -> Policy:
        """The choices of this server."""
        return self.service.policy

    def handle(self, call: Call) -> Answer:
        """Answer ``call``. Never raises: what goes wrong is an OperationOutcome."""
        validated = self.policy.validate
        return answered(call, self.service.seams, lambda call: (call, _route(call)), self._answer, validated=validated)

    def _answer(self, call: Call, route: Route) -> Answer:
        negotiation.answer_format(call)
        if route.name == "capabilities":
            return Answer(resource=statement(call.base, self.service.started, self.policy))
        caller = self._gate.authorise(call)
        call = replace(call, caller=caller)
        if route.writes:
            self._gate.consent(caller, "write")
            return feed(self.service, call, caller, self._terminology)
        self._gate.consent(caller, "read")
        return lookup(self.service, call, caller)


def _route(call: Call) -> Route:
    offered = _ROUTES.get(call.path.strip("/"))
    if offered is None:
        told = f"/{call.path} is not offered: POST a Bundle on the base, or GET Observation with parameters."
        raise Problem(404, "not-supported", told)
    method = "GET" if call.method == "HEAD" else call.method
    if method not in offered:
        allowed = ", ".join([*offered, *(["HEAD"] if "GET" in offered else [])])
        raise Problem(
            405,
            "not-supported",
            f"{call.method} is not offered on /{call.path}; it takes {allowed}.",
            headers={"Allow": allowed},
        )
    return offered[method]
