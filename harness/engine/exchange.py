"""An exchange: one HTTP request and its answer, as recorded (redacted before anything is stored)."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from harness.engine.content import NotJSON, parse
from harness.reason import Reason, told

Headers = tuple[tuple[str, str], ...]


def header(headers: Headers, name: str) -> str | None:
    """Return the value of the header ``name`` (case-insensitive; several are joined with ", "), or None."""
    wanted = name.lower()
    values = [value for key, value in headers if key.lower() == wanted]
    return ", ".join(values) if values else None


@dataclass(frozen=True)
class Omitted:
    """What is known of a body that was too long to be recorded."""

    size: int
    """Octets."""
    sha256: str
    """In hexadecimal."""


@dataclass(frozen=True)
class Request:
    """What was sent. ``url`` is absolute; ``body`` is what went over the wire, redacted."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    omitted: Omitted | None = None
    """In the place of the body: nothing that needs it can be judged."""


@dataclass(frozen=True)
class Response:
    """What came back, after content decoding; ``body`` is redacted."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    http_version: str = "HTTP/1.1"

    @cached_property
    def _content(self) -> tuple[Any, str]:
        try:
            return parse(self.body), ""
        except NotJSON as problem:
            return None, told(problem)

    def reading(self, resource: Any, problem: str) -> "Response":
        """Return this answer with what its body was read as, by somebody who knows another format than JSON."""
        read = replace(self)
        read.__dict__["_content"] = (resource, problem)  # in the place of the cached property
        read.__dict__["original"] = resource
        return read

    @cached_property
    def original(self) -> Any:
        """What a validator is given: the body as it came, or the resource that was read from another format."""
        return self.body

    @property
    def resource(self) -> Any:
        """The body as JSON, decimals exact, or None when it is not JSON."""
        return self._content[0]

    @property
    def problem(self) -> str:
        """Why the body is not JSON; empty when it is."""
        return self._content[1]

    def header(self, name: str) -> str | None:
        """Return the value of the header ``name`` (case-insensitive), or None."""
        return header(self.headers, name)


@dataclass(frozen=True)
class Exchange:
    """One HTTP request and its answer. ``response`` is None when none came: ``error`` then says why."""

    request: Request
    started: str
    """Instant of sending, RFC 3339 with milliseconds, UTC."""
    elapsed: float
    """Seconds from sending to the end of the answer."""
    response: Response | None = None
    error: str | None = None
    """A :class:`~harness.errors.CandidateError`'s message: refused, timed out, broke a limit, …"""
    error_code: str | None = None
    """Stable code of that error: ``connect``, ``timeout``, ``tls``, ``too-large``, ``protocol``, …"""
    retried: int = 0
    """How often it was sent before, when the connection was lost."""
    error_fr: str | None = None
    """``error`` in French, where it is of words of the harness."""

    @property
    def fault(self) -> str:
        """``error``, with its French beside it; empty when an answer came."""
        error = self.error or ""
        return error if self.error_fr is None else Reason(error, self.error_fr)

    def unread(self) -> "Exchange":
        """Return this exchange, which has let go of what its answer was read as: many times the memory of its bytes."""
        if self.response is not None:
            for name in ("_content", "original"):  # the cached properties
                self.response.__dict__.pop(name, None)
        return self
