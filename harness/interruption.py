"""How a run is told to end from outside, for the command and for pytest alike."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def termination_interrupts() -> Iterator[None]:
    """Let SIGTERM, which is how a CI job is cancelled, end a run as Ctrl-C does: cleaned up, and with its reports."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's alone
        return
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
