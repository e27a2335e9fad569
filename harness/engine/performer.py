"""One step carried out: its call built, its requests sent, its expectations judged, its values saved."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from harness.engine.awaiting import Incoming
from harness.engine.candidate import Candidate
from harness.engine.checks import CHECKS, Evidence, ExpectationFault, failed, finding, judge, softened
from harness.engine.checks.evidence import Judge
from harness.engine.client import Scope, Transport
from harness.engine.created import Created
from harness.engine.events import CheckResult, Finding, StepFinished
from harness.engine.exchange import Exchange, Request
from harness.engine.redaction import Redactor
from harness.engine.representation import as_xml, from_xml_or_none, read_xml, received
from harness.engine.saving import saved_value
from harness.engine.steps import INTERACTIONS, Call, StepFault, converse, is_redirect
from harness.engine.text import inert
from harness.engine.unfinished import with_grace
from harness.engine.verdict import Verdict, combine
from harness.engine.waivers import Waivers
from harness.errors import HarnessError, UsageError
from harness.fhir.definitions import Definitions
from harness.reason import Reason, told
from harness.suite import expressions
from harness.suite.expressions import expand
from harness.suite.model import Expectation, Interaction, Level, Step
from harness.suite.paths import apply
from harness.suite.problem import ExpressionError

_OK = (Verdict.PASS, Verdict.WARN, None)
_BLOCKING = frozenset({"status", "save", "step", "exchange"})
"""Kinds of checks after whose failure the next steps would only fail for the same reason."""
_CHANGED = {Interaction.OPERATION: "parameters", Interaction.REQUEST: "body"}
"""Where the resource stands that ``set`` and ``remove`` change, when it is not the target itself."""
_LONG = 256 * 1024
"""Bytes of answers that are judged aside; what was read of them takes many times as many, so one after the other."""
_MAKING = frozenset({"POST", "PUT", "PATCH"})
"""Methods by which something may come to be."""
_SENDS = frozenset({Interaction.CREATE, Interaction.UPDATE, Interaction.TRANSACTION, Interaction.BATCH})


@dataclass(frozen=True)
class World:
    """What every step of a run shares."""

    candidate: Candidate
    shown: Candidate
    """The candidate without its secrets: what expectations may name."""
    transport: Transport
    redactor: Redactor
    judge: Judge
    structures: Definitions
    waivers: Waivers = field(default_factory=Waivers)
    incoming: Incoming | None = None
    """Where the requests of a candidate come in that is a client; None: the candidate is a server."""
    aside: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Who holds it judges long answers, away from the event loop: the time of other tests goes on meanwhile."""

    def at(self, endpoint: str | None) -> "World | None":
        """Return the world at that endpoint of the candidate, or None when the candidate names no such one."""
        candidate, shown = self.candidate.endpoint(endpoint), self.shown.endpoint(endpoint)
        return None if candidate is None or shown is None else replace(self, candidate=candidate, shown=shown)


@dataclass
class Course:
    """A list of steps under way: a test's, or a set's set-up."""

    scope: Scope
    sending: expressions.Scope
    """What ``${…}`` names in what is sent."""
    judging: expressions.Scope
    """The same, with redacted values: recorded answers are redacted too, and must still compare equal."""
    level: Level
    verifies: tuple[str, ...]
    now: datetime
    """The instant that all of it takes place at."""
    created: Created
    saved: dict[str, Any] = field(default_factory=dict)
    sent: list[Any] = field(default_factory=list)
    received: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Performed:
    """A step that was carried out. ``blocked``: the steps after it cannot mean anything."""

    event: StepFinished
    verdict: Verdict | None
    blocked: bool


