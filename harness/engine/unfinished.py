"""What must come to its end although the run is told to end: what is on its way to the candidate, and the clean-up."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

_log = logging.getLogger(__name__)

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


class StoppedAtOnce(KeyboardInterrupt):
    """A run was told to end again while it cleaned up: it did not wait, and what it made may have stayed."""


class Interruptions:
    """Ctrl-C while ``asyncio.run`` runs a task: the first cancels it, each further one what it then still waits for."""

    def __init__(self) -> None:
        self.times = 0

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Within the task: listen. Only the main thread hears, and where somebody else listens, they alone do."""
        first = signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
        if not callable(first) or first is signal.default_int_handler:
            yield
            return
        loop, main = asyncio.get_running_loop(), asyncio.current_task()

        def cut() -> None:
            for task in asyncio.all_tasks(loop) - {main}:
                task.cancel()

        def interrupted(number: int, frame: FrameType | None) -> None:
            self.times += 1
            if self.times > 1:
                loop.call_soon_threadsafe(cut)
                return
            said = "interrupted: what the run made on the candidate is being deleted; once more, and it ends at once"
            loop.call_soon_threadsafe(_log.warning, said)
            first(number, frame)

        signal.signal(signal.SIGINT, interrupted)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, first)
