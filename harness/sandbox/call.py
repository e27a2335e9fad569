"""A request and its answer, free of any web framework: what the operations of the server work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends the request, as the authorisation found it; ``claims`` are those of the token."""

    subject: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request: ``path`` is relative to ``base`` (``Patient/1``), header names are lower case.

    ``query`` keeps the order of the request; ``body`` is raw, ``resource`` what was parsed from it.
    """

    method: str
    base: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    resource: Any = None
    caller: Caller = field(default_factory=Caller)

    def header(self, name: str) -> str | None:
        """The value of the header ``name`` (lower case), or None."""
        return self.headers.get(name)

    def preference(self, name: str) -> str | None:
        """The value of ``name`` in ``Prefer`` (RFC 7240): ``return`` or ``handling``, first one wins."""
        for part in self.headers.get("prefer", "").replace(";", ",").split(","):
            key, _, value = part.strip().partition("=")
            if key.strip().lower() == name:
                return value.strip().strip('"')
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer: ``resource`` (a dict, or JSON text as stored) or ``raw`` bytes of ``media_type``, or no body.

    ``delay`` is how many seconds to wait before it is sent.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    resource: dict[str, Any] | None = None
    text: str | None = None
    raw: bytes | None = None
    media_type: str | None = None
    delay: float = 0
