"""What one caller may take from everybody else: how many requests, and how long to say what it wants.

The size and depth of a body are the policy's and the codec's; how long a statement runs is the database's.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from harness.sandbox.problems import Problem
from harness.sandbox.refusing import refuse, reply

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

HEAD_SECONDS = 20.0
"""How long the head of a request may take, from its first octet, or from the beginning of its connection."""
HEAD_OCTETS = 64 * 1024
"""How long the head of a request may be."""
BODY_SECONDS = 60.0
"""How long the body of a request may take to come."""
BODIES_OCTETS = 30_000_000
"""How long the bodies of all requests that are being answered may be together."""
PUBLIC_RATE = 100.0
"""Requests a second from one address, where the sandbox listens to more than its own machine."""
_HEAVY, _HEAVY_AT_A_TIME = 256 * 1024, 2
"""From how many octets a body is heavy, and how many such are worked on at a time."""
_CONNECTIONS = 1000
_FRAMING = 16
"""How many octets may stand around each octet of a body: a chunk of one has six (RFC 9112, section 7.1)."""
_REMEMBERED = 10_000
"""Addresses that are counted at the same time; beyond, the one that was quiet for longest is forgotten."""


class Room:
    """For how many octets of bodies there is room at a time: what is read of them takes several times as many."""

    def __init__(self, octets: int = BODIES_OCTETS) -> None:
        self._left = octets
        self._heavy = asyncio.Semaphore(_HEAVY_AT_A_TIME)

    def turn(self, octets: int) -> AbstractAsyncContextManager[None]:
        """What to wait for before a body of so many octets is worked on: small ones go at once."""
        return self._heavy if octets > _HEAVY else nullcontext()

    @contextmanager
    def guest(self) -> Iterator[Callable[[int], None]]:
        """Give what takes room for so many octets, until the end; it raises Problem (503) when there is none."""
        taken = 0

        def take(octets: int) -> None:
            nonlocal taken
            if octets > self._left:
                told = "Too many large bodies are being sent at the same time; send this one again in a moment."
                raise Problem(503, "throttled", told, headers={"Retry-After": "2"})
            self._left -= octets
            taken += octets

        try:
            yield take
        finally:
            self._left += taken


def rate_for(host: str, asked: float | None) -> float | None:
    """The rate to hold callers to on ``host``: what was ``asked`` for (0: any); by default any on loopback alone.

    None stands for any.
    """
    if asked is not None:
        return asked or None
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        local = False
    return None if local else PUBLIC_RATE


def most_connections() -> int:
    """How many connections may be open at the same time: each takes a file, and the store needs some too."""
    files = _CONNECTIONS if resource is None else resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(16, min(_CONNECTIONS, files - 100)) if files > 0 else _CONNECTIONS


class Throttle:
    """Around ``app``: at most ``rate`` requests a second from one address, ``burst`` of them at once.

    More are answered with 429 and ``Retry-After`` (RFC 6585 §4). ``clock`` gives seconds.
    """

    def __init__(
        self, app: ASGIApp, rate: float, burst: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._rate = rate
        self._burst = max(1, math.ceil(2 * rate) if burst is None else burst)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        wait = self._wait(str((scope.get("client") or ("",))[0])) if scope["type"] == "http" else 0
        if wait <= 0:
            await self._app(scope, receive, send)
            return
        told = f"More than {self._rate:g} requests a second came from this address; wait before the next one."
        seconds = str(math.ceil(wait))
        await refuse(Problem(429, "throttled", told, headers={"Retry-After": seconds}), send)

    def _wait(self, address: str) -> float:
        """Take one request of ``address`` off what it has left; the seconds to wait when there is none."""
        now = self._clock()
        left, then = self._left.pop(address, (float(self._burst), now))
        left = min(float(self._burst), left + (now - then) * self._rate)
        taken = left >= 1
        self._left[address] = (left - 1 if taken else left, now)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return 0 if taken else (1 - left) / self._rate


class PromptProtocol(HttpToolsProtocol):
    """Hangs up on who takes too long, or too many octets, to say what it wants: others need the connections.

    What is not HTTP, and connections beyond ``most``, are answered with an OperationOutcome too.
    """

    seconds = HEAD_SECONDS
    octets = HEAD_OCTETS
    most = most_connections()
    _due: asyncio.TimerHandle | None = None
    _around = _body = 0
    """Octets of the request that comes in: those of its head, its chunks' heads and its trailers; those of its body."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._expect()
        if len(self.connections) > self.most:
            told = f"More than {self.most} connections are open; close some, or come back later."
            self._hang_up(Problem(503, "throttled", told, headers={"Retry-After": "5"}))

    def data_received(self, data: bytes) -> None:
        """Take ``data``; once it completes the head of a request, there is no hurry any more."""
        if self.transport.is_closing():
            return
        if self._due is None and self._waits():
            self._expect()
        self._around += len(data)
        super().data_received(data)
        if not self._waits():
            self._relax()
        if self._around - self._body > self.octets + _FRAMING * self._body and not self.transport.is_closing():
            told = f"The head of the request is longer than {self.octets} octets; shorten its URL or its headers."
            self._hang_up(Problem(431, "too-long", f"{told} A search can be sent as POST _search."))

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin to count anew: whatever else has come is of the next request."""
        self._around = self._body = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._relax()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - it says no more than that it is invalid
        """Answer what is not HTTP/1.1."""
        self._hang_up(Problem(400, "structure", "This is not a request in HTTP/1.1 (RFC 9112)."))

    def _hang_up(self, problem: Problem) -> None:
        status, headers, body = reply(problem)
        pairs = (*headers, ("Content-Length", str(len(body))), ("Connection", "close"))
        head = "".join(f"{name}: {value}\r\n" for name, value in pairs)
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        self.transport.write(f"{line}{head}\r\n".encode("latin-1") + body)
        self.transport.close()

    def _waits(self) -> bool:
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def _expect(self) -> None:
        self._due = self.loop.call_later(self.seconds, self.transport.close)

    def _relax(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
