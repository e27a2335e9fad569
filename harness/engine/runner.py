"""Runs test sets against a candidate and yields what happens, as events."""

import asyncio
import contextlib
import importlib.metadata
import platform
import secrets
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ParamSpec, Protocol

import harness
from harness.engine.access import Grant, obtain, wanted
from harness.engine.awaiting import Incoming
from harness.engine.candidate import Candidate
from harness.engine.checks.evidence import Judge, finding
from harness.engine.client import Live, Transport
from harness.engine.events import DefinitionSource, Event, Finding, RunFinished, RunStarted, TestFinished, TestSetSource
from harness.engine.performer import World
from harness.engine.planner import Case, Select, plan
from harness.engine.replay import Replay
from harness.engine.results import RunResult
from harness.engine.resume import Resumed
from harness.engine.setrun import Capabilities, Emit, SetRun
from harness.engine.sign_in import Show
from harness.engine.unfinished import Interruptions, StoppedAtOnce
from harness.engine.verdict import Verdict, combine
from harness.engine.waivers import Waivers
from harness.errors import HarnessError, RecordError, UsageError
from harness.fhir.definitions import Definitions
from harness.fhir.terminology import Terminology
from harness.suite.model import TestSet
from harness.suite.requirements import Requirements
from harness.validation.validator import Validator

P = ParamSpec("P")

_FAILED = frozenset({Verdict.FAIL, Verdict.ERROR})
_SEEDS = 2**63
"""A journal holds no larger number."""
_DEPENDENCIES = ("fhirpathpy", "httpcore", "h11", "jsonschema", "orjson", "pyyaml")


class Listener(Protocol):
    """Takes the events of a run as they come: the journal, a report. :class:`harness.report.writer.Writer`."""

    def open(self) -> None:
        """Get ready."""

    def write(self, event: Event) -> None:
        """Take one event."""

    def close(self) -> None:
        """Finish."""


@dataclass(frozen=True)
class _Planned:
    test_set: TestSet
    cases: tuple[Case, ...]


async def run(
    test_sets: Iterable[TestSet],
    candidate: Candidate,
    *,
    definitions: Definitions,
    requirements: Requirements | None = None,
    transport: Transport | None = None,
    select: Select | None = None,
    seed: int | None = None,
    jobs: int = 1,
    writers: Sequence[Listener] = (),
    command: Sequence[str] = (),
    judge: Judge | None = None,
    run_id: str | None = None,
    fail_fast: bool = False,
    show: Show = print,
    waivers: Waivers | None = None,
    incoming: Incoming | None = None,
) -> AsyncIterator[Event]:
    """Run ``test_sets`` against ``candidate`` and yield the events, in the order of :mod:`harness.engine.events`.

    ``writers`` take every event before it is yielded, those of the clean-up after a cancellation too. ``transport`` is
    by default a live one; a :class:`~harness.engine.replay.Replay` judges a recorded run again, with its ``seed`` and
    the candidate ``Candidate.of(started.candidate)``. ``select`` chooses cases: controls and dependencies come along.
    ``jobs`` tests of a set run at the same time; with ``fail_fast``, one at a time, and none begins after a fail or
    an error. ``command`` is the command line, which is recorded redacted. ``transport`` is closed at the end.
    ``show`` shows a person the address where they sign in. ``waivers`` turn known findings into warnings.
    ``incoming`` is where a client's requests come in; a Replay has them itself. ``judge``: else :func:`default_judge`.

    Raises UsageError for a ``seed`` that is negative or beyond 63 bits, HarnessError when a writer cannot write;
    whatever happens in a test becomes its verdict.
    """
    planned = [_Planned(test_set, cases) for test_set in test_sets if (cases := plan(test_set, select))]
    seed = secrets.randbits(31) if seed is None else seed
    if not 0 <= seed < _SEEDS:
        raise UsageError(f"the seed {seed} is not one: give a whole number from 0 to {_SEEDS - 1}")
    grants: tuple[Grant, ...] = ()
    if transport is None:
        candidate, grants = await signed_in(candidate, show)
    started = replace(
        _started(planned, candidate, definitions, requirements, seed=seed, command=command, run_id=run_id),
        resumes=transport.started.run if isinstance(transport, Resumed) else "",
        resumption=transport.resumption if isinstance(transport, Resumed) else 0,
        fail_fast=fail_fast,
        waivers=waivers.recorded if waivers else (),
    )
    stage = _Stage(writers)
    live = transport or Live(candidate, candidate.redactor(), grants)
    world = _world(candidate, live, judge or default_judge(definitions), definitions, waivers or Waivers(), incoming)

    async def produce() -> None:
        stage.emit(started)
        if world.incoming is not None:
            world.incoming.open(world.redactor)
        await _sets(planned, world, stage.emit, definitions, seed=seed, jobs=jobs, fail_fast=fail_fast)

    try:
        stage.open()
        stage.task = asyncio.create_task(_closing(produce(), live, world.incoming, stage))
        while (event := await stage.events.get()) is not None:
            yield event
        await stage.ended()
    finally:
        await stage.close()


