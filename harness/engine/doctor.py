"""What stands between the harness and a candidate, looked at one thing after the other, before any test runs."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from harness.engine.access import obtain, wanted
from harness.engine.candidate import Candidate
from harness.engine.client import Live, Scope
from harness.engine.diagnosis import Diagnosis, State, diagnosis
from harness.engine.exchange import Exchange, Response
from harness.engine.handshake import alert_of, speak
from harness.engine.sign_in import Show
from harness.engine.steps import Call, converse, is_redirect
from harness.engine.text import excerpt, inert
from harness.engine.tunnel import Proxy, ProxyRefusal, dial
from harness.errors import CandidateError, HarnessError, UsageError
from harness.reason import Reason
from harness.suite.model import Interaction

SOON = 30
"""Days before its end that a certificate is worth a warning."""
_FHIR_JSON = "application/fhir+json"
_FORMATS = frozenset({_FHIR_JSON, "json", "application/json"})
_CERTIFICATE_FAULTS = {
    9: "tls.not-yet",
    10: "tls.expired",
    18: "tls.self-signed",
    19: "tls.self-signed",
    2: "tls.chain",
    20: "tls.chain",
    21: "tls.chain",
    62: "tls.name",
    64: "tls.name",
    66: "tls.weak",
    67: "tls.weak",
    68: "tls.weak",
}
"""By X509_V_ERR_… of OpenSSL."""
_ABOUT_CERTIFICATES = ("certificate", "unknown_ca", "access_denied")
"""In the names of the alerts about the client's certificate (RFC 8446, section 6.2)."""
_NAMESPACE = b'"http://hl7.org/fhir"'
"""Of a resource in XML, which names it in its first element."""
_STATUSES = {401: "refused", 403: "refused", 404: "absent", 407: "proxy", 410: "absent"}
_PROXY_STATUSES = {0: "other", 407: "authentication"}
_PORTS = {"http": 80, "https": 443}


async def examine(candidate: Candidate, show: Show = print) -> AsyncIterator[Diagnosis]:
    """Yield a diagnosis a thing, for each address of the candidate; after a failure, nothing that depends on it.

    ``show`` shows a person the address where they sign in.
    """
    try:
        candidate.tls.context()
    except UsageError as problem:
        yield diagnosis("files", State.FAIL, problem=problem)
        return
    own = _own(candidate)
    if own is not None:
        yield own
    ways = _Ways(candidate)
    asked = list(wanted(candidate.content))
    open_ = True
    for place, identity in asked:
        dotted = ".".join(place)
        async for found in ways.to(identity["oauth"]["token-url"], f"{dotted}: ", f"{dotted}.oauth.token-url"):
            open_ = open_ and found.state is not State.FAIL
            yield found
    if asked and open_:
        candidate, told = await _tokens(candidate, show)
        for found in told:
            yield found
    for name in (None, *candidate.endpoints):
        there = candidate.endpoint(name)
        if there is not None:
            member = f"endpoints.{name}.base-url" if name else "base-url"
            async for found in _address(there, ways, f"{name}: " if name else "", member):
                yield found


def _own(candidate: Candidate) -> Diagnosis | None:
    """Look at the client's own certificate, which a server refuses without saying why; None when all is well."""
    certificate = candidate.tls.own()
    if certificate is None:
        return None
    now = datetime.now(UTC)
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    values = {"begins": f"{begins:%Y-%m-%d}", "ends": f"{ends:%Y-%m-%d}", "days": (ends - now).days}
    if now < begins:
        return diagnosis("certificate.not-yet", State.WARN, **values)
    if now > ends:
        return diagnosis("certificate.expired", State.WARN, **values)
    return diagnosis("certificate.soon", State.WARN, **values) if (ends - now).days <= SOON else None


async def _tokens(candidate: Candidate, show: Show) -> tuple[Candidate, list[Diagnosis]]:
    """Return the candidate with its tokens, where all were given."""
    live = Live(candidate)
    try:
        found, grants = await obtain(candidate, live.fetch, show)
    except HarnessError as problem:
        return candidate, [diagnosis("token", State.FAIL, problem=problem)]
    finally:
        await live.close()
    urls = {place: identity["oauth"]["token-url"] for place, identity in wanted(candidate.content)}
    return found, [diagnosis("token.ok", State.OK, place=".".join(one.place), url=urls[one.place]) for one in grants]


async def _address(candidate: Candidate, ways: "_Ways", prefix: str, member: str) -> AsyncIterator[Diagnosis]:
    passable = True
    async for found in ways.to(candidate.base_url, prefix, member):
        passable = passable and found.state is not State.FAIL
        yield found
    if passable:
        for found in _capabilities(await _metadata(candidate), candidate):
            yield replace(found, name=prefix + found.name)


