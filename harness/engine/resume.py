"""Going on with a run that was cut off: what had ended is taken from its record, the rest is sent to the candidate."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from harness.engine.access import Grant
from harness.engine.candidate import Candidate
from harness.engine.client import Live, Scope, Transport
from harness.engine.created import Created
from harness.engine.events import Event, RunStarted, SetStarted, StepFinished, TestFinished, TestStarted
from harness.engine.exchange import Exchange, Headers, Request
from harness.engine.planner import Case
from harness.engine.redaction import Redactor, without_commitments
from harness.engine.replay import Replay
from harness.errors import UsageError
from harness.fhir.definitions import Definitions
from harness.suite.model import TestSet


class Resumed:
    """A transport that answers from the record of a cut-off run where a test had ended, and from ``live`` elsewhere.

    The tests of a set with set-up steps share what these made, which is gone: such a set begins again unless all of it
    had ended. What is done again draws other random values than before, so that it meets no leftover of its own.
    """

    def __init__(
        self, events: Iterable[Event], test_sets: Iterable[TestSet], live: Transport, redactor: Redactor
    ) -> None:
        recorded = list(events)
        started = recorded[0] if recorded else None
        if not isinstance(started, RunStarted):
            raise UsageError("the run cannot be resumed: nothing of it was recorded; run the tests anew")
        self.started = started
        self.resumption = started.resumption + 1
        """How many times the run was gone on with, this time included."""
        self._live = live
        self._replay = Replay(recorded, redactor)
        self._events = recorded
        self._sets = _the_same(started, test_sets)
        self._ended = {(event.test_set, event.test) for event in recorded if isinstance(event, TestFinished)}
        self._again = {
            source.id
            for source in started.test_sets
            if self._sets[source.id].setup and any((source.id, test) not in self._ended for test in source.tests)
        }
        self._prepared = {event.test_set for event in recorded if isinstance(event, SetStarted)}
        self._attempts = _attempts(recorded)

    def select(self, test_set: TestSet, case: Case) -> bool:
        """Tell whether the cut-off run had selected ``case``."""
        return any(source.id == test_set.id and case.id in source.tests for source in self.started.test_sets)

    def _kept(self, scope: Scope) -> bool:
        if scope.test_set in self._again:
            return False
        return (scope.test_set, scope.test) in self._ended if scope.test else scope.test_set in self._prepared

    async def send(self, request: Request, scope: Scope) -> Exchange:
        """Return the recorded exchange of what had ended, else that of ``live``."""
        recorded = self._kept(scope) and (bool(scope.test) or self._replay.holds(scope))
        return await (self._replay if recorded else self._live).send(request, scope)

    def now(self, scope: Scope) -> datetime:
        """Return the recorded instant of what had ended, else that of ``live``."""
        return (self._replay if self._kept(scope) else self._live).now(scope)

    def attempt(self, scope: Scope) -> int:
        """Return a number that no attempt at what ``scope`` names had before; what had ended keeps its own.

        What the record does not know may have begun in an earlier one, when this run was gone on with already.
        """
        number = self._attempts.get((scope.test_set, scope.test))
        if number is None:
            return self.resumption if self.started.resumption else 0
        return number if self._kept(scope) else number + 1

    async def pause(self, seconds: float) -> None:
        """Wait as ``live`` does: what had ended is not waited for, since its answer is the last that came."""
        await self._live.pause(seconds)

    async def finish(self, scope: Scope) -> None:
        """Let go of what ``live`` had open for ``scope``."""
        await self._live.finish(scope)

    async def close(self) -> None:
        """Close ``live``."""
        await self._live.close()

    async def sweep(self, candidate: Candidate, live: Transport) -> tuple[str, ...]:
        """Delete over ``live`` what the tests that were cut off had made; return what could not be deleted."""
        left: list[str] = []
        for test_set in self._sets.values():
            there = candidate.endpoint(test_set.endpoint)
            if there is None:
                continue
            created = self._made(test_set, there)
            for _, request in created.deletions():
                scope = Scope(test_set.id, phase="cleanup")
                created.note(request, await live.send(request, scope), ())
            left += created.left
        return tuple(left)

    def _made(self, test_set: TestSet, candidate: Candidate) -> Created:
        created = Created(candidate.base_url)
        known = _callers(candidate)
        for event in self._events:
            if not isinstance(event, StepFinished) or event.test_set != test_set.id:
                continue
            if not self._kept(Scope(event.test_set, event.test, event.phase)):
                for exchange in event.exchanges:
                    created.note(exchange.request, exchange, _caller(exchange.request, known, candidate))
        return created


async def take_up(
    recorded: Iterable[Event],
    test_sets: Iterable[TestSet],
    candidate: Candidate,
    grants: Sequence[Grant],
    definitions: Definitions,
) -> tuple[Resumed, tuple[str, ...]]:
    """Return what goes on with a cut-off run, once what it left is taken away, and what could not be deleted.

    ``candidate`` is signed in (``grants``), with the salt of the ``recorded`` run. Raises UsageError when this is not
    the candidate, or these are not the test sets or definitions, of that run; JournalError.
    """
    resumed = Resumed(recorded, test_sets, Live(candidate, grants=grants), candidate.redactor())
    check_candidate(resumed.started, candidate)
    check_definitions(resumed.started, definitions)
    sweeping = Live(candidate, grants=grants)
    try:
        return resumed, await resumed.sweep(candidate, sweeping)
    finally:
        await sweeping.close()


def _the_same(started: RunStarted, test_sets: Iterable[TestSet]) -> dict[str, TestSet]:
    """Return the run's test sets by id. Raises UsageError when one is missing or was changed."""
    named = {test_set.id: test_set for test_set in test_sets}
    for source in started.test_sets:
        found = named.get(source.id)
        if found is None:
            raise UsageError(f"the run cannot be resumed: its test set {source.id} is not here; give its --root")
        if found.digest != source.digest or dict(found.fixture_digests) != dict(source.fixtures):
            raise UsageError(f"the run cannot be resumed: {source.path} was changed since; run the tests anew")
    return {source.id: named[source.id] for source in started.test_sets}


