"""How a run is told to end from outside, for the command and for pytest alike."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def termination_interrupts() -> Iterator[None]:
    """Let SIGTERM, which is how a CI job is cancelled, end a run as Ctrl-C does: cleaned up, and with its reports.

    SIGHUP too, which is how a terminal is closed, unless it is ignored (nohup).
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's alone
        return
    ending = [signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # Windows has none
        ending.append(signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT)) for number in ending}
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:  # as in what a script's shell starts with &: SIGTERM would come to nothing
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number, handler in before.items():
            signal.signal(number, handler)