async def perform(
    step: Step, index: int, course: Course, world: World, implicit: Sequence[Expectation] = ()
) -> Performed:
    """Carry out ``step``. What is wrong with the step itself becomes a finding; faults of the harness are raised.

    ``implicit`` expectations are judged besides those of the step.
    """
    carried = Carried(step, course, world)
    unsupported = _unsupported(step)
    if unsupported:
        carried.refuse(unsupported)
    else:
        try:
            call = carried.call()
            for attempt in range(step.until.attempts if step.until else 1):
                if attempt and step.until:
                    await world.transport.pause(step.until.interval)
                await carried.attempt(call, (*step.expect, *implicit))
                if combine(check.verdict for check in carried.checks) in _OK:
                    break
        except (StepFault, ExpressionError, UsageError) as problem:
            carried.fault(problem)
    return carried.finished(index)


class Carried:
    """A step while it is carried out; :class:`harness.engine.waiting.Waiting` is one that awaits."""

    def __init__(self, step: Step, course: Course, world: World) -> None:
        self.step = step
        self.course = course
        self.world = world
        self.exchanges: list[Exchange] = []
        self.checks: list[CheckResult] = []
        self.saved: dict[str, Any] = {}
        self.blocked = False
        self.summary = str(step.interaction)
        self.sent: Any = None
        self.received: Any = None

    @property
    def _sending(self) -> expressions.Scope:
        return self.course.sending.child(saved=self.course.saved)

    @property
    def _judging(self) -> expressions.Scope:
        return self.course.judging.child(saved={**self.course.saved, **self.saved})

    def call(self) -> Call:
        """Return what the step asks for, expressions replaced. Raises ExpressionError, StepFault, UsageError."""
        step, scope = self.step, self._sending
        target = expand(step.target, scope)
        resource: Any = None
        if step.interaction in _SENDS:
            resource = target = self._changed(target)
        elif step.interaction in _CHANGED and isinstance(target, Mapping):
            member = _CHANGED[step.interaction]
            if isinstance(target.get(member), Mapping):
                target = {**target, member: self._changed(target[member])}
        return Call(
            interaction=step.interaction,
            base=self.world.candidate.base_url,
            target=target,
            resource=resource,
            params={str(expand(name, scope)): expand(value, scope) for name, value in step.params.items()},
            credentials=self.world.candidate.credentials(self._text(step.identity)),
            headers={name: self._text(value) for name, value in step.headers.items()},
            if_match=self._text(step.if_match),
            if_none_match=self._text(step.if_none_match),
            if_none_exist=self._text(step.if_none_exist),
            pages=min(step.pages, self.world.candidate.limits.pages),
        )

    def _changed(self, resource: Any) -> Any:
        if not isinstance(resource, Mapping):
            return resource
        return apply(resource, expand(self.step.set, self._sending), self.step.remove)

    def _text(self, value: Any) -> str | None:
        expanded = expand(value, self._sending)
        return None if expanded is None else str(expanded)

    async def attempt(self, call: Call, expected: Sequence[Expectation]) -> None:
        """Send the requests of ``call`` and judge the answers; of several attempts the last one counts."""
        offset = len(self.exchanges)
        await self._converse(call)
        made = self.exchanges[offset:]
        if made and not offset:
            self.summary = _summary(made[0], call, self.world.candidate.base_url)
        broken = made[-1] if made and made[-1].response is None else None
        if broken is not None:
            code = f"network.{broken.error_code or 'unknown'}"
            index = len(self.exchanges) - 1
            self.checks = [failed("exchange", finding(code, Verdict.ERROR, exchange=index, found=broken.fault))]
            self.blocked = True
            return
        if sum(len(one.response.body) for one in made if one.response) < _LONG:
            self._judge(made, offset, call, expected)
            return
        async with self.world.aside:
            await asyncio.to_thread(self._judge, made, offset, call, expected)

    def _judge(self, made: Sequence[Exchange], offset: int, call: Call, expected: Sequence[Expectation]) -> None:
        kept = [position for position, one in enumerate(made) if position == len(made) - 1 or not is_redirect(one)]
        evidence = self._evidence(tuple(made[position] for position in kept), call.base)
        places = [offset + position for position in kept]
        answers = [one for one in expected if one.of == "answer"]
        self.checks = [self._judged(one, evidence, places) for one in answers]
        if len(answers) < len(expected):
            sent = replace(evidence, exchanges=(received(made[0], self.world.structures),))
            self.checks += [self._own(one, sent, offset) for one in expected if one.of == "request"]
        if call.pages > 1:
            result = judge("pages", call.pages, self.course.level, evidence)
            self.checks.append(self._placed(result, places, None))
        self.blocked = any(check.kind in _BLOCKING and check.verdict not in _OK for check in self.checks)
        self._save(lambda source: saved_value(source, evidence), lambda source: self._missing(source, evidence))

    async def _converse(self, call: Call) -> None:
        conversation = converse(call, self.world.candidate.limits.redirects)
        request = next(conversation, None)
        while request is not None:
            if self.step.format == "xml":
                request = as_xml(request, self.world.structures)
            exchange = await self._sent(request, call)
            if self.step.format == "xml":
                exchange = read_xml(exchange, self.world.structures)
            self.exchanges.append(exchange)
            self.course.created.note(request, exchange, call.credentials)
            if exchange.response is None:
                return
            try:
                request = conversation.send(exchange)
            except StopIteration:
                return

    async def _sent(self, request: Request, call: Call) -> Exchange:
        """Return the exchange. What is made while the run is told to end is known all the same, and taken away."""
        sending = self.world.transport.send(request, self.course.scope)
        if request.method not in _MAKING:
            return await sending

        def late(exchange: Exchange) -> None:
            self.course.created.note(request, exchange, call.credentials)

        return await with_grace(sending, late)

    def _evidence(self, exchanges: tuple[Exchange, ...], base: str) -> Evidence:
        self.sent = self._parsed(exchanges[0].request.body) if exchanges else None
        scope = self._judging
        named = {**scope.members("variables"), **scope.members("each"), **scope.members("saved")}
        evidence = Evidence(
            exchanges=exchanges,
            base=base,
            judge=self.world.judge,
            structures=self.world.structures,
            now=self.course.now,
            sent=(*self.course.sent, self.sent),
            received=self.course.received,
            variables=named,
        )
        self.received = evidence.resource
        return replace(evidence, received=(*self.course.received, self.received))

    def _parsed(self, body: bytes) -> Any:
        if self.step.format == "xml":
            return from_xml_or_none(body, self.world.structures)
        try:
            return json.loads(body, parse_float=Decimal) if body else None
        except (ValueError, ArithmeticError, RecursionError):
            return None

    def _judged(self, expected: Expectation, evidence: Evidence, indexes: Sequence[int]) -> CheckResult:
        if expected.kind not in CHECKS:
            result = failed(expected.kind, finding("expect", Verdict.ERROR, found=_not_known(expected.kind)))
        else:
            try:
                value = expand(expected.value, self._judging)
                result = judge(expected.kind, value, expected.level, evidence)
            except ExpressionError as problem:
                result = failed(expected.kind, finding("expect", Verdict.ERROR, found=self._clean(problem)))
        return self._placed(result, indexes, expected)

    def _own(self, expected: Expectation, sent: Evidence, index: int) -> CheckResult:
        """Judge what the harness itself sent: where it is not as expected, the test set is at fault."""
        result = self._judged(expected, sent, [index])
        found = tuple(
            replace(one, of="request", verdict=Verdict.ERROR if one.verdict is Verdict.FAIL else one.verdict)
            for one in result.findings
        )
        return replace(result, verdict=combine(one.verdict for one in found) or result.verdict, findings=found)

    def _placed(self, result: CheckResult, indexes: Sequence[int], expected: Expectation | None) -> CheckResult:
        """Give the findings their exchange within the step, their requirements and their place in the test set."""
        location = str(expected.location if expected else self.step.location)

        def at(one: Finding) -> Finding:
            exchange = None if one.exchange is None or not indexes else indexes[min(one.exchange, len(indexes) - 1)]
            return replace(one, exchange=exchange, requirements=self.course.verifies, location=location)

        placed = replace(result, findings=tuple(map(at, result.findings)))
        scope = self.course.scope
        return self.world.waivers.apply(placed, scope.test_set, scope.test, self.course.now)

    def _save(self, read: Callable[[str], Any], absent: Callable[[str], Verdict]) -> None:
        """Save what ``read`` finds at each source; ``absent`` says how it counts that there is nothing."""
        if self.blocked:
            return
        for name, source in self.step.save.items():
            try:
                text = expand(source, self._judging)
                value = read(str(text))
            except (ExpectationFault, ExpressionError) as problem:
                result = failed("save", finding("expect", Verdict.ERROR, found=self._clean(problem)))
            else:
                if value is not None:
                    self.saved[name] = value
                    continue
                missing = finding("save", absent(source), expected=source)
                result = failed("save", softened(missing, self.course.level))
            self.checks.append(self._placed(result, (), None))
            self.blocked = True

    @staticmethod
    def _missing(source: str, evidence: Evidence) -> Verdict:
        """A created resource's Location is a SHALL (http.html#create); anything else was not asked for."""
        located = source.lower().startswith("header.location") and evidence.last.status == 201
        return Verdict.FAIL if located else Verdict.UNDECIDED

    def refuse(self, found: tuple[str, str]) -> None:
        """Note that the harness cannot do this."""
        self._stop(failed("step", finding("step.unsupported", Verdict.UNDECIDED, found=Reason(*found))))

    def fault(self, problem: HarnessError) -> None:
        """Note that the step is not written so that it can be carried out."""
        code = problem.code if isinstance(problem, StepFault) else "step.expression"
        outside = code == "step.outside"
        verdict = Verdict.UNDECIDED if outside else Verdict.ERROR
        one = finding(code, verdict, found=self._clean(problem))
        self._stop(failed("step", one))

    def _stop(self, result: CheckResult) -> None:
        self.checks.append(self._placed(result, (), None))
        self.blocked = True

    def _clean(self, problem: Exception) -> str:
        return inert(self.world.redactor.reason(told(problem)), 400)

    def _shown(self, check: CheckResult) -> CheckResult:
        """Return a check whose findings quote no secret: what they quote was parsed, and so spelt anew."""
        if not check.findings:
            return check
        redact = self.world.redactor.text
        shown = (
            replace(
                one,
                message=redact(one.message),
                message_fr=redact(one.message_fr),
                expected=redact(one.expected),
                found=redact(one.found),
                expression=redact(one.expression),
            )
            for one in check.findings
        )
        return replace(check, findings=tuple(shown))

    def finished(self, index: int) -> Performed:
        """Hand what was sent, received and saved to the course, and return the event."""
        course, step = self.course, self.step
        course.sent.append(self.sent)
        course.received.append(self.received)
        course.saved.update(self.saved)
        event = StepFinished(
            test_set=course.scope.test_set,
            test=course.scope.test,
            phase=course.scope.phase,
            index=index,
            interaction=str(step.interaction),
            summary=self.world.redactor.text(self.summary),
            exchanges=tuple(one.unread() for one in self.exchanges),
            checks=tuple(map(self._shown, self.checks)),
            saved={name: self.world.redactor.value(recordable(value)) for name, value in self.saved.items()},
            location=str(step.location),
        )
        return Performed(event, combine(check.verdict for check in self.checks), self.blocked)


def _unsupported(step: Step) -> tuple[str, str] | None:
    if step.interaction not in INTERACTIONS:
        return f"the interaction {step.interaction}", f"l'interaction {step.interaction}"
    return None


def _summary(exchange: Exchange, call: Call, base: str) -> str:
    path = exchange.request.url.removeprefix(base).lstrip("/")
    return inert(f"{call.interaction} {exchange.request.method} {path}".rstrip(), 200)


_LARGEST = 2**63 - 1


def recordable(value: Any) -> Any:
    """Return a saved value as the journal can hold it: exact decimals and numbers beyond 64 bits become text."""
    if isinstance(value, Decimal) or (isinstance(value, int) and abs(value) > _LARGEST):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): recordable(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [recordable(member) for member in value]
    return value


def _not_known(name: str) -> Reason:
    return Reason(f"{name} is not known", f"{name} n'est pas connu")
