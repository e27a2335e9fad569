"""In front of a real service: what comes in is sent on to it, and what it answers is given back, addresses changed."""

from __future__ import annotations

import json
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.sandbox.background import Background, ReadyServer, address, listening
from harness.sandbox.tap import Listener, Tap

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_OWN = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"),
        *("transfer-encoding", "upgrade", "content-length", "accept-encoding", "host"),
    }
)
"""Headers of one connection, not of the message (RFC 9110, section 7.6.1), and those that are made anew."""
_UNDONE = _OWN | {"content-encoding"}
"""Headers of an answer that are not given back: its body was decoded."""
_LIMIT = 20_000_000
"""Bytes of an answer."""
_TIMEOUT = httpx.Timeout(60, connect=10)
"""Seconds."""


class Relay:
    """Sends requests on. ``targets`` maps a path here (``/fhir``) to the base of a real service.

    Addresses of the service become addresses of ``here`` in what it answers, and the other way round in what it is
    sent, so that the client stays on this side. Headers that ``drop`` names are not sent on.
    """

    def __init__(
        self, here: str, targets: Mapping[str, str], tls: ssl.SSLContext | None = None, drop: Iterable[str] = ()
    ) -> None:
        self._targets = {prefix: target.rstrip("/") for prefix, target in targets.items()}
        self._pairs = [(f"{here}{prefix}".encode(), target.encode()) for prefix, target in self._targets.items()]
        self._tls = tls or ssl.create_default_context()
        self._left = _OWN | {name.lower() for name in drop}

    def app(self) -> Starlette:
        """The application that relays."""
        routes = [
            Route(path, self._endpoint(target), methods=_METHODS)
            for prefix, target in self._targets.items()
            for path in (prefix, prefix + "/{path:path}")
        ]
        return Starlette(routes=routes)

    def _endpoint(self, target: str) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            path = request.path_params.get("path", "").strip("/")
            if ".." in path.split("/"):
                return _refusal(400, "The path climbs out of the service with dots.")
            query = request.url.query
            url = f"{target}/{path}".rstrip("/") + (f"?{self._outward(query.encode()).decode()}" if query else "")
            pairs = [(name, self._outward(value)) for name, value in request.headers.raw]
            headers = [(name, value) for name, value in pairs if name.decode("latin-1").lower() not in self._left]
            body = self._outward(await request.body())
            try:
                status, fields, content = await self._asked(request.method, url, headers, body)
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
                return _refusal(502, f"{target} does not answer: {type(problem).__name__}.")
            answer = Response(self._inward(content), status)
            answer.raw_headers[:] = [
                *((name, self._inward(value)) for name, value in fields),
                *((name, value) for name, value in answer.raw_headers if name == b"content-length"),
            ]
            return answer

        return endpoint

    async def _asked(
        self, method: str, url: str, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Send one request on. Raises httpx.HTTPError when there is no answer that can be given back."""
        async with (
            httpx.AsyncClient(verify=self._tls, timeout=_TIMEOUT, trust_env=False) as client,
            client.stream(method, url, headers=headers, content=body) as answer,
        ):
            content = b""
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > _LIMIT:
                    raise httpx.DecodingError(f"longer than {_LIMIT} bytes")
            fields = [(name.lower(), value) for name, value in answer.headers.raw]
        return answer.status_code, [pair for pair in fields if pair[0].decode("latin-1") not in _UNDONE], content

    def _outward(self, content: bytes) -> bytes:
        for here, there in self._pairs:
            content = content.replace(here, there)
        return content

    def _inward(self, content: bytes) -> bytes:
        for here, there in self._pairs:
            content = content.replace(there, here)
        return content


def _refusal(status: int, diagnostics: str) -> Response:
    issue = {"severity": "error", "code": "transient", "diagnostics": diagnostics}
    outcome = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    return Response(outcome, status, media_type="application/fhir+json")


class RelayServer:
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
        app = Relay(self.address, targets, tls, drop).app()
        server = ReadyServer(
            uvicorn.Config(
                app if listener is None else Tap(app, listener),
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=3,
            )
        )
        self._running = Background(server, bound, "relay")

    def __enter__(self) -> RelayServer:
        self._running.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.stop()
