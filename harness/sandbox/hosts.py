"""By which names the services are called: a page of another site, whose name points here, reads and stores nothing."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.sandbox.pages.door import Door
from harness.sandbox.pages.refusal import Refusal
from harness.sandbox.problems import Problem
from harness.sandbox.refusing import refuse


class Hosts:
    """An ASGI application around ``app`` for requests to names that ``door`` knows.

    Others are answered with 421 (RFC 9110, section 15.5.20). What is below a path of ``aside`` is for people, and looks
    at its names itself.
    """

    def __init__(self, app: ASGIApp, door: Door, aside: Collection[str]) -> None:
        self._app = app
        self._door = door
        self._aside = tuple(aside)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        if scope["type"] == "http" and not scope["path"].startswith(self._aside):
            try:
                self._door.named(Headers(scope=scope).get("host", ""))
            except Refusal as refusal:
                await refuse(Problem(refusal.status, "not-supported", str(refusal)), send)
                return
        await self._app(scope, receive, send)
