"""A step of a test set, whoever has to send: the harness (:mod:`harness.engine.performer`), or a candidate that is a
client, whose requests are awaited and judged here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.engine.awaiting import COMMAND, PATIENCE, Awaited, Incoming, Instead, Task
from harness.engine.candidate import NOBODY
from harness.engine.checks import ExpectationFault, failed, finding, softened
from harness.engine.checks.evidence import Evidence
from harness.engine.driver import LEFT
from harness.engine.events import CheckResult, Finding
from harness.engine.exchange import Exchange, header
from harness.engine.form import parameters_of, path_of
from harness.engine.performer import Carried, Course, Performed, World, perform
from harness.engine.representation import read_xml, received
from harness.engine.saving import saved_value
from harness.engine.steps import StepFault
from harness.engine.steps.call import FHIR_JSON, encode
from harness.engine.text import inert
from harness.engine.verdict import Verdict, combine
from harness.errors import UsageError
from harness.reason import Reason, joined
from harness.suite.expressions import expand
from harness.suite.model import Expectation, Interaction, Step
from harness.suite.problem import ExpressionError

ANSWER, PARAM = "answer.", "param."
"""Before a source of ``save``: of the answer, not of the request; a parameter of the request."""
_TOLD = 5


async def carry_out(
    step: Step, index: int, course: Course, world: World, implicit: Sequence[Expectation] = ()
) -> Performed:
    """Carry out ``step`` as :func:`~harness.engine.performer.perform` does; one that awaits, waits."""
    if step.interaction is not Interaction.AWAIT or world.incoming is None:
        return await perform(step, index, course, world, implicit)
    waiting = Waiting(step, course, world)
    try:
        await waiting.wait(index, world.incoming, (*step.expect, *implicit))
    except (StepFault, ExpressionError, UsageError, ExpectationFault) as problem:
        waiting.fault(problem)
    return waiting.finished(index)


class Waiting(Carried):
    """A step that awaits requests, while it is carried out."""

    async def wait(self, index: int, incoming: Incoming, expected: Sequence[Expectation]) -> None:
        """Wait for the requests, and judge those that were awaited."""
        awaited = self._awaited(index)
        self.summary = inert(f"await {awaited.method} {awaited.path or ''}".rstrip(), 200)
        came = await incoming.collect(awaited, self.course.scope, index)
        self.exchanges = [self._readable(exchange) for exchange in came]
        wanted = [
            position
            for position, exchange in enumerate(self.exchanges)
            if exchange.request.method != COMMAND and awaited.wants(exchange.request)
        ]
        counted = self._counted(awaited, wanted)
        self.checks = [counted]
        if counted.verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.WARN) and len(wanted) < awaited.least:
            self.blocked = True
            return
        omitted = self._omitted(wanted)
        if omitted is not None:
            self.checks.append(omitted)
            self.blocked = True
            return
        sides = [self._sides(position, awaited.base) for position in wanted]
        if sides:
            self.checks += [self._on_each(one, sides, wanted) for one in expected]
            self._save_from(*sides[-1])

    def _awaited(self, index: int) -> Awaited:
        """Return what the step awaits, expressions replaced. Raises ExpressionError, StepFault, UsageError."""
        target, shown = (expand(self.step.target, scope) for scope in (self._sending, self._judging))
        request = shown["request"]
        within = float(target.get("within", PATIENCE))
        least, most = _bounds(target.get("count", 1))
        task = None
        if "instruction" in target:
            candidate = self.world.candidate
            named = self._text(self.step.identity)
            candidate.credentials(named)  # says what is wrong when there is no such identity
            default = candidate.default_identity
            identity = named or (default if default in candidate.identities else NOBODY)
            action, data = str(target.get("action", "")), target.get("data", {})
            told = target["instruction"]
            task = Task(self.course.scope, index, told, action, data, within, identity, candidate)
        return Awaited(
            base=self.world.candidate.base_url,
            method=request["method"],
            path=request.get("path"),
            params=request.get("params", {}),
            headers=request.get("headers", {}),
            least=least,
            most=most,
            within=within,
            answer=_instead(target.get("answer", {})),
            task=task,
        )

    def _readable(self, exchange: Exchange) -> Exchange:
        """Return ``exchange`` with an answer that can be judged, also when it is in XML."""
        response = exchange.response
        xml = response is not None and "xml" in (response.header("content-type") or "").lower()
        return read_xml(exchange, self.world.structures) if xml else exchange

    def _counted(self, awaited: Awaited, wanted: Sequence[int]) -> CheckResult:
        """Judge whether as many requests came as were awaited, and what kept them away."""
        last = self.exchanges[-1] if self.exchanges else None
        failure = last if last is not None and last.request.method == COMMAND else None
        told = inert(f"{awaited.method} {awaited.path or ''}".rstrip(), 120)
        found: Finding | None = None
        if failure is not None and failure.error_code == "command-start":
            found = finding("await.command", Verdict.ERROR, exchange=len(self.exchanges) - 1, found=failure.fault)
        elif len(wanted) < awaited.least:
            besides = self._besides(awaited, wanted)
            said = joined((besides, failure.fault if failure else ""))
            found = finding(
                "await.expired",
                expected=f"{awaited.least} × {told}",
                found=len(wanted),
                within=f"{awaited.within:g}",
                besides=Reason(f" ({said})", f" ({said.fr})") if said else "",
            )
        elif awaited.most is not None and len(wanted) > awaited.most:
            extra = wanted[awaited.most]
            found = finding("await.count", exchange=extra, request=told, expected=awaited.most, found=len(wanted))
        elif awaited.most is not None and failure is not None and failure.error_code == LEFT:
            found = finding("await.left", Verdict.UNDECIDED, exchange=len(self.exchanges) - 1, found=failure.fault)
        if found is None:
            return CheckResult("await", Verdict.PASS)
        result = failed("await", softened(replace(found, of="request"), self.course.level))
        return self._placed(result, range(len(self.exchanges)), None)

    def _omitted(self, wanted: Sequence[int]) -> CheckResult | None:
        """Return what says that the body of a request was not recorded: what is not there is not judged."""
        for position in wanted:
            body = self.exchanges[position].request.omitted
            if body is not None:
                found = f"{body.size} octets, SHA-256 {body.sha256}"
                why = finding("await.omitted", Verdict.UNDECIDED, exchange=position, found=found)
                return self._placed(failed("await", replace(why, of="request")), [position], None)
        return None

    def _besides(self, awaited: Awaited, wanted: Sequence[int]) -> str:
        others = [
            f"{one.request.method} {path_of(one.request.url, awaited.base)}".rstrip()
            for position, one in enumerate(self.exchanges)
            if position not in wanted and one.request.method != COMMAND
        ]
        return inert(", ".join(others[:_TOLD]) + (", …" if len(others) > _TOLD else ""), 200)

    def _sides(self, position: int, base: str) -> tuple[Evidence, Evidence]:
        """Return what the request and what the answer of an exchange are judged on."""
        exchange = self.exchanges[position]
        side = received(exchange, self.world.structures)
        request = self._evidence((side,), base)
        self.sent = request.resource
        answer = self._evidence((exchange,), base)
        self.received = answer.resource
        sent = (*self.course.sent, self.sent)
        got = (*self.course.received, self.received)
        return replace(request, sent=sent, received=got), replace(answer, sent=sent, received=got)

    def _on_each(
        self, expected: Expectation, sides: Sequence[tuple[Evidence, Evidence]], wanted: Sequence[int]
    ) -> CheckResult:
        """Judge one expectation on every request that was awaited, or on its answer."""
        results = []
        for (request, answer), position in zip(sides, wanted, strict=True):
            if expected.of == "answer" and answer.exchanges[0].response is None:
                why = finding("await.unanswered", exchange=0, found=answer.exchanges[0].fault)
                lost = failed(expected.kind, softened(why, expected.level))
                results.append(self._placed(lost, [position], expected))
            else:
                results.append(self._judged(expected, request if expected.of == "request" else answer, [position]))
        found = tuple(one for result in results for one in result.findings)
        if expected.of == "request":
            found = tuple(replace(one, of="request") for one in found)
        return CheckResult(expected.kind, combine(result.verdict for result in results) or Verdict.PASS, found)

    def _save_from(self, request: Evidence, answer: Evidence) -> None:
        def read(source: str) -> Any:
            if source.startswith(PARAM):
                values = parameters_of(request.exchanges[0].request)
                return next((value for name, value in values if name == source.removeprefix(PARAM)), None)
            side = answer if source.startswith(ANSWER) else request
            return saved_value(source.removeprefix(ANSWER), side)

        self._save(read, self._lost)

    @staticmethod
    def _lost(source: str) -> Verdict:  # noqa: ARG004 - whatever it is, nothing says that a client must send it
        return Verdict.UNDECIDED


def _bounds(count: Any) -> tuple[int, int | None]:
    """Return the least and the largest number of requests. Raises StepFault."""
    ends = (count.get("min", 0), count.get("max")) if isinstance(count, Mapping) else (count, None)
    try:
        least, most = (None if end is None else int(end) for end in ends)
    except (TypeError, ValueError) as problem:
        raise StepFault(
            "step.target", f"count: {count!r} is no number", f"count : {count!r} n'est pas un nombre"
        ) from problem
    return least or 0, most


def _instead(answer: Mapping[str, Any]) -> Instead:
    """Return what the client is answered. A body that is no text is JSON; FHIR's, unless the headers say else."""
    headers = tuple((name, str(value)) for name, value in answer.get("headers", {}).items() if value is not None)
    body = None
    if "body" in answer:
        content = answer["body"]
        body = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else encode(content)
        if header(headers, "content-type") is None:
            headers = (("Content-Type", FHIR_JSON), *headers)
    return Instead(answer.get("status"), headers, body, float(answer.get("delay", 0)))