class _Ways:
    """The ways to the hosts of a candidate; none is looked at twice."""

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._known: dict[tuple[str, str | None, int], bool] = {}

    async def to(self, url: str, prefix: str, member: str) -> AsyncIterator[Diagnosis]:
        """Yield what is found on the way to ``url``: name, connection, TLS; of one that was open before, nothing.

        ``member`` is where it stands in the candidate file.
        """
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        key = (parts.scheme, parts.hostname, port)
        if self._known.get(key):
            return
        self._known[key] = True
        steps = [self._proxy] if self._candidate.proxy else [_dns, self._tcp]
        if parts.scheme == "https":
            steps.append(self._tls)
        for step in steps:
            found = await step(url, str(parts.hostname), port)
            yield replace(found, name=prefix + found.name, values={**found.values, "member": member})
            if found.state is State.FAIL:
                self._known[key] = False
                return

    async def _proxy(self, url: str, host: str, port: int) -> Diagnosis:
        """Look at the proxy: its name, its port, and whether it opens a tunnel, where one is needed."""
        proxy = Proxy(str(self._candidate.proxy), self._candidate.tls)
        through, at = proxy.address
        named = {"host": through, "port": at}
        seconds = f"{self._candidate.limits.connect:g} s"
        try:
            async with asyncio.timeout(self._candidate.limits.connect):
                if url.lower().startswith("https:"):
                    _, writer = await dial(host, port, proxy)
                else:
                    _, writer = await asyncio.open_connection(through, at, ssl=proxy.context())
                writer.transport.abort()
        except ProxyRefusal as problem:
            code = "unreached" if problem.unreached else _PROXY_STATUSES.get(problem.status, "refused")
            about = named if code == "other" else {"host": host}
            return diagnosis(f"proxy.{code}", State.FAIL, problem=problem, **about)
        except ssl.SSLCertVerificationError as problem:
            return diagnosis("proxy.tls", State.FAIL, problem=problem.verify_message, **named)
        except ssl.SSLError as problem:
            return diagnosis("proxy.other", State.FAIL, problem=problem.reason or problem, **named)
        except TimeoutError:
            late = Reason(f"nothing came within {seconds}", f"rien n'est venu en {seconds}")
            return diagnosis("proxy.other", State.FAIL, problem=late, **named)
        except socket.gaierror as problem:
            return diagnosis("proxy.dns", State.FAIL, problem=problem.strerror or problem, **named)
        except OSError as problem:
            return diagnosis("proxy.tcp", State.FAIL, problem=_system(problem), **named)
        return diagnosis("proxy.ok", State.OK, **named)

    async def _tcp(self, url: str, host: str, port: int) -> Diagnosis:  # noqa: ARG002 - as every step of a way
        seconds = self._candidate.limits.connect
        try:
            async with asyncio.timeout(seconds):
                _, writer = await asyncio.open_connection(host, port)
                writer.close()
        except TimeoutError:
            return diagnosis("tcp.timeout", State.FAIL, host=host, port=port, seconds=f"{seconds:g}")
        except OSError as problem:
            return diagnosis("tcp.refused", State.FAIL, host=host, port=port, problem=_system(problem))
        return diagnosis("tcp.ok", State.OK, host=host, port=port)

    async def _tls(self, url: str, host: str, port: int) -> Diagnosis:  # noqa: ARG002 - as every step of a way
        """Make a connection and send a request: with TLS 1.3 the client's certificate is refused only there."""
        tls, seconds = self._candidate.tls, self._candidate.limits.connect
        try:
            async with asyncio.timeout(seconds + self._candidate.limits.read):
                made = await speak(url, tls.context(), self._candidate.through)
        except TimeoutError:
            return diagnosis("tls.timeout", State.FAIL, host=host, seconds=f"{seconds:g}")
        except ssl.SSLCertVerificationError as problem:
            code = _CERTIFICATE_FAULTS.get(problem.verify_code, "tls.certificate")
            return diagnosis(code, State.FAIL, host=host, problem=problem.verify_message)
        except (OSError, asyncio.IncompleteReadError) as problem:
            shown = bool(tls.certificate or tls.pkcs12)
            return diagnosis(_refusal(problem, shown), State.FAIL, host=host, **_told(problem))
        except CandidateError as problem:
            return diagnosis("tls.other", State.FAIL, host=host, problem=problem)
        return _certificate(made, host, checked=tls.verify)