def _world(  # noqa: PLR0917  (they are the fields)
    candidate: Candidate,
    channel: Transport,
    judge: Judge,
    definitions: Definitions,
    waivers: Waivers,
    incoming: Incoming | None,
) -> World:
    came = channel if isinstance(channel, Replay) else incoming
    shown = Candidate.of(candidate.redacted())
    return World(candidate, shown, channel, candidate.redactor(), judge, definitions, waivers, came)


async def _closing(work: Awaitable[None], channel: Transport, came: Incoming | None, stage: "_Stage") -> None:
    """Do ``work``, close what it talked through, and tell that no event follows."""
    try:
        await work
    finally:
        try:
            if came is not None:
                await came.close()
            await channel.close()
        except asyncio.CancelledError:  # a writer failed at the very end; what is open is closed all the same
            await channel.close()
            raise
        finally:
            stage.events.put_nowait(None)


async def signed_in(candidate: Candidate, show: Show) -> tuple[Candidate, tuple[Grant, ...]]:
    """Return the candidate with the access tokens of its identities, and these. Raises TokenError, UsageError."""
    if next(wanted(candidate.content), None) is None:
        return candidate, ()
    live = Live(candidate)
    try:
        return await obtain(candidate, live.fetch, show)
    finally:
        await live.close()


def default_judge(definitions: Definitions, terminology: Terminology | None = None) -> Validator:
    """Return what judges resources in every run, live or recorded; ``terminology`` is by default of ``definitions``."""
    return Validator(definitions, terminology=terminology, unknown_extensions="allowed", unknown_codes="allowed")


