"""Cross-origin requests: refused by every browser unless an origin was named when the sandbox was started."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.errors import UsageError

_READABLE = ("ETag", "Last-Modified", "Location", "Content-Location", "WWW-Authenticate", "X-Request-Id")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def origins(given: Sequence[str]) -> tuple[str, ...]:
    """The origins in ``given``: ``*``, or scheme, host and port. Raises UsageError for what is not an origin."""
    for one in given:
        try:
            parts = urlsplit(one)
            right = parts.scheme in {"http", "https"} and parts.hostname and one == f"{parts.scheme}://{parts.netloc}"
            right = right and "@" not in parts.netloc and (parts.port is None or parts.port > 0)
        except ValueError:
            right = False
        if one != "*" and not right:
            raise UsageError(f"--cors {one}: not an origin; write it as https://app.example or http://localhost:3000.")
    return tuple(given)


class Cors:
    """Lets scripts from ``allowed`` origins call ``app``, but for what lies below ``private`` paths.

    Credentials are never allowed: a token goes into a header, and no cookie of a page is any script's business.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str], private: Collection[str]) -> None:
        self._app = app
        self._private = tuple(private)
        self._open = CORSMiddleware(
            app, allow_origins=allowed, allow_methods=_METHODS, allow_headers=["*"], expose_headers=_READABLE
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        public = scope["type"] == "http" and not scope["path"].startswith(self._private)
        await (self._open if public else self._app)(scope, receive, send)
