"""HTTP, with the limits that make a hostile candidate harmless, and the protocol that a recorded run keeps too."""

import asyncio
import hashlib
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

import httpcore
import httpx

from harness.engine.access import Grant, Tokens
from harness.engine.candidate import Candidate, Limits
from harness.engine.connections import (
    FAULTS,
    Stalled,
    Ways,
    beyond,
    chunks,
    ends_with_chunks,
    hang_up,
    outgoing,
    received,
)
from harness.engine.decoding import Decoder, TooLarge, UnreadEncoding
from harness.engine.events import Phase
from harness.engine.exchange import Exchange, Headers, Request, Response, header
from harness.engine.handshake import METHOD, shake_hands
from harness.engine.redaction import Redactor
from harness.engine.text import inert
from harness.engine.tunnel import ProxyRefusal
from harness.errors import CandidateError, HarnessError
from harness.reason import Reason, told

_MESSAGE_LIMIT = 300
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_IDEMPOTENT = _SAFE | {"PUT", "DELETE"}


class Scope(NamedTuple):
    """What a request is sent for; ``test`` is empty for a set's set-up and clean-up."""

    test_set: str
    test: str = ""
    phase: Phase = "setup"


_NOBODYS = Scope("")
"""Of requests that are no test's: for tokens."""


class Transport(Protocol):
    """Where the world comes in: answers, time and waiting. Everything else in a run follows from these."""

    async def send(self, request: Request, scope: Scope) -> Exchange:
        """Send ``request`` and return the exchange, redacted; an answer that never came is in its ``error``."""

    def now(self, scope: Scope) -> datetime:
        """Return the instant that a test takes place at, aware."""

    def attempt(self, scope: Scope) -> int:
        """Return how many times the test (or the set) was begun before, in runs that were cut off."""

    async def pause(self, seconds: float) -> None:
        """Wait between two attempts."""

    async def finish(self, scope: Scope) -> None:
        """Let go of what was open for a test (or a set) that has come to its end."""

    async def close(self) -> None:
        """Let go of the connections."""


class _Attempt(NamedTuple):
    """What came of sending a request once, when it was sent, and how many seconds that took."""

    started: str
    elapsed: float
    response: Response | None
    code: str | None
    message: Reason | None


def _repeatable(request: Request) -> bool:
    """Tell whether sending it twice is the same as once (RFC 9110, section 9.2.2): no condition may decide."""
    conditional = any(name.lower() in ("if-match", "if-none-match") for name, _ in request.headers)
    return request.method in _IDEMPOTENT and not (conditional and request.method not in _SAFE)


class _CertificateChanged(CandidateError):
    """The host showed another certificate in the middle of the run."""


_OPENERS = (b"{", b"[", b",", b"<")
"""One of these stands before every JSON value and XML element; in texts they count too: the limit leaves room."""


_BODILESS = frozenset({204, 304})
"""An answer with such a status has no body (RFC 9112, section 6.3), whatever its headers say."""
_REFUSED = 400
"""The least status of an answer that is an error."""
_ALWAYS = 65_536
"""Bytes. A body of so many is taken however much a run has recorded already."""
_JUST_NOW = 0.5
"""Seconds; servers keep idle connections for longer, but may hang up on one that they refused something over."""


