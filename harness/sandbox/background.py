"""A server on a socket that listens already, and one that runs in a thread of its own."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from harness.errors import HarnessError
from harness.sandbox.limits import PromptProtocol


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens on ``host`` and ``port`` (0: a free one). Raises HarnessError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=512)
        # Connections inherit it. Without it a body waits, up to 40 ms, until its headers are acknowledged (RFC 896).
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return bound
    except OSError as error:
        raise HarnessError(f"{host}:{port}: cannot listen here ({error.strerror}); choose another --port.") from None


def address(bound: socket.socket) -> str:
    """Scheme, host and port of what listens on ``bound``."""
    host, port = bound.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def configured(app: ASGIApp, *, dated: bool = True) -> uvicorn.Config:
    """How ``app`` is served: quietly, over HTTP/1.1 alone, to callers that get to the point.

    ``dated``: answers say when they were made; those of another server do so already.
    """
    return uvicorn.Config(
        app,
        http=PromptProtocol,
        loop="asyncio",  # the one that everybody has; another one is loud about who hangs up early
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=dated,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
    )


class ReadyServer(uvicorn.Server):
    """Says when it is ready, so that nobody has to poll; leaves the signals to the process it runs in."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets=sockets)
        self.ready.set()


class Background:
    """A server in a thread named ``name``, on ``bound``, for as long as it is a context; it closes ``bound``."""

    def __init__(self, server: ReadyServer, bound: socket.socket, name: str) -> None:
        self._server = server
        self._bound = bound
        self._name = name
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._failure: BaseException | None = None

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._bound])
        except BaseException as error:
            self._failure = error
        finally:
            self._server.ready.set()

    def __enter__(self) -> Self:
        """Start, and wait until it is ready. Raises HarnessError when it does not get so far."""
        self._thread.start()
        self._server.ready.wait()
        if self._failure is not None or not self._server.started:
            why = f": {self._failure}" if self._failure else "; choose another port"
            raise HarnessError(f"{address(self._bound)}: the {self._name} did not start{why}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and wait until it has ended."""
        self._server.should_exit = True
        self._thread.join()
        self._bound.close()