def _system(problem: OSError) -> str:
    """Return what the operating system says: asyncio puts its own words around it."""
    return os.strerror(problem.errno) if problem.errno else str(problem) or os.strerror(errno.ECONNRESET)


async def _dns(url: str, host: str, port: int) -> Diagnosis:  # noqa: ARG001 - as every step of a way
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        return diagnosis("dns", State.FAIL, host=host, problem=getattr(problem, "strerror", "") or problem)
    addresses = sorted({str(entry[4][0]) for entry in found})
    return diagnosis("dns.ok", State.OK, host=host, addresses=", ".join(addresses))


def _refusal(problem: Exception, shown: bool) -> str:
    """Return the code for how a TLS connection ended; ``shown``: a certificate of ours was at hand."""
    alert = alert_of(problem)
    if alert is None:
        return "tls.other"
    if alert == "none":
        return "tls.ended"
    if any(word in alert for word in _ABOUT_CERTIFICATES):
        return "tls.unwelcome" if shown else "tls.wanted"
    # With TLS 1.2 the alert handshake_failure is that of a missing certificate too (RFC 5246, section 7.4.6).
    return "tls.version" if alert == "protocol_version" else "tls.failure"


def _told(problem: Exception) -> dict[str, object]:
    return {"alert": alert_of(problem), "problem": getattr(problem, "reason", None) or problem}


def _certificate(made: Response, host: str, *, checked: bool) -> Diagnosis:
    version = made.header("TLS-Version")
    if not checked:
        return diagnosis("tls.unchecked", State.WARN, version=version)
    ends = datetime.fromisoformat(made.header("TLS-Certificate-Expires") or "")
    days = (ends - datetime.now(UTC)).days
    values = {"version": version, "host": host, "ends": f"{ends:%Y-%m-%d}", "days": days}
    return diagnosis("tls.ok", State.OK, **values) if days > SOON else diagnosis("tls.soon", State.WARN, **values)


async def _metadata(candidate: Candidate) -> Exchange:
    """Ask for the CapabilityStatement as a test does; redirects are followed where the candidate file lets them."""
    call = Call(Interaction.CAPABILITIES, candidate.base_url, credentials=candidate.credentials(None))
    conversation = converse(call, candidate.limits.redirects)
    live = Live(candidate)
    try:
        made = await live.send(next(conversation), Scope("doctor"))
        while made.response is not None:
            try:
                request = conversation.send(made)
            except StopIteration:
                break
            made = await live.send(request, Scope("doctor"))
    finally:
        await live.close()
    return made


def _capabilities(made: Exchange, candidate: Candidate) -> Iterator[Diagnosis]:
    answer = made.response
    if answer is None:
        code = "metadata.late" if made.error_code == "timeout" else "metadata.none"
        yield diagnosis(code, State.FAIL, problem=Reason(made.error or "", made.error_fr or ""))
        return
    statement = answer.resource if isinstance(answer.resource, dict) else {}
    if answer.status != 200 or statement.get("resourceType") != "CapabilityStatement":
        body, location = excerpt(answer.body), inert(answer.header("location") or "?")
        code = f"metadata.{_trouble(made, answer)}"
        yield diagnosis(code, State.FAIL, status=answer.status, body=body, location=location)
        return
    yield diagnosis("metadata.ok", State.OK, seconds=f"{made.elapsed:.2f}")
    yield _version(statement, candidate)
    yield _formats(statement)


def _trouble(made: Exchange, answer: Response) -> str:
    if is_redirect(made):
        return "moved"
    if answer.status >= 500:
        return "broken"
    if answer.status == 200 and _NAMESPACE in answer.body[:1000]:
        return "xml"
    return _STATUSES.get(answer.status, "other")


def _version(statement: dict[str, Any], candidate: Candidate) -> Diagnosis:
    wanted_version = candidate.fhir_version
    if "fhirVersion" not in statement:
        return diagnosis("fhir-version.none", State.FAIL, wanted=wanted_version)
    version = inert(str(statement["fhirVersion"]), 40)
    if version.split(".")[:2] == wanted_version.split(".")[:2]:
        return diagnosis("fhir-version.ok", State.OK, version=version)
    return diagnosis("fhir-version.other", State.FAIL, version=version, wanted=wanted_version)


def _formats(statement: dict[str, Any]) -> Diagnosis:
    listed = statement.get("format")
    formats = [inert(str(one), 40) for one in listed] if isinstance(listed, list) else []
    if _FORMATS.intersection(formats):
        return diagnosis("formats.ok", State.OK, formats=", ".join(formats))
    if not formats:
        return diagnosis("formats.none", State.WARN)
    return diagnosis("formats.no-json", State.WARN, formats=", ".join(formats))