def check_candidate(started: RunStarted, candidate: Candidate) -> None:
    """Raise UsageError when ``candidate`` is not where the cut-off run went."""
    before = Candidate.of(started.candidate)
    places = [before.base_url, *(one.base_url for one in before.endpoints.values())]
    now = [candidate.base_url, *(one.base_url for one in candidate.endpoints.values())]
    if places != now:
        raise UsageError(
            f"the run cannot be resumed: it went to {', '.join(places)}, not {', '.join(now)}; name that candidate"
        )


def check_definitions(started: RunStarted, definitions: Definitions) -> None:
    """Raise UsageError when other profiles would judge what is left than judged what had ended."""
    before = {(one.name, one.version, one.digest) for one in started.definitions}
    now = {(one.name, one.version, one.digest) for one in definitions.packages}
    if before != now:
        other = ", ".join(sorted({f"{name}@{version}" for name, version, _ in before ^ now}))
        raise UsageError(
            f"the run cannot be resumed: its definitions are not the same now ({other}); give the same --package, or "
            "run the tests anew"
        )


def _attempts(events: Iterable[Event]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for event in events:
        match event:
            case SetStarted():
                found[event.test_set, ""] = event.attempt
            case TestStarted():
                found[event.test_set, event.test] = event.attempt
            case _:
                pass
    return found


def _callers(candidate: Candidate) -> Sequence[tuple[frozenset[tuple[str, str]], Headers]]:
    """Credentials of each identity, with what a record shows of them."""
    redactor = candidate.redactor()
    every = [candidate.credentials(name) for name in (None, *candidate.identities)]
    return [(_shown(redactor.headers(headers)), headers) for headers in every]


def _caller(
    request: Request, known: Sequence[tuple[frozenset[tuple[str, str]], Headers]], candidate: Candidate
) -> Headers:
    shown = _shown(request.headers)
    fitting = [headers for marks, headers in known if marks <= shown]
    return max(fitting, key=len) if fitting else candidate.credentials(None)


def _shown(headers: Headers) -> frozenset[tuple[str, str]]:
    return frozenset((name.lower(), without_commitments(value)) for name, value in headers)
