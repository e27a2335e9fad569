"""The requests that came, the newest last: what was sent and answered, without any secret, within bounds."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

KEPT_BODY = 256 * 1024
"""Octets that are kept of one body."""
_KEPT = 500
_BUDGET = 32 * 1024 * 1024
HIDDEN = "•••"
"""What stands in place of a secret, or of what might be one."""
_SHOWN = re.compile(
    "accept|accept-language|allow|content-length|content-location|content-type|etag|if-match|if-modified-since|"
    "if-none-exist|if-none-match|last-modified|location|prefer|retry-after|user-agent|www-authenticate|"
    "x-request-id|x-correlation-id"
)
"""Headers whose values hold no secret; of the others, the name is shown."""
_SECRET = frozenset({"access_token", "client_secret", "id_token", "password", "refresh_token"})
_SECRET_WHERE_TOKENS_ARE_GIVEN = _SECRET | {
    "client_assertion",
    "code",
    "code_verifier",
    "id_token_hint",
    "state",
    "token",
}
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Body:
    """The beginning of a body, and the length of the whole in octets."""

    content: bytes = b""
    length: int = 0

    @property
    def whole(self) -> bool:
        """True when all of it was kept."""
        return len(self.content) == self.length

    @property
    def text(self) -> str:
        """It as text; what is no UTF-8 is replaced."""
        return self.content.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer.

    ``number`` counts from 1, ``at`` is in seconds since the epoch, ``elapsed`` in seconds. ``service`` is the first
    part of the path; ``target`` the path and query. ``solution`` and ``idpe`` are those of the access token.
    """

    number: int
    at: float
    elapsed: float
    service: str
    method: str
    target: str
    status: int
    headers: Headers = ()
    body: Body = field(default_factory=Body)
    answer_headers: Headers = ()
    answer: Body = field(default_factory=Body)
    solution: str | None = None
    idpe: str | None = None

    def header(self, name: str) -> str:
        """The value of the header ``name`` (lower case) of the request, or ""."""
        return next((value for key, value in self.headers if key == name), "")


class Traffic:
    """Keeps exchanges, and wakes who waits for the next one. Recorded in one event loop, read in any thread."""

    def __init__(self) -> None:
        self._exchanges: deque[Exchange] = deque()
        self._size = 0
        self._count = 0
        self._lock = threading.Lock()
        self._news = asyncio.Event()
        self.closed = False

    def record(self, **found: Any) -> None:
        """Keep an exchange (the fields of :class:`Exchange`, without its number); the oldest make room for it."""
        with self._lock:
            self._count += 1
            made = Exchange(number=self._count, **found)
            self._exchanges.append(made)
            self._size += _size(made)
            while len(self._exchanges) > _KEPT or self._size > _BUDGET:
                self._size -= _size(self._exchanges.popleft())
        self._wake()

    def after(self, number: int) -> tuple[Exchange, ...]:
        """The exchanges that came after the one with ``number``, as far as they are kept."""
        with self._lock:
            first = 0 if number > self._count else number  # a higher one is from before the sandbox started anew
            return tuple(one for one in self._exchanges if one.number > first)

    def news(self) -> asyncio.Event:
        """What will be set when something comes; take it before looking at what is there, to miss nothing."""
        return self._news

    def clear(self) -> None:
        """Forget the exchanges; their numbers go on."""
        with self._lock:
            self._exchanges.clear()
            self._size = 0

    def close(self) -> None:
        """Let nobody wait any longer."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def _size(exchange: Exchange) -> int:
    return len(exchange.body.content) + len(exchange.answer.content)


def shown_headers(headers: Headers) -> Headers:
    """``headers`` without values that might be secret."""
    return tuple((name, value if _SHOWN.fullmatch(name) else HIDDEN) for name, value in headers)


def shown_pairs(query: str, *, guarded: bool = False) -> str:
    """A query, or a form, without its secrets; ``guarded`` where tokens are given, and a ``code`` is no LOINC code."""
    secret = _SECRET_WHERE_TOKENS_ARE_GIVEN if guarded else _SECRET
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(name.lower() in secret for name, _ in pairs):
        return query
    shown = urlencode([(name, HIDDEN if name.lower() in secret else value) for name, value in pairs])
    return shown.replace(quote(HIDDEN), HIDDEN)
