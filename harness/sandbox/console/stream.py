"""Requests as they come, to a browser that listens (https://html.spec.whatwg.org/#server-sent-events)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool

from harness.sandbox.console.traffic import Exchange, Traffic

PULSE = 15.0
"""Seconds without news after which a comment is sent, so that both sides see whether the other is still there."""


async def events(traffic: Traffic, after: int, show: Callable[[Exchange], str]) -> AsyncIterator[str]:
    """Yield an event ``request`` for each exchange after the one numbered ``after``; ``show`` gives its data."""
    yield "retry: 1000\n\n"
    while not traffic.closed:
        news = traffic.news()
        found = traffic.after(after)
        for exchange in found:
            yield event(exchange.number, await run_in_threadpool(show, exchange))
            after = exchange.number
        if not found:
            yield ": \n\n"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), PULSE)


def event(number: int, data: str) -> str:
    """One event; its id is what the browser begins with when it comes back."""
    lines = "".join(f"data: {line}\n" for line in data.strip().replace("\r", "").split("\n"))
    return f"event: request\nid: {number}\n{lines}\n"
