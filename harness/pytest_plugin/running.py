"""One run of many items, in a thread of its own: each item waits for its own result.

What pytest deselected is not run; the controls that the rest needs are. A server's tests run on while pytest reports.
A client is told to do something only once pytest asks for what comes of it: it does nothing in vain when the session
ends early, and a person is told one thing at a time.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from harness.engine import Candidate
from harness.engine.awaiting import Awaited, Incoming
from harness.engine.client import Scope
from harness.engine.events import Event, RunFinished, RunStarted, StepFinished, TestFinished, TestStarted
from harness.engine.exchange import Exchange
from harness.engine.redaction import Redactor
from harness.engine.results import TestResult
from harness.engine.runner import Listener
from harness.errors import HarnessError
from harness.pytest_plugin.scene import Scene
from harness.pytest_plugin.work import Place, Work


class Stopped(HarnessError):
    """The session ended before its tests did."""


def _cut_off() -> Stopped:
    return Stopped("the session ended", "la session s'est arrêtée")


def _without(place: Place) -> Stopped:
    name = "/".join(place)
    return Stopped(f"{name}: the run ended without this test", f"{name} : l'exécution s'est terminée sans ce test")


class Ended(NamedTuple):
    """What a test came to, and how its run began."""

    test: TestResult
    started: RunStarted | None


class Running:
    """A run in a thread. A writer of the engine's protocol, too, so that it hears of every result."""

    def __init__(
        self,
        scene: Scene,
        work: Work,
        writers: Sequence[Listener],
        *,
        jobs: int = 1,
        salt: bytes = b"",
    ) -> None:
        """Get ready to run ``work``; it begins when a result is first asked for."""
        self._scene, self._work, self._writers = scene, work, writers
        self._jobs, self._salt = jobs, salt
        self._news = threading.Condition()
        self._tests: dict[Place, TestResult] = {}
        self._asked: set[Place] = set()
        self._started: RunStarted | None = None
        self._begun = False
        self._over = False
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="fhir-run", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._turn = asyncio.Event()
        """Whether somebody waits for a result that is not there; of the run's event loop."""
        self.complete = False
        """Whether the run came to its end, with all tests."""
        self.problem: HarnessError | None = None
        """What stopped it before."""

    def result(self, place: Place) -> Ended:
        """Return what the test at ``place`` came to, once it has ended. Raises HarnessError when it does not end."""
        with self._news:
            self._asked.add(place)
            if not self._begun:
                self._begun = True
                self._thread.start()
            self._on_loop(self._turn.set)
            self._news.wait_for(lambda: self._has(place) or self._over)
            if not self._has(place):
                raise self.problem or _without(place)
            return Ended(self._tests[place], self._started)

    def _on_loop(self, act: Callable[[], object]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it is closed: the run has ended
                self._loop.call_soon_threadsafe(act)

    def _has(self, place: Place) -> bool:
        return place in self._tests and self._tests[place].finished is not None

    def stop(self) -> None:
        """End the run: let it come to its end when every test has, else cut it off; it cleans up in either case."""
        with self._news:
            self._stopped = not all(map(self._has, self._work.cases))
            if self._stopped and self._task is not None:
                self._on_loop(self._task.cancel)
        if self._begun:
            self._thread.join()

    def _run(self) -> None:
        problem: HarnessError | None = None
        try:
            with self._scene.reached() as (candidate, incoming):
                came = Paced(incoming, self._turn.wait) if incoming is not None else None
                asyncio.run(self._follow(candidate, came))
        except HarnessError as failure:
            problem = failure
        except asyncio.CancelledError:
            problem = _cut_off()
        except Exception as failure:  # whoever waits must hear of it
            what = f"{type(failure).__name__}: {failure}"
            problem = HarnessError(f"the run stopped: {what}", f"l'exécution s'est arrêtée : {what}")
        finally:
            with self._news:
                self.problem, self._over = problem, True
                self._news.notify_all()

    async def _follow(self, candidate: Candidate, incoming: Incoming | None) -> None:
        """Carry the run out, unless the session has ended already."""
        with self._news:
            if self._stopped:
                raise _cut_off()
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._turn.set()
        events = self._scene.together(
            self._work,
            candidate,
            incoming,
            [*self._writers, self],
            jobs=self._jobs,
            salt=self._salt,
        )
        async for _ in events:
            pass

    def open(self) -> None:
        """Nothing to get ready."""

    def write(self, event: Event) -> None:
        """Keep the event and wake who waits for it."""
        with self._news:
            match event:
                case RunStarted():
                    self._started = event
                case TestStarted():
                    self._tests[event.test_set, event.test] = TestResult(event)
                case StepFinished() if event.test:
                    self._tests[event.test_set, event.test].steps.append(event)
                case TestFinished():
                    self._tests[event.test_set, event.test].finished = event
                    if all(map(self._has, self._asked)):
                        self._turn.clear()
                    self._news.notify_all()
                case RunFinished():
                    self.complete = True
                case _:
                    pass

    def close(self) -> None:
        """Nothing to finish."""


class Paced:
    """Where a client's requests come in, with ``turn`` awaited before each step that waits for some."""

    def __init__(self, inner: Incoming, turn: Callable[[], Awaitable[object]]) -> None:
        self._inner, self._turn = inner, turn

    def open(self, redactor: Redactor) -> None:
        """Begin a run."""
        self._inner.open(redactor)

    async def close(self) -> None:
        """End the run."""
        await self._inner.close()

    async def collect(self, awaited: Awaited, scope: Scope, index: int) -> Sequence[Exchange]:
        """Return what comes, once it is its turn (:class:`~harness.engine.awaiting.Incoming`)."""
        await self._turn()
        return await self._inner.collect(awaited, scope, index)

    async def leave(self) -> None:
        """End the test."""
        await self._inner.leave()
