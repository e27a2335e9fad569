"""The tap: whoever listens sees each request before the sandbox does, and may answer in its place."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import zlib
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.sandbox.limits import BODY_SECONDS, Room
from harness.sandbox.problems import Problem
from harness.sandbox.refusing import Reply, refuse, reply

Headers = tuple[tuple[str, str], ...]
Forward = Callable[[], Awaitable[Reply]]
"""Lets the sandbox answer."""
Digest = tuple[int, str]
"""Octets and SHA-256 (in hexadecimal) of a body that is too long to be kept."""
Listener = Callable[[str, str, Headers, bytes | Digest, Forward], Awaitable[Reply]]
"""Takes method, URL, headers and body of a request, and gives the answer: that of Forward, or another one."""

LIMIT = 20_000_000
"""Octets of a body that is kept for the listener. What is longer is refused with 413, whatever the sandbox takes."""
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""A host and its port (RFC 3986, section 3.2)."""
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})


class Tap:
    """An ASGI application around ``app`` that hands every exchange to ``listener``.

    What is below a path of ``aside`` goes by, so event streams belong there. When the client hangs up, the listener is
    cancelled.
    """

    def __init__(self, app: ASGIApp, listener: Listener, aside: tuple[str, ...] = (), limit: int = LIMIT) -> None:
        self._app = app
        self._listener = listener
        self._aside = aside
        self._limit = limit
        self._room = Room()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's event (ASGI 3)."""
        if scope["type"] != "http" or scope["path"].startswith(self._aside):
            await self._app(scope, receive, send)
            return
        try:
            with self._room.guest() as take:
                await self._serve(scope, receive, send, take)
        except TimeoutError:
            told = f"The body did not come within {BODY_SECONDS:g} seconds."
            await refuse(Problem(408, "timeout", told, headers={"Connection": "close"}), send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, take: Callable[[int], None]) -> None:
        async with asyncio.timeout(BODY_SECONDS):
            body = await self._received(receive, take)
        if body is None:
            return
        exchange = asyncio.ensure_future(self._exchange(scope, body))
        gone = asyncio.ensure_future(_hung_up(receive))
        await asyncio.wait({exchange, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not exchange.done():
            exchange.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await exchange
            return
        await _answer(exchange.result(), scope["method"], send)

    async def _received(self, receive: Receive, take: Callable[[int], None]) -> bytes | Digest | None:
        """Return the whole body, or what is known of one that there is no room for; None when the client hung up."""
        parts: list[bytes] = []
        size, digest, kept = 0, hashlib.sha256(), True
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            part = message.get("body", b"")
            size += len(part)
            digest.update(part)
            kept = kept and size <= self._limit and _taken(take, len(part))
            if kept:
                parts.append(part)
            else:
                parts.clear()
            if not message.get("more_body", False):
                return b"".join(parts) if kept else (size, digest.hexdigest())

    async def _exchange(self, scope: Scope, body: bytes | Digest) -> Reply:
        headers = _texts(scope["headers"])

        async def forward() -> Reply:
            if not isinstance(body, bytes):
                return self._refusal(body[0])
            sent: list[Message] = []

            async def keep(message: Message) -> None:
                sent.append(message)

            await self._app(scope, _once(body), keep)
            start = next(message for message in sent if message["type"] == "http.response.start")
            content = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
            return start["status"], _texts(start.get("headers", ())), content

        heard = plain(headers, body, self._limit) if isinstance(body, bytes) else body
        return await self._listener(scope["method"], _url(scope), headers, heard, forward)

    def _refusal(self, size: int) -> Reply:
        if size <= self._limit:
            told = "Too many large bodies are being sent at the same time; send this one again in a moment."
            return reply(Problem(503, "throttled", told, headers={"Retry-After": "2"}))
        told = f"The body has {size} octets; requests are recorded here with up to {self._limit}. Send a smaller one."
        return reply(Problem(413, "too-long", told))


def _taken(take: Callable[[int], None], octets: int) -> bool:
    """Take room for so many octets; False when there is none."""
    try:
        take(octets)
    except Problem:
        return False
    return True


def plain(headers: Headers, body: bytes, limit: int) -> bytes:
    """Return a body without its gzip, so that it can be read; one that is broken or too long as it came."""
    if not any(name.lower() == "content-encoding" and value.lower() == "gzip" for name, value in headers):
        return body
    inflate = zlib.decompressobj(wbits=31)
    try:
        inflated = inflate.decompress(body, limit)
    except zlib.error:
        return body
    return inflated if inflate.eof else body


def _texts(headers: object) -> Headers:
    pairs: list[tuple[bytes, bytes]] = list(headers)  # type: ignore[call-overload]
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)


def _url(scope: Scope) -> str:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    if not _is_authority(host):  # it would make no URL; the header is in the record as it came
        host = "sandbox.invalid"
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{scope['scheme']}://{host}{path}{'?' if query else ''}{query}"


def _is_authority(host: str) -> bool:
    try:
        return _AUTHORITY.fullmatch(host) is not None and urlsplit(f"//{host}").port != 0
    except ValueError:
        return False


def _once(body: bytes) -> Receive:
    """Receive ``body``, then nothing more: who hangs up is not the application's business but the tap's."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    return receive


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(reply: Reply, method: str, send: Send) -> None:
    status, headers, body = reply
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if method != "HEAD":  # whose length is that of the body which is not sent
        pairs = [pair for pair in pairs if pair[0].decode("latin-1") not in _FRAMING]
        if status not in (204, 304):
            pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