class Live:
    """Sends requests to the candidate over HTTP/1.1: no redirect, cookie or proxy of the environment is followed."""

    def __init__(self, candidate: Candidate, redactor: Redactor | None = None, grants: Sequence[Grant] = ()) -> None:
        self._limits = candidate.limits
        self._redactor = redactor or candidate.redactor()
        self._proxy = candidate.through
        self._ways = Ways(candidate.tls.context(), self._proxy)
        self._timeouts = dict.fromkeys(("read", "write"), self._limits.read)
        self._timeouts |= dict.fromkeys(("connect", "pool"), self._limits.connect)
        self._refused = -_JUST_NOW
        self._tokens = Tokens(candidate, grants, self.fetch, self._redactor.add)
        self._next = 0.0
        self._tls = candidate.tls
        self._certificates: dict[str, str] = {}
        self._left = candidate.limits.recorded

    async def send(self, request: Request, scope: Scope) -> Exchange:
        """Send ``request``; never raises for what the candidate does, whatever it does."""
        retried = 0
        tried = await self._attempt(request, scope)
        while tried.code == "connection-lost" and retried < self._limits.retries and _repeatable(request):
            retried += 1
            tried = await self._attempt(request, scope)
        said = None if tried.message is None else self._clean(tried.message)
        return Exchange(
            request=self._redactor.request(request),
            started=tried.started,
            elapsed=tried.elapsed,
            response=None if tried.response is None else self._redactor.response(tried.response),
            error=None if said is None else str(said),
            error_code=tried.code,
            retried=retried,
            error_fr=None if said is None else said.fr,
        )

    async def _attempt(self, request: Request, scope: Scope) -> _Attempt:
        """Wait for the rate's turn and for a token that holds, then send: those waits are none of the candidate's."""
        await self._turn()
        try:
            request = request if request.method == METHOD else await self._tokens.fresh(request)
        except HarnessError as problem:
            return _Attempt(_instant(), 0.0, None, "token", told(problem))
        started, begun = _instant(), time.perf_counter()
        outcome = await self._tried(request, scope)
        return _Attempt(started, round(time.perf_counter() - begun, 6), *outcome)

    def _clean(self, message: Reason) -> Reason:
        return inert(self._redactor.reason(message), _MESSAGE_LIMIT)

    async def _tried(self, request: Request, scope: Scope) -> tuple[Response | None, str | None, Reason | None]:
        """Return the answer, or code and message of what stopped it."""
        try:
            async with asyncio.timeout(self._limits.total):
                if request.method == METHOD:
                    return await shake_hands(request, self._tls, self._proxy), None, None
                return await self._answer(request, scope), None, None
        except TimeoutError:
            return None, *_incomplete(self._limits)
        except (CandidateError, *FAULTS, OSError, ValueError) as problem:
            return None, *classify(problem, self._limits)

    async def _turn(self) -> None:
        """Wait until the rate allows one more request."""
        if self._limits.rate is None:
            return
        clock = time.monotonic()
        turn = max(clock, self._next)
        self._next = turn + 1 / self._limits.rate
        await asyncio.sleep(turn - clock)

    async def fetch(self, request: Request) -> Response:
        """Return the answer as it came, secrets and all: for tokens. Raises CandidateError."""
        try:
            async with asyncio.timeout(self._limits.total):
                return await self._answer(request, _NOBODYS)
        except (CandidateError, TimeoutError, *FAULTS, OSError, ValueError) as problem:
            said = self._clean(classify(problem, self._limits)[1])
            raise CandidateError(str(said), said.fr) from problem

    async def _answer(self, request: Request, scope: Scope) -> Response:
        extensions: dict[str, Any] = {"timeout": self._timeouts}
        if request.url.lower().startswith("https:"):
            extensions["trace"] = self._watch
        answer = await self._way_for(request, scope).handle_async_request(outgoing(request, extensions))
        if answer.status >= _REFUSED:
            self._refused = time.monotonic()
        headers = received(answer)
        length = 0
        try:
            decoder = Decoder(header(headers, "content-encoding") or "", *self._most())
            gathered = bytearray()  # a list of pieces would hold many times what is in them
            async for chunk in chunks(answer):
                length += len(chunk)
                for part in decoder.feed(chunk):
                    gathered += part
            decoder.finish(request.method)
        finally:
            if _goes_on(answer, request.method, headers, length):
                await hang_up(answer)  # what follows would be taken for the answer to the next request
            await answer.aclose()
        body = bytes(gathered)
        if sum(map(body.count, _OPENERS)) > self._limits.values:
            most = self._limits.values
            raise TooLarge(
                f"the answer's body holds more than {most} JSON values (limits.values)",
                f"le corps de la réponse contient plus de {most} valeurs JSON (limits.values)",
            )
        self._left -= len(body)
        version = answer.extensions.get("http_version", b"HTTP/1.1").decode("ascii", "replace")
        return Response(answer.status, headers, body, version)

    def _most(self) -> tuple[int, str]:
        """Return how many bytes the next body may have, and which limit that is: none takes all that is left."""
        left = max(_ALWAYS, self._left // 2)
        return (self._limits.body, "limits.body") if left > self._limits.body else (left, "limits.recorded, for all")

    def _way_for(self, request: Request, scope: Scope) -> httpcore.AsyncConnectionPool:
        """Return the connections of a test for ``request``.

        A server may close a connection at the moment that it is used again, and what cannot be sent twice (RFC 9110,
        section 9.2.2) would be lost. A connection is therefore used while it was in use until just now; after a refusal
        such a request has a new one.
        """
        fresh = not _repeatable(request) and time.monotonic() - self._refused < _JUST_NOW
        return self._ways.of((scope.test_set, scope.test), 0 if fresh else _JUST_NOW)

    async def _watch(self, event: str, information: Mapping[str, Any]) -> None:
        """Hold every connection to the certificate that the first one saw, before anything is sent over it."""
        if not event.endswith("start_tls.complete"):
            return
        stream = information["return_value"]
        connection = stream.get_extra_info("ssl_object")
        host = str(connection.server_hostname)
        found = hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()
        first = self._certificates.setdefault(host, found)
        if first != found:
            await stream.aclose()
            raise _CertificateChanged(
                f"{host} showed another certificate ({found[:16]}…) than at first ({first[:16]}…)",
                f"{host} a montré un autre certificat ({found[:16]}…) qu'au début ({first[:16]}…)",
            )

    def now(self, scope: Scope) -> datetime:  # noqa: ARG002 - it is now, whoever asks
        """Return the present instant."""
        return datetime.now(UTC)

    def attempt(self, scope: Scope) -> int:  # noqa: ARG002 - whatever it is, it begins now
        """Return 0."""
        return 0

    async def pause(self, seconds: float) -> None:
        """Wait ``seconds``."""
        await asyncio.sleep(seconds)

    async def finish(self, scope: Scope) -> None:
        """Close the connections that the test had."""
        await self._ways.close((scope.test_set, scope.test))

    async def close(self) -> None:
        """Close the connections."""
        await self._ways.close_all()


def _instant() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _goes_on(answer: httpcore.Response, method: str, headers: Headers, length: int) -> bool:
    """Tell whether more came than the answer, whose body has ``length`` bytes, or is announced where none is read."""
    chunked = header(headers, "transfer-encoding") is not None
    if answer.status in _BODILESS:
        return chunked or header(headers, "content-length") not in (None, "0") or beyond(answer, 0) > 0
    if chunked and method != "HEAD":
        return not ends_with_chunks(answer)
    return beyond(answer, length) > 0


def classify(problem: Exception, limits: Limits) -> tuple[str, Reason]:
    """Return the stable code and the message of what stopped an exchange.

    Codes: ``connect``, ``dns``, ``tls``, ``timeout``, ``too-large``, ``encoding``, ``protocol``, ``request``,
    ``connection-lost``, ``certificate-changed``.
    """
    causes = list(_causes(problem))
    if isinstance(problem, TooLarge):
        return "too-large", told(problem)
    if isinstance(problem, UnreadEncoding):
        return "encoding", told(problem)
    if isinstance(problem, _CertificateChanged):
        return "certificate-changed", told(problem)
    # One that was waiting to read when the time was over did not fail.
    failed = [one for one in causes if isinstance(one, ssl.SSLError) and not isinstance(one, ssl.SSLWantReadError)]
    if failed:
        reason = str(failed[0])
        en, fr = f"the TLS connection was not made: {reason}", f"la connexion TLS n'a pas été établie : {reason}"
        return "tls", Reason(en, fr)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "dns", Reason(
            "the host name of the candidate does not resolve", "le nom d'hôte du candidat est introuvable"
        )
    said = told(problem)
    match problem:
        case httpcore.ConnectTimeout() | httpcore.PoolTimeout():
            most = f"{limits.connect:g} s"
            return "timeout", Reason(f"no connection within {most}", f"pas de connexion en {most}")
        case Stalled():
            return "timeout", problem.told(f"{limits.read:g} s")
        case httpcore.TimeoutException():
            most = f"{limits.read:g} s"
            return "timeout", Reason(f"nothing came for {most}", f"rien n'est venu pendant {most}")
        case httpcore.ConnectError() | httpcore.ProxyError() | ProxyRefusal():
            return "connect", _not_made(said)
        case httpcore.RemoteProtocolError() if "disconnected without" in str(problem):
            return "connection-lost", Reason(
                "the connection was closed before anything was answered",
                "la connexion a été fermée avant toute réponse",
            )
        case TimeoutError():
            return _incomplete(limits)
        case httpcore.NetworkError():
            return "connection-lost", Reason(
                "the connection was closed before the answer was complete",
                "la connexion a été fermée avant la fin de la réponse",
            )
        case httpx.InvalidURL() | httpcore.UnsupportedProtocol() | httpcore.LocalProtocolError() | ValueError():
            return "request", Reason(
                f"the request cannot be sent: {said}", f"la requête ne peut être envoyée : {said.fr}"
            )
        case CandidateError():
            return "protocol", said
        case OSError():
            return "connect", _not_made(said)
        case _:
            en, fr = "the answer is not HTTP/1.1 that can be read", "la réponse n'est pas du HTTP/1.1 lisible"
            return "protocol", Reason(f"{en}: {said}", f"{fr} : {said.fr}")


def _incomplete(limits: Limits) -> tuple[str, Reason]:
    most = f"{limits.total:g} s"
    return "timeout", Reason(f"no complete answer within {most}", f"pas de réponse complète en {most}")


def _not_made(said: Reason) -> Reason:
    en, fr = "the connection was refused or cannot be made", "la connexion est refusée ou impossible"
    why = said or Reason("it was closed while it was being set up", "elle a été fermée pendant son établissement")
    return Reason(f"{en}: {why}", f"{fr} : {why.fr}")


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while problem is not None and id(problem) not in seen:
        seen.add(id(problem))
        yield problem
        problem = problem.__cause__ or problem.__context__
