"""Where the requests of a candidate come in while it runs: held, recorded, and answered as the step says.

The requests come on the sandbox's event loop, the steps run on the engine's; the two meet here. While a step waits,
requests are taken in their order: what the step does not await is answered by the sandbox. Between two waits of a test
they are held, so that the answer which the next step gives is there in time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from harness.engine.awaiting import COMMAND, OWN, Awaited, Instead
from harness.engine.checks import ExpectationFault
from harness.engine.client import Scope
from harness.engine.driver import Driver
from harness.engine.exchange import Exchange, Headers, Omitted, Request, Response
from harness.engine.redaction import Redactor

Reply = tuple[int, Headers, bytes]
Forward = Callable[[], Awaitable[Reply]]
_CLOSED = (
    "the candidate closed the connection before it was answered",
    "le candidat a fermé la connexion avant la réponse",
)


_RECORDED = 32 * 1024 * 1024
"""Bytes of all the requests and answers of a run together: they stay in the memory until the reports are written."""
_FULL = (
    "the answer was sent, and is not recorded: the client had sent and asked for too much in this run",
    "la réponse est partie sans être enregistrée : le client a trop envoyé et demandé dans cette exécution",
)


@dataclass
class _Ticket:
    """A request that came in."""

    request: Request
    """As it is recorded."""
    instead: Instead = field(default_factory=Instead)
    done: Future[Exchange] = field(default_factory=Future)

    def __post_init__(self) -> None:
        """Keep who waits for the end from taking it away when they are cancelled."""
        self.done.set_running_or_notify_cancel()


@dataclass
class _Wait:
    """A step that waits."""

    awaited: Awaited
    tickets: list[_Ticket] = field(default_factory=list)
    count: int = 0
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    fault: ExpectationFault | None = None


class Inbox:
    """Takes what a tap hands it, for one run; ``own`` is the secret value of the header :data:`OWN`."""

    def __init__(self, driver: Driver, own: str) -> None:
        self._driver = driver
        self._own = own
        self._redactor = Redactor({})
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wait: _Wait | None = None
        self._holding = False
        self._changed = asyncio.Condition()
        self._left = _RECORDED

    def open(self, redactor: Redactor) -> None:
        """Begin a run, on the running event loop."""
        self._redactor = redactor
        self._left = _RECORDED
        self._changed = asyncio.Condition()  # which belongs to the loop that first waits for it
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        """End the run: what is held goes by, as does what comes later."""
        self._loop = None
        await self.leave()

    async def take(
        self, method: str, url: str, headers: Headers, body: bytes | tuple[int, str], forward: Forward
    ) -> Reply:
        """Answer a request that came in, on the loop of whoever serves it; of a long body, size and SHA-256 come."""
        loop = self._loop
        if loop is None or (OWN.lower(), self._own) in headers:
            return await forward()
        if isinstance(body, bytes) and not self._holds(len(body)):
            body = len(body), sha256(body).hexdigest()
        content = {"body": body} if isinstance(body, bytes) else {"omitted": Omitted(*body)}
        ticket = _Ticket(self._redactor.request(Request(method, url, headers, **content)))
        started, begun = _now(), time.perf_counter()

        def close(response: Response | None, code: str | None = None, said: tuple[str, str] | None = None) -> None:
            elapsed = round(time.perf_counter() - begun, 6)
            en, fr = said or (None, None)
            ticket.done.set_result(Exchange(ticket.request, started, elapsed, response, en, code, error_fr=fr))

        try:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._decide(ticket), loop))
            reply = await _answered(ticket.instead, forward)
        except asyncio.CancelledError:
            close(None, "client-closed", _CLOSED)
            raise
        except Exception as problem:
            kind = type(problem).__name__
            close(None, "sandbox", (f"the sandbox failed: {kind}", f"le bac à sable a échoué : {kind}"))
            raise
        if self._holds(len(reply[2])):
            close(self._redactor.response(Response(*reply)))
        else:
            close(None, "recorded", _FULL)
        return reply

    def _holds(self, octets: int) -> bool:
        """Tell whether there is room for so many bytes in the record, and take it: nobody takes more than half."""
        if octets > self._left // 2:
            return False
        self._left -= octets
        return True

    async def _decide(self, ticket: _Ticket) -> None:
        """Wait for the turn of a request, and settle what becomes of it."""
        async with self._changed:
            while self._wait is None and self._holding:
                await self._changed.wait()
            wait = self._wait
            if wait is None:
                return
            wait.tickets.append(ticket)
            try:
                wanted = wait.awaited.wants(ticket.request)
            except ExpectationFault as problem:
                wait.fault, wanted = problem, False
            if wanted:
                ticket.instead = wait.awaited.answer
                wait.count += 1
            if wait.fault is not None or (wanted and wait.awaited.enough(wait.count)):
                self._wait = None
                wait.enough.set()

    async def collect(self, awaited: Awaited, scope: Scope, index: int) -> Sequence[Exchange]:  # noqa: ARG002
        """Wait for what ``awaited`` says, and return what came (:class:`~harness.engine.awaiting.Incoming`)."""
        if awaited.task is not None:
            await self.leave()
        wait = _Wait(awaited)
        await self._turn(wait, holding=True)
        try:
            if not wait.enough.is_set() and awaited.task is not None:
                await self._driver.begin(awaited.task)
            await self._until(wait)
        finally:
            self._wait = None
        if wait.fault is not None:
            raise wait.fault
        exchanges = [await asyncio.wrap_future(ticket.done) for ticket in wait.tickets]
        failure = None if wait.enough.is_set() else self._driver.failure()  # else it is for the next wait to know
        if failure is not None:
            code, message = failure
            told = Request(COMMAND, awaited.base)
            said = self._redactor.reason(message)
            exchanges.append(Exchange(told, _now(), 0.0, None, str(said), code, error_fr=said.fr))
        return exchanges

    async def _until(self, wait: _Wait) -> None:
        """Wait until enough has come, nothing more can come, or the time is over."""
        ends = [asyncio.ensure_future(wait.enough.wait()), asyncio.ensure_future(self._driver.ended())]
        try:
            await asyncio.wait(ends, timeout=wait.awaited.within, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def leave(self) -> None:
        """Let what is held go by, and let what the test began come to its end."""
        await self._turn(None, holding=False)
        await self._driver.settle()
        self._driver.failure()  # all that was awaited of it has come: how it ended says nothing more

    async def _turn(self, wait: _Wait | None, *, holding: bool) -> None:
        async with self._changed:
            self._wait, self._holding = wait, holding
            self._changed.notify_all()


async def _answered(instead: Instead, forward: Forward) -> Reply:
    if instead.delay:
        await asyncio.sleep(instead.delay)
    if instead.replaces:
        body = instead.body or b""
        return instead.status or 200, instead.headers, body
    status, headers, body = await forward()
    own = {name.lower() for name, _ in instead.headers}
    return status, (*(pair for pair in headers if pair[0].lower() not in own), *instead.headers), body


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
