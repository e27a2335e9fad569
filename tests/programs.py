"""Other people's programs, running for a test."""

import contextlib
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from typing import Any


@contextlib.contextmanager
def running(
    name: str, command: Sequence[Any], ready: str, stop: signal.Signals = signal.SIGTERM, **options: Any
) -> Iterator[None]:
    """Run ``command`` from the line of its output that holds ``ready`` on; ``stop`` ends it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options) as server:
        assert server.stdout is not None
        lines = iter(server.stdout.readline, "")
        said = []
        for line in lines:
            said.append(line)
            if ready in line:
                break
        else:
            raise RuntimeError(f"{name} did not start:\n" + "".join(said))
        drain = threading.Thread(target=lambda: [None for _ in lines], daemon=True)
        drain.start()
        try:
            yield
        finally:
            server.send_signal(stop)
            server.wait(30)
            drain.join(5)