class _Stage:
    """Hands each event to the writers, then to who iterates over the run."""

    def __init__(self, writers: Sequence[Listener]) -> None:
        self.events: asyncio.Queue[Event | None] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None
        self._writers = writers
        self._opened: list[Listener] = []
        self._failure: HarnessError | None = None

    def open(self) -> None:
        for writer in self._writers:
            writer.open()
            self._opened.append(writer)

    def emit(self, event: Event) -> None:
        """Take one event. A writer that fails stops the run: what is not recorded did not happen."""
        if self._failure is None:
            try:
                for writer in self._opened:
                    writer.write(event)
            except (HarnessError, OSError) as problem:
                said = f"the run cannot be recorded: {problem}; it was stopped"
                self._failure = problem if isinstance(problem, HarnessError) else RecordError(said)
                if self.task is not None:
                    self.task.cancel()
        self.events.put_nowait(event)

    async def ended(self) -> None:
        """Wait for the end of the run. Raises what stopped it."""
        if self.task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self.task
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Stop the run where it still goes on, let it clean up, and close all writers. Raises what one says of it."""
        if self.task is not None and not self.task.done():
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task
        try:
            with contextlib.ExitStack() as closing:
                for writer in reversed(self._opened):
                    closing.callback(writer.close)
        except (HarnessError, OSError):
            if self._failure is None:  # else that stopped the run, and is told
                raise


def _to_the_end(events: Callable[P, AsyncIterator[Event]]) -> Callable[P, RunResult]:
    """Return what goes through a run from beginning to end."""

    def run_to_the_end(*arguments: P.args, **options: P.kwargs) -> RunResult:
        """Run as :func:`run` does, and return the results. Not to be called where an event loop runs.

        Raises KeyboardInterrupt once an interrupted run has cleaned up; StoppedAtOnce when it was not let to.
        """

        gathered: list[Event] = []
        interruptions = Interruptions()

        async def collect() -> None:
            with interruptions.heard():
                async for event in events(*arguments, **options):
                    gathered.append(event)

        try:
            asyncio.run(collect())  # of what a task returns Python makes a text, to name the handler of Ctrl-C
        except KeyboardInterrupt:
            if interruptions.times > 1:
                raise StoppedAtOnce from None
            raise
        return RunResult.read(gathered)

    return run_to_the_end


run_sync = _to_the_end(run)


async def _sets(
    planned: Sequence[_Planned],
    world: World,
    emit: Emit,
    definitions: Definitions,
    *,
    seed: int,
    jobs: int,
    fail_fast: bool,
) -> None:
    capabilities: defaultdict[str | None, Capabilities] = defaultdict(Capabilities)
    verdicts: list[Verdict] = []

    def counting(event: Event) -> None:
        if isinstance(event, TestFinished):
            verdicts.append(event.verdict)
        emit(event)

    def halt() -> Finding | None:
        return finding("stopped", Verdict.SKIP) if fail_fast and _FAILED.intersection(verdicts) else None

    for one in planned:
        there = world.at(one.test_set.endpoint)
        await SetRun(
            one.test_set,
            one.cases,
            there or world,
            counting,
            seed=seed,
            capabilities=capabilities[one.test_set.endpoint],
            jobs=1 if fail_fast else jobs,
            obstacle=_obstacle(one.test_set, there, definitions),
            halt=halt,
        ).run()
    counts = Counter(verdict.value for verdict in verdicts)
    emit(RunFinished(_now(), combine(verdicts), dict(counts), world.waivers.unmet))


def _obstacle(test_set: TestSet, there: World | None, definitions: Definitions) -> Finding | None:
    """Return why no test of the set can run: the candidate has no such address, or packages are not known."""
    if there is None:
        return finding("endpoint", Verdict.SKIP, expected=test_set.endpoint)
    known = {name for package in definitions.packages for name in (package.name, f"{package.name}@{package.version}")}
    missing = [package for package in test_set.packages if package not in known]
    return finding("packages", Verdict.UNDECIDED, expected=", ".join(missing)) if missing else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _started(
    planned: Sequence[_Planned],
    candidate: Candidate,
    definitions: Definitions,
    requirements: Requirements | None,
    *,
    seed: int,
    command: Sequence[str],
    run_id: str | None,
) -> RunStarted:
    sources = tuple(
        TestSetSource(
            id=one.test_set.id,
            version=one.test_set.version,
            digest=one.test_set.digest,
            path=one.test_set.path,
            title=dict(one.test_set.title),
            tests=tuple(case.id for case in one.cases),
            fixtures=dict(one.test_set.fixture_digests),
            left_out=tuple(case.id for case in plan(one.test_set) if case.id not in kept),
        )
        for one in planned
        for kept in [{case.id for case in one.cases}]
    )
    return RunStarted(
        run=run_id or str(uuid.uuid4()),
        started=_now(),
        harness=harness.__version__,
        environment=environment(),
        candidate=candidate.redacted(),
        software=dict(candidate.software),
        policies=candidate.redactor().value(candidate.policies),
        seed=seed,
        test_sets=sources,
        requirements_digest=requirements.digest if requirements else "",
        definitions=tuple(
            DefinitionSource(package.name, package.version, package.digest, package.official)
            for package in definitions.packages
        ),
        command=candidate.redactor().command(command),
    )


def environment() -> dict[str, str]:
    """Return what the harness runs on: Python, the platform, and the versions of what judges and sends."""
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _DEPENDENCIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions
