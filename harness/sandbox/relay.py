"""In front of a real service: what comes in is sent on to it, and what it answers is given back, addresses changed."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Iterable, Mapping

import httpx
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harness.sandbox.addresses import Moved, is_text
from harness.sandbox.background import Background, ReadyServer, address, configured, listening
from harness.sandbox.problems import Problem
from harness.sandbox.refusing import refuse
from harness.sandbox.tap import LIMIT, Listener, Tap, plain

Pairs = list[tuple[bytes, bytes]]

_OWN = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer"),
        *(b"transfer-encoding", b"upgrade", b"content-length", b"accept-encoding", b"host"),
    }
)
"""Headers of one connection, not of the message (RFC 9110, section 7.6.1), and those that are made anew."""
_UNDONE = _OWN | {b"content-encoding"}
"""Headers of an answer that are not given back: its body was decoded."""
_TIMEOUT = httpx.Timeout(60, connect=10)
"""Seconds."""


class Relay:
    """Sends requests on, as an ASGI application. ``targets`` maps a path here (``/fhir``) to the base of a service.

    Addresses of the services become addresses of ``here`` in what they answer, and the other way round in what they
    are sent, so that the client stays on this side; path and query go on octet for octet but for that. What is no
    text is not changed. Headers that ``drop`` names are not sent on.
    """

    def __init__(
        self, here: str, targets: Mapping[str, str], tls: ssl.SSLContext | None = None, drop: Iterable[str] = ()
    ) -> None:
        targets = {prefix: target.rstrip("/") for prefix, target in targets.items()}
        self._targets = sorted(targets.items(), reverse=True)
        self._outward = Moved({here + prefix: target for prefix, target in targets.items()})
        self._inward = Moved({target: here + prefix for prefix, target in targets.items()})
        self._tls = tls or ssl.create_default_context()
        self._left = _OWN | {name.lower().encode("latin-1") for name in drop}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send one request on, and give back what comes (ASGI 3)."""
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except Problem as problem:
            await refuse(problem, send)
        except ClientDisconnect:
            return
        else:
            await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """Return what the service answers. Raises Problem when there is none, ClientDisconnect."""
        target, path = self._placed(request.scope["raw_path"])
        query = self._outward(request.scope["query_string"])
        left = self._left | {name.strip().lower() for name in _value(request.headers.raw, b"connection").split(b",")}
        headers = [(name, self._outward(value)) for name, value in request.headers.raw if name not in left]
        # The length that a service tells in answer to HEAD is that of what it would send as it is.
        headers.append((b"accept-encoding", b"identity" if request.method == "HEAD" else b"gzip"))
        asked = httpx.Request(
            request.method,
            target,
            headers=headers,
            content=self._body_outward(request, await _body(request)),
            extensions={"target": path + (b"?" + query if query else b""), "timeout": _TIMEOUT.as_dict()},
        )
        try:
            status, fields, content = await self._asked(asked)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
            raise Problem(502, "transient", f"{target} does not answer: {type(problem).__name__}.") from problem
        answer = Response(self._inward(content) if is_text(_value(fields, b"content-type")) else content, status)
        own = [pair for pair in answer.raw_headers if pair[0] == b"content-length"]
        if request.method == "HEAD":
            own = [pair for pair in fields if pair[0] == b"content-length" and not _value(fields, b"content-encoding")]
        answer.raw_headers[:] = [*((name, self._inward(value)) for name, value in fields if name not in _UNDONE), *own]
        return answer

    def _placed(self, path: bytes) -> tuple[str, bytes]:
        """Return the base of the service that ``path`` is at, and the path there. Raises Problem."""
        for prefix, target in self._targets:
            below = path.removeprefix(prefix.encode())
            if len(below) == len(path) or below[:1] not in (b"", b"/"):
                continue
            if b".." in below.lower().replace(b"%2e", b".").replace(b"%2f", b"/").split(b"/"):
                raise Problem(400, "invalid", "The path climbs out of the service with dots; write it without them.")
            return target, (httpx.URL(target).raw_path.rstrip(b"/") + below) or b"/"
        raise Problem(404, "not-found", f"The services are at {', '.join(prefix for prefix, _ in self._targets)}.")

    def _body_outward(self, request: Request, body: bytes) -> bytes:
        """Return the body to send on: gzip stays gzip."""
        if not is_text(request.headers.get("content-type", "").encode("latin-1")):
            return body
        text = plain(tuple(request.headers.items()), body, LIMIT)
        moved = self._outward(text)
        if moved == text:
            return body
        return moved if text is body else gzip.compress(moved, mtime=0)

    async def _asked(self, request: httpx.Request) -> tuple[int, Pairs, bytes]:
        """Return status, headers (names in lower case) and decoded body of the answer.

        Raises httpx.HTTPError when there is none that can be given back.
        """
        async with httpx.AsyncClient(verify=self._tls, trust_env=False) as client:
            answer = await client.send(request, stream=True)
            try:
                content = bytearray()
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > LIMIT:
                        raise httpx.DecodingError(f"longer than {LIMIT} bytes")
            finally:
                await answer.aclose()
        return answer.status_code, [(name.lower(), value) for name, value in answer.headers.raw], bytes(content)


async def _body(request: Request) -> bytes:
    """Return the body of a request. Raises Problem when it is too long, ClientDisconnect."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LIMIT:
            raise Problem(413, "too-long", f"The harness relays bodies of up to {LIMIT} octets; send a smaller one.")
    return bytes(body)


def _value(fields: Pairs, name: bytes) -> bytes:
    return next((value for key, value in fields if key == name), b"")


class RelayServer(Background):
    """A relay in a thread, on a loopback port of its own; ``listener`` sees each request before it is sent on."""

    def __init__(
        self,
        targets: Mapping[str, str],
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        drop: Iterable[str] = (),
        listener: Listener | None = None,
    ) -> None:
        bound = listening("127.0.0.1", port)
        self.address = address(bound)
        app = Relay(self.address, targets, tls, drop)
        server = ReadyServer(configured(app if listener is None else Tap(app, listener), dated=False))
        super().__init__(server, bound, "relay")
