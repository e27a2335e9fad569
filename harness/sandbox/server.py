"""Runs the sandbox: in the foreground with :func:`serve`, or beside the caller with :class:`SandboxServer`."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import TracebackType
from typing import Any

import uvicorn
from starlette.middleware import Middleware

from harness import __version__
from harness.sandbox.app import MEASURES_PREFIX, PREFIX, create_app
from harness.sandbox.assembly import make_service
from harness.sandbox.background import Background, ReadyServer, address, configured, listening
from harness.sandbox.console.routes import PREFIX as CONSOLE
from harness.sandbox.desk import Desk, Opening
from harness.sandbox.limits import Throttle, rate_for
from harness.sandbox.measures.identities import identities, national
from harness.sandbox.measures.service import MeasuresService
from harness.sandbox.service import Service
from harness.sandbox.tap import Listener, Tap

ENDPOINT = "mes-measures"
"""The name that test sets give to the measures API."""


class _Server(ReadyServer):
    """Closes the desk before it waits for those who watch there."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._desk.close()
        await super().shutdown(sockets=sockets)


def _config(
    service: Service, desk: Desk, listener: Listener | None = None, rate: float | None = None
) -> uvicorn.Config:
    middleware = [*([Middleware(Throttle, rate=rate)] if rate else []), *desk.middleware()]
    app = create_app({PREFIX: service, MEASURES_PREFIX: desk.measures}, desk.routes(), middleware)
    return configured(app if listener is None else Tap(app, listener, aside=(CONSOLE,)))


def base_url(bound: socket.socket) -> str:
    """The FHIR base behind ``bound``."""
    return address(bound) + PREFIX


def measures_base(base: str) -> str:
    """The base of the measures API beside the FHIR service at ``base``."""
    return base.removesuffix(PREFIX) + MEASURES_PREFIX


def candidate(base: str, measures: MeasuresService) -> dict[str, Any]:
    """What a candidate file says of the sandbox whose FHIR service is at ``base``.

    Its endpoint ``mes-measures`` is the measures API. The identities are the same there, but for the identifier of
    the patient; their tokens are new at each call.
    """
    callers = identities(measures)
    return {
        "base-url": base,
        "software": {"publisher": "fhir-harness", "product": "sandbox", "version": __version__},
        "identities": {name: national(identity) for name, identity in callers.items()},
        "endpoints": {ENDPOINT: {"base-url": measures_base(base), "identities": callers}},
        "policy": measures.policy.told(),
    }


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    service: Service | None = None,
    started: Callable[[Desk], None] | None = None,
    introduced: Callable[[dict[str, Any]], None] | None = None,
    *,
    opening: Opening | None = None,
    rate: float | None = None,
) -> None:
    """Serve until the process is told to stop (Ctrl-C, SIGTERM), as open as ``opening`` says.

    ``rate`` is how many requests a second one address may send (see :func:`~harness.sandbox.limits.rate_for`).
    Once it listens, ``started`` is told where everything is, and ``introduced`` what a candidate file says of this
    sandbox (see :func:`candidate`).
    """
    bound = listening(host, port)
    with bound:
        own = service or make_service()
        desk = Desk(own, address(bound), opening)
        server = _Server(_config(own, desk, rate=rate_for(host, rate)), desk)
        if started is not None:
            started(desk)
        if introduced is not None:
            introduced(candidate(desk.address + PREFIX, desk.measures))
        server.run(sockets=[bound])


class SandboxServer(Background):
    """A sandbox in a thread, on a loopback port of its own; ``listener`` sees each request before it (see ``Tap``).

    ``rate`` is how many requests a second it takes from one address, by default any.

    with SandboxServer() as server:
        httpx.get(f"{server.base_url}/metadata")
        httpx.get(f"{server.measures_url}/metadata")
    """

    def __init__(
        self,
        service: Service | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        opening: Opening | None = None,
        listener: Listener | None = None,
        *,
        rate: float | None = None,
    ) -> None:
        self.service = service or make_service()
        bound = listening(host, port)
        self.base_url = base_url(bound)
        self.measures_url = measures_base(self.base_url)
        self.desk = Desk(self.service, address(bound), opening)
        self.measures = self.desk.measures
        server = _Server(_config(self.service, self.desk, listener, rate), self.desk)
        super().__init__(server, bound, "sandbox")

    def candidate(self) -> dict[str, Any]:
        """What a candidate file says of this sandbox (see :func:`candidate`)."""
        return candidate(self.base_url, self.measures)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.measures.service.store.close()
