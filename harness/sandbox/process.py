"""A sandbox in a process of its own, so that it and whoever tests it each have a core."""

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from harness.errors import HarnessError
from harness.sandbox.server import SandboxServer


def _serve(pipe: Connection) -> None:
    with SandboxServer() as server:
        pipe.send(server.candidate())
        with contextlib.suppress(EOFError, KeyboardInterrupt):  # the other side tells the end by hanging up
            pipe.recv()


@contextlib.contextmanager
def sandbox_process() -> Iterator[Callable[[], dict[str, Any]]]:
    """Serve a healthy sandbox on free loopback ports; gives what waits until it is ready.

    That returns the content of the candidate file which reaches it, and raises HarnessError when it does not start.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), name="sandbox", daemon=True)
    process.start()
    theirs.close()

    def ready() -> dict[str, Any]:
        try:
            candidate: dict[str, Any] = ours.recv()
        except EOFError:
            raise HarnessError("the sandbox did not start; run 'fhir-harness sandbox' to see why") from None
        return candidate

    try:
        yield ready
    finally:
        ours.close()
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()
