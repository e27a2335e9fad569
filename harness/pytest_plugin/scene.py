"""What all runs of a session have in common: the candidate, how it is judged, and what is told of it to whom."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.connection import Say, reached, show_sign_in
from harness.engine import Candidate, run, run_sync
from harness.engine.access import Grant, wanted
from harness.engine.awaiting import Incoming
from harness.engine.checks.evidence import Judge
from harness.engine.client import Live
from harness.engine.client_file import ClientFile
from harness.engine.codes import Language
from harness.engine.events import Event
from harness.engine.journal import read_journal
from harness.engine.planner import Named
from harness.engine.results import RunResult
from harness.engine.resume import take_up
from harness.engine.runner import Listener, signed_in
from harness.engine.waivers import Waivers
from harness.errors import HarnessError
from harness.fhir.definitions import Definitions
from harness.pytest_plugin.aftermath import Aftermath
from harness.pytest_plugin.work import Place, Work
from harness.suite.model import TestSet
from harness.suite.requirements import Requirements


@dataclass
class Scene:
    """The candidate of a session, and all that its runs are made with."""

    source: Candidate | ClientFile
    language: Language
    say: Say
    """Shows a person a line, whatever pytest captures."""
    definitions: Definitions
    judge: Judge
    seed: int
    command: tuple[str, ...]
    waivers: Waivers | None = None
    hidden: bool = False
    """Whether the identities of the candidate are not recorded."""
    resume: Path | None = None
    """The folder of a run that was cut off, to go on with it."""
    aftermath: Aftermath = field(default_factory=Aftermath)
    """What runs left behind."""
    _entered: tuple[Candidate, tuple[Grant, ...]] | HarnessError | None = field(default=None, init=False)

    @property
    def kind(self) -> str:
        """What the candidate is, as test sets say it."""
        return "client" if isinstance(self.source, ClientFile) else "server"

    @property
    def told(self) -> str:
        """The candidate in a few words: the address of a server, who makes a client act."""
        if isinstance(self.source, Candidate):
            return self.source.base_url
        command = self.source.command
        return f"client, {command.run[0]}" if command else "client, by hand"

    @contextlib.contextmanager
    def reached(self) -> Iterator[tuple[Candidate, Incoming | None]]:
        """Give the candidate of a run, and where its requests come in when it is a client. Raises HarnessError."""
        attended = isinstance(self.source, ClientFile) and self.source.command is None
        with reached(self.source, self.language, self.say if attended else _silence) as (found, incoming):
            yield found.with_hidden_identities() if self.hidden else found, incoming

    def alone(
        self, test_set: TestSet, place: Place, requirements: Requirements, writers: Sequence[Listener] = ()
    ) -> RunResult:
        """Run one test of a server, with its control and what it depends on. Raises HarnessError."""
        with self.reached() as (found, _):
            candidate, grants = self._signed_in(found)
            return run_sync(
                [test_set],
                candidate,
                definitions=self.definitions,
                requirements=requirements,
                transport=Live(candidate, candidate.redactor(), grants) if grants else None,
                select=Named(frozenset({place})),
                seed=self.seed,
                judge=self.judge,
                waivers=self.waivers,
                writers=[*writers, self.aftermath],
            )

    def _signed_in(self, candidate: Candidate) -> tuple[Candidate, tuple[Grant, ...]]:
        """Return the candidate with tokens that hold: asked for once, not for each test. Raises HarnessError."""
        if next(wanted(candidate.content), None) is None:
            return candidate, ()
        if isinstance(self._entered, HarnessError):
            raise self._entered
        if self._entered is None or any(grant.due(time.monotonic()) for grant in self._entered[1]):
            try:
                self._entered = asyncio.run(signed_in(candidate, self.show))
            except HarnessError as problem:
                self._entered = problem
                raise
        return self._entered

    def show(self, address: str) -> None:
        """Show a person where they sign in."""
        show_sign_in(address, self.say)

    async def together(
        self,
        work: Work,
        candidate: Candidate,
        incoming: Incoming | None,
        writers: Sequence[Listener],
        *,
        jobs: int = 1,
        salt: bytes = b"",
    ) -> AsyncIterator[Event]:
        """Yield the events of one run of all that is in ``work``, as it goes on. Raises HarnessError."""
        test_sets = list(work.test_sets.values())
        candidate = replace(candidate, salt=salt) if salt else candidate
        resumed = None
        if self.resume is not None:
            candidate, grants = await signed_in(candidate, self.show)
            taken = take_up(read_journal(self.resume), test_sets, candidate, grants, self.definitions)
            resumed, left = await taken
            self.aftermath.left += left
        events = run(
            test_sets,
            candidate,
            definitions=self.definitions,
            requirements=work.requirements,
            transport=resumed,
            select=resumed.select if resumed else Named(frozenset(work.cases)),
            seed=self.seed,
            judge=self.judge,
            jobs=jobs if incoming is None else 1,  # a client does one thing at a time
            show=self.show,
            waivers=self.waivers,
            incoming=incoming,
            command=self.command,
            writers=[*writers, self.aftermath],
        )
        async for event in events:
            yield event


def _silence(_: str) -> None:
    """Say nothing: a command is told by its environment."""
