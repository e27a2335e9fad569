"""Sees each exchange as it passes, without holding it up: what the page for testers shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cache

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.sandbox.console.traffic import HIDDEN, KEPT_BODY, Body, Headers, Traffic, shown_headers, shown_pairs

WhoCalls = Callable[[str], tuple[str | None, str | None]]
"""The OID of the solution and the idPe of the patient for whom an access token holds."""


@dataclass(slots=True)
class _Copy:
    """The beginning of what passes."""

    content: bytearray = field(default_factory=bytearray)
    length: int = 0

    def add(self, chunk: bytes) -> None:
        self.length += len(chunk)
        self.content += chunk[: max(0, KEPT_BODY - len(self.content))]

    def body(self) -> Body:
        return Body(bytes(self.content), self.length)


class Watch:
    """An ASGI application around ``app`` that records what is exchanged below ``prefixes`` in ``traffic``.

    Nothing waits for it: it copies what the application reads and writes. What is below ``guarded`` prefixes, where
    tokens are asked for and given, is recorded without its secrets.
    """

    def __init__(
        self, app: ASGIApp, traffic: Traffic, who: WhoCalls, prefixes: Collection[str], guarded: Collection[str]
    ) -> None:
        self._app = app
        self._traffic = traffic
        self._who = who
        self._prefixes = (*prefixes, *guarded)
        self._guarded = tuple(guarded)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's event (ASGI 3)."""
        if scope["type"] != "http" or not _below(scope["path"], self._prefixes):
            await self._app(scope, receive, send)
            return
        sent, answered = _Copy(), _Copy()
        start: Message = {"status": 500, "headers": ()}

        async def copy_in() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                sent.add(message.get("body", b""))
            return message

        async def copy_out(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(status=message["status"], headers=message.get("headers", ()))
            else:
                answered.add(message.get("body", b""))
                if not message.get("more_body", False):
                    keep()
            await send(message)

        at, began = time.time(), time.perf_counter()

        @cache  # once, and before the answer has ended: whoever has it whole finds it among what was recorded
        def keep() -> None:
            guarded = _below(scope["path"], self._guarded)
            query = shown_pairs(scope.get("query_string", b"").decode("latin-1"), guarded=guarded)
            headers = _texts(scope["headers"])
            solution, idpe = self._who(_bearer(headers))
            self._traffic.record(
                at=at,
                elapsed=time.perf_counter() - began,
                service=scope["path"].split("/", 2)[1],
                method=scope["method"],
                target=f"{scope['path']}{'?' if query else ''}{query}",
                status=start["status"],
                headers=shown_headers(headers),
                body=_form(sent.body()) if guarded else sent.body(),
                answer_headers=shown_headers(_texts(start["headers"])),
                answer=_told(answered.body()) if guarded else answered.body(),
                solution=solution,
                idpe=idpe,
            )

        try:
            await self._app(scope, copy_in, copy_out)
        finally:
            keep()


def _below(path: str, prefixes: Collection[str]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


def _texts(headers: Collection[tuple[bytes, bytes]]) -> Headers:
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)


def _bearer(headers: Headers) -> str:
    value = next((value for name, value in headers if name == "authorization"), "")
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _form(body: Body) -> Body:
    """A form without its secrets."""
    content = shown_pairs(body.content.decode("utf-8", "replace"), guarded=True).encode()
    return Body(content, len(content)) if body.whole else Body(b"", body.length)


def _told(answer: Body) -> Body:
    """The members of a JSON object: an error is shown whole, of tokens only that they were given."""
    try:
        told = orjson.loads(answer.content)
    except ValueError:
        return Body(b"", answer.length)
    if not isinstance(told, dict):
        return Body(b"", answer.length)
    plain = ("error", "error_description", "token_type", "expires_in", "scope")
    content = orjson.dumps({name: value if name in plain else HIDDEN for name, value in told.items()})
    return Body(content, len(content))
