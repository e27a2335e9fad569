"""What must come to its end although the run is told to end: what is on its way to the candidate, and the clean-up."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

GRACE = 10.0
"""Seconds that an answer is still waited for."""


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` gives. A cancellation of who waits is held back until it has come to its end."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait({task})
        raise


async def with_grace(work: Coroutine[Any, Any, T], late: Callable[[T], None], grace: float = GRACE) -> T:
    """Return what ``work`` gives. What comes within ``grace`` seconds of a cancellation is told to ``late``."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait({task}, timeout=grace)
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        elif not task.cancelled() and task.exception() is None:
            late(task.result())
        raise
