"""What one caller may take from everybody else: how many requests, and how long to say what it wants.

The size and depth of a body are the policy's and the codec's; how long a statement runs is the database's.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from harness.sandbox import codec
from harness.sandbox.problems import Problem

HEAD_SECONDS = 20.0
"""How long the head of a request may take, from its first octet, or from the beginning of its connection."""
BODY_SECONDS = 60.0
"""How long the body of a request may take to come."""
PUBLIC_RATE = 100.0
"""Requests a second from one address, where the sandbox listens to more than its own machine."""
_REMEMBERED = 10_000
"""Addresses that are counted at the same time; beyond, the one that was quiet for longest is forgotten."""


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
        refused = Problem(429, "throttled", told, headers={"Retry-After": seconds})
        headers = [(b"content-type", b"application/fhir+json; charset=utf-8"), (b"retry-after", seconds.encode())]
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": codec.emit(refused.outcome())})

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


class PromptProtocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """Hangs up on who takes too long to say what it wants: idle connections are few, and others need them."""

    seconds = HEAD_SECONDS
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take ``data``; once it completes the head of a request, there is no hurry any more."""
        if self._due is None and self._waits():
            self._expect()
        super().data_received(data)
        if not self._waits():
            self._relax()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._relax()
        super().connection_lost(exc)

    def _waits(self) -> bool:
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def _expect(self) -> None:
        self._due = self.loop.call_later(self.seconds, self.transport.close)

    def _relax(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
