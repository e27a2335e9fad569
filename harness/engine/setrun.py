"""One test set under way: its set-up, its tests, and the clean-up of all that they made."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from harness.engine.checks import finding
from harness.engine.checks.evidence import answered, resource_of
from harness.engine.client import Scope
from harness.engine.created import Created
from harness.engine.events import Event, Finding, SetFinished, SetStarted, StepFinished, TestFinished, TestStarted
from harness.engine.exchange import Exchange, Response
from harness.engine.mutants import Unbreakable, perform_mutants
from harness.engine.needs import is_of_candidate, lacking, undeclared
from harness.engine.performer import Course, Performed, World, perform
from harness.engine.planner import Case
from harness.engine.replay import ReplayError
from harness.engine.text import inert
from harness.engine.unfinished import to_the_end
from harness.engine.verdict import Verdict, combine
from harness.engine.waiting import carry_out
from harness.errors import TestSetError
from harness.reason import Reason, told
from harness.suite import expressions
from harness.suite.expressions import Random, Time, expand_variables
from harness.suite.model import Expectation, Interaction, Step, TestSet

Emit = Callable[[Event], None]

_PASSED = (Verdict.PASS, Verdict.WARN)


class Capabilities:
    """The CapabilityStatement of one address of the candidate, fetched once a run, when a test first needs it."""

    def __init__(self) -> None:
        self._statement: Mapping[str, Any] | None = None
        self._problem = ""
        self._verdict = Verdict.UNDECIDED
        self.known = False

    def take(self, exchange: Exchange) -> None:
        """Keep what the candidate answered."""
        self.known = True
        resource = resource_of(exchange.response) if exchange.response else None
        if resource is not None and resource["resourceType"] == "CapabilityStatement":
            self._statement = resource
        else:
            self._verdict = Verdict.UNDECIDED if exchange.response else Verdict.ERROR
            self._problem = exchange.fault or _said(exchange.response)

    def obstacle(self, needs: Sequence[str]) -> Finding | None:
        """Return why a test with these needs cannot run, or None when it can."""
        if not needs:
            return None
        if self._statement is None:
            return finding("needs.unknown", self._verdict, found=self._problem)
        missing = undeclared(self._statement, needs)
        return finding("needs", Verdict.SKIP, expected=", ".join(missing)) if missing else None


def _declared(needs: Sequence[str]) -> list[str]:
    """Return those of ``needs`` that are looked up in the CapabilityStatement."""
    return [need for need in needs if not is_of_candidate(need)]


def _said(response: Response | None) -> Reason:
    if response is None:
        return Reason("no answer", "pas de réponse")
    return answered(response)


class SetRun:
    """Carries out the selected cases of one test set; at most ``jobs`` at a time."""

    def __init__(
        self,
        test_set: TestSet,
        cases: Sequence[Case],
        world: World,
        emit: Emit,
        *,
        seed: int,
        capabilities: Capabilities,
        jobs: int,
        obstacle: Finding | None = None,
        halt: Callable[[], Finding | None] = lambda: None,
    ) -> None:
        self._set = test_set
        self._cases = cases
        self._world = world
        self._candidates = (world.candidate.scope(), world.shown.scope())
        self._emit = emit
        self._seed = seed
        self._capabilities = capabilities
        self._jobs = max(1, jobs)
        self._verdicts: dict[str, Verdict] = {}
        self._ended: dict[str, asyncio.Event] = {case.id: asyncio.Event() for case in cases}
        self._leftovers: list[str] = []
        self._attempt = 0
        self._setup: Course | None = None
        self._obstacle = obstacle
        self._halt = halt

    async def run(self) -> None:
        """Yield nothing, emit everything: SetStarted, the tests, SetFinished; also when it is cancelled."""
        scope = Scope(self._set.id)
        now = _instant(self._world.transport.now(scope))
        self._attempt = self._world.transport.attempt(scope)
        self._emit(SetStarted(self._set.id, now.isoformat(), self._attempt))
        created = Created(self._world.candidate.base_url)
        try:
            await self._prepare(scope, now, created)
            for batch in self._batches():
                await self._together(batch)
        finally:
            await self._clean_up(scope._replace(phase="cleanup"), created)
            await self._world.transport.finish(scope)
            verdict = combine(self._verdicts.values())
            reason = self._obstacle.message if self._obstacle else ""
            self._emit(SetFinished(self._set.id, verdict, tuple(self._leftovers), reason))

    def _fault(self, problem: Exception) -> Finding:
        """Return the finding for what failed on our side."""
        if isinstance(problem, ReplayError):
            return finding("replay", Verdict.ERROR, found=inert(told(problem), 400))
        said = inert(self._world.redactor.text(f"{type(problem).__name__}: {problem}"), 400)
        return finding("harness", Verdict.ERROR, found=said)

    def _clean(self, problem: TestSetError) -> str:
        return inert(self._world.redactor.reason(told(problem)), 400)

    async def _prepare(self, scope: Scope, now: datetime, created: Created) -> None:
        try:
            await self._set_up(scope, now, created)
        except Exception as problem:  # a fault of ours must not end the run
            self._obstacle = self._fault(problem)

    async def _set_up(self, scope: Scope, now: datetime, created: Created) -> None:
        if self._obstacle is not None or self._halt() is not None:
            return
        if any(_declared(case.test.needs) for case in self._cases) and not self._capabilities.known:
            await self._fetch_capabilities(scope)
        try:
            self._setup = self._course(scope, now, created)
        except TestSetError as problem:
            self._obstacle = finding("setup", Verdict.ERROR, found=self._clean(problem))
            return
        for index, step in enumerate(self._set.setup):
            done = await carry_out(step, index, self._setup, self._world, _implicit(step))
            self._emit(done.event)
            if done.blocked or done.verdict in (Verdict.FAIL, Verdict.ERROR):
                undecided = done.verdict is Verdict.UNDECIDED
                verdict = Verdict.UNDECIDED if undecided else Verdict.ERROR
                self._obstacle = finding("setup", verdict, found=_reason(done))
                return

    async def _fetch_capabilities(self, scope: Scope) -> None:
        step = Step(Interaction.CAPABILITIES, None, self._set.tests[0].location)
        course = Course(
            scope=scope,
            sending=expressions.Scope({}),
            judging=expressions.Scope({}),
            level="SHALL",
            verifies=(),
            now=datetime.now(UTC),
            created=Created(self._world.candidate.base_url),
        )
        done = await perform(step, -1, course, self._world)
        if done.event.exchanges:
            self._capabilities.take(done.event.exchanges[-1])
        self._emit(replace(done.event, checks=()))

    def _course(self, scope: Scope, now: datetime, created: Created, case: Case | None = None) -> Course:
        """Return a course that begins with what the set-up saved. Raises ExpressionError for wrong variables."""
        test = case.test if case else None
        saved = dict(self._setup.saved) if self._setup else {}
        sending, judging = (self._scope(candidate, now, saved, case) for candidate in self._candidates)
        return Course(
            scope=scope,
            sending=sending,
            judging=judging,
            level=test.level if test else "SHALL",
            verifies=test.verifies if test else (),
            now=now,
            created=created,
            saved=dict(saved),
        )

    def _scope(
        self, candidate: Mapping[str, Any], now: datetime, saved: Mapping[str, Any], case: Case | None
    ) -> expressions.Scope:
        set_now = self._setup.now if self._setup else now
        again = _again(self._world.transport.attempt(Scope(self._set.id, case.id, "test"))) if case else ()
        # Without a set-up nothing is shared: a test that is done again meets nothing of what it left (resume).
        shared = _again(self._attempt) if self._set.setup or case is None else again
        outer = expressions.Scope(
            {
                "candidate": candidate,
                "fixtures": self._set.fixtures,
                "time": Time(set_now),
                "random": Random(self._seed, self._set.id, *shared),
            }
        )
        variables = expand_variables(self._set.variables, outer)
        inner = outer.child(variables=variables, saved=saved)
        if case is None:
            return inner
        inner = inner.child(time=Time(now), random=Random(self._seed, self._set.id, case.id, *again))
        return inner.child(each={name: expressions.expand(value, inner) for name, value in case.row.items()})

    def _batches(self) -> list[list[Case]]:
        """The cases in file order, those that may run at the same time together."""
        batches: list[list[Case]] = []
        alone = True
        for case in self._cases:
            if alone or case.test.serial or self._jobs == 1:
                batches.append([])
            batches[-1].append(case)
            alone = case.test.serial
        return batches

    async def _together(self, batch: Sequence[Case]) -> None:
        if len(batch) == 1:
            await self._case(batch[0])
            return
        slots = asyncio.Semaphore(self._jobs)

        async def one(case: Case) -> None:
            for other in self._needed(case):
                await self._ended[other].wait()
            async with slots:
                await self._case(case)

        async with asyncio.TaskGroup() as group:
            for case in batch:
                group.create_task(one(case))

    def _needed(self, case: Case) -> list[str]:
        return [other.id for other in self._cases if other.test.id in case.needed and other.id != case.id]

    async def _case(self, case: Case) -> None:
        scope = Scope(self._set.id, case.id, "test")
        now = _instant(self._world.transport.now(scope))
        test = case.test
        self._emit(
            TestStarted(
                self._set.id,
                case.id,
                dict(test.title),
                test.verifies,
                now.isoformat(),
                (*self._set.tags, *test.tags),
                test.level,
                self._world.transport.attempt(scope),
            )
        )
        begun = time.perf_counter()
        outside: tuple[Finding, ...] = ()
        obstacle = self._halt() or self._obstacle or self._lacking(case) or self._unmet(case)
        if obstacle is not None:
            verdict, reason, outside = obstacle.verdict, obstacle.message, (obstacle,)
        else:
            verdict, reason, outside = await self._steps(case, scope, now)
            await self._world.transport.finish(scope)
        self._verdicts[case.id] = verdict
        elapsed = round(time.perf_counter() - begun, 6)
        self._emit(TestFinished(self._set.id, case.id, verdict, reason, elapsed, outside))
        self._ended[case.id].set()

    def _lacking(self, case: Case) -> Finding | None:
        """Return what the candidate does not have or declare, though the test needs it."""
        try:
            needs = [str(expressions.expand(need, expressions.Scope({"each": case.row}))) for need in case.test.needs]
        except TestSetError as problem:
            return finding("step.expression", Verdict.ERROR, found=self._clean(problem))
        return lacking(self._world.candidate, needs) or self._capabilities.obstacle(_declared(needs))

    def _unmet(self, case: Case) -> Finding | None:
        """Return why a control or a dependency keeps the test from counting."""
        control = (case.test.control,) if case.test.control else ()
        for kind, names in (("control", control), ("depends", case.test.depends)):
            for name in names:
                verdict = combine(self._verdicts[other.id] for other in self._cases if other.test.id == name)
                if verdict not in _PASSED:
                    keeps = verdict if verdict in (Verdict.ERROR, Verdict.UNDECIDED) else Verdict.SKIP
                    return finding(kind, keeps, expected=name, found=verdict or Reason("nothing", "rien"))
        return None

    async def _steps(self, case: Case, scope: Scope, now: datetime) -> tuple[Verdict, str, tuple[Finding, ...]]:
        created = Created(self._world.candidate.base_url)
        done: list[Performed] = []
        outside: tuple[Finding, ...] = ()
        try:
            course = self._course(scope, now, created, case)
            for index, step in enumerate(case.test.steps):
                done.append(await carry_out(step, index, course, self._world))
                self._emit(done[-1].event)
                if done[-1].blocked:
                    break
            if case.test.mutants is not None and not (done and done[-1].blocked):
                async for one in perform_mutants(case.test.mutants, len(done), course, self._world, self._seed):
                    done.append(one)
                    self._emit(one.event)
        except Unbreakable as problem:
            outside = (problem.finding,)
        except TestSetError as problem:
            outside = (finding("step.expression", Verdict.ERROR, found=self._clean(problem)),)
        except Exception as problem:  # a fault of ours must not end the run
            outside = (self._fault(problem),)
        finally:
            await self._clean_up(scope._replace(phase="cleanup"), created)
        return _conclusion(done, outside)

    async def _clean_up(self, scope: Scope, created: Created) -> None:
        """Delete what was made, the last first; what stays is a leftover. A run that is told to end waits for it."""
        exchanges: list[Exchange] = []
        try:
            await self._take_away(scope, created, exchanges)
        except asyncio.CancelledError:  # what was under way is asked for again
            await to_the_end(self._take_away(scope, created, exchanges))
            raise
        finally:
            self._leftovers += created.left
            if exchanges:
                self._emit(
                    StepFinished(
                        test_set=scope.test_set,
                        test=scope.test,
                        phase="cleanup",
                        index=0,
                        interaction="delete",
                        summary=f"clean-up: {len(exchanges)} requests",
                        exchanges=tuple(exchanges),
                        checks=(),
                    )
                )

    async def _take_away(self, scope: Scope, created: Created, exchanges: list[Exchange]) -> None:
        try:
            if self._world.incoming is not None:
                await self._world.incoming.leave()
            for _, request in created.deletions():
                exchange = await self._world.transport.send(request, scope)
                created.note(request, exchange, ())
                exchanges.append(exchange)
        except ReplayError:  # what was recorded ends here; nothing was made that could be left
            created.forget()


def _again(attempt: int) -> tuple[str, ...]:
    """What tells the random values of a later attempt from those of the first."""
    return (f"attempt {attempt}",) if attempt else ()


def _instant(now: datetime) -> datetime:
    """Milliseconds are what is recorded, so nothing finer may be used."""
    return now.astimezone(UTC).replace(microsecond=now.microsecond // 1000 * 1000)


def _implicit(step: Step) -> tuple[Expectation, ...]:
    """A set-up step must succeed, even where it does not say so."""
    if any(expected.kind == "status" for expected in step.expect):
        return ()
    return (Expectation("status", "2xx", "SHALL", step.location),)


def _findings(done: Performed) -> list[Finding]:
    return [one for check in done.event.checks for one in check.findings]


def _reason(done: Performed) -> str:
    worst = next((one for one in _findings(done) if one.verdict == done.verdict), None)
    summary = done.event.summary
    return Reason(f"{summary}: {worst.message}", f"{summary} : {worst.message_fr}") if worst else str(done.verdict)


def _conclusion(done: Sequence[Performed], outside: tuple[Finding, ...]) -> tuple[Verdict, str, tuple[Finding, ...]]:
    verdicts = [one.verdict for one in done if one.verdict is not None] + [one.verdict for one in outside]
    verdict = combine(verdicts)
    if verdict is None:
        nothing = finding("no-check", Verdict.ERROR)
        return nothing.verdict, nothing.message, (nothing,)
    if verdict is Verdict.PASS:
        return verdict, "", outside
    found = [*(one for step in done for one in _findings(step)), *outside]
    return verdict, next((one.message for one in found if one.verdict is verdict), ""), outside
