"""What stands between the harness and a candidate, looked at one thing after the other, before any test runs."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from harness.engine.access import Show, obtain, wanted
from harness.engine.candidate import Candidate
from harness.engine.client import Live, Scope
from harness.engine.exchange import Request
from harness.engine.text import excerpt, inert
from harness.errors import HarnessError

SOON = 30
"""Days before its end that a certificate is worth a warning."""
_FHIR_JSON = "application/fhir+json"
_FORMATS = frozenset({_FHIR_JSON, "json", "application/json"})


class State(StrEnum):
    """How one thing stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at: its name, how it stands, what was found, and what to do about it."""

    name: str
    state: State
    found: str
    advice: str = ""


async def examine(candidate: Candidate, show: Show = print) -> AsyncIterator[Diagnosis]:
    """Yield a diagnosis a thing, for each address of the candidate; after a failure, nothing that depends on it."""
    if next(wanted(candidate.content), None) is not None:
        live = Live(candidate)
        try:
            candidate, _ = await obtain(candidate, live.fetch, show)
            yield Diagnosis("token", State.OK, "the authorization server gave an access token")
        except HarnessError as problem:
            yield _failed("token", problem, "mend oauth in the candidate file")
            return
        finally:
            await live.close()
    for name in (None, *candidate.endpoints):
        there = candidate.endpoint(name)
        if there is not None:
            async for found in _address(there, f"{name}: " if name else ""):
                yield found


async def _address(candidate: Candidate, prefix: str) -> AsyncIterator[Diagnosis]:
    parts = urlsplit(candidate.base_url)
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    if candidate.proxy is None:
        for look in (_dns(host, port), _tcp(candidate, host, port)):
            found = await look
            yield Diagnosis(prefix + found.name, found.state, found.found, found.advice)
            if found.state is State.FAIL:
                return
        if parts.scheme == "https":
            found = await _tls(candidate, host, port)
            yield Diagnosis(prefix + found.name, found.state, found.found, found.advice)
            if found.state is State.FAIL:
                return
    async for found in _metadata(candidate):
        yield Diagnosis(prefix + found.name, found.state, found.found, found.advice)


async def _dns(host: str, port: int) -> Diagnosis:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as problem:
        return _failed("dns", f"{host} does not resolve: {problem}", "check the host name in base-url, and the network")
    addresses = sorted({str(entry[4][0]) for entry in found})
    return Diagnosis("dns", State.OK, f"{host} is {', '.join(addresses)}")


async def _tcp(candidate: Candidate, host: str, port: int) -> Diagnosis:
    try:
        async with asyncio.timeout(candidate.limits.connect):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
    except (OSError, TimeoutError) as problem:
        said = str(problem) or f"nothing within {candidate.limits.connect:g} s"
        return _failed("tcp", f"{host}:{port}: {said}", "is the service running, and the port open to this machine?")
    return Diagnosis("tcp", State.OK, f"{host}:{port} takes connections")


async def _tls(candidate: Candidate, host: str, port: int) -> Diagnosis:
    try:
        context = candidate.tls.context()
        async with asyncio.timeout(candidate.limits.connect):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
            connection = writer.get_extra_info("ssl_object")
            version, der = connection.version(), connection.getpeercert(binary_form=True)
            writer.close()
    except ssl.SSLCertVerificationError as problem:
        return _failed("tls", f"{host}: {problem.verify_message}", _advice(problem))
    except (OSError, TimeoutError, HarnessError) as problem:
        return _failed(
            "tls", f"{host}: {problem}", "does this port speak TLS, and does it want a client's certificate?"
        )
    ends = x509.load_der_x509_certificate(der).not_valid_after_utc
    days = (ends - datetime.now(UTC)).days
    state = State.OK if days > SOON else State.WARN
    advice = "" if days > SOON else "renew the certificate soon"
    return Diagnosis("tls", state, f"{version}; the certificate is valid until {ends:%Y-%m-%d} ({days} days)", advice)


def _advice(problem: ssl.SSLCertVerificationError) -> str:
    expired, unknown, mismatch = 10, (18, 19, 20, 21), (62, 64)  # X509_V_ERR_… of OpenSSL
    if problem.verify_code == expired:
        return "the certificate has expired: renew it"
    if problem.verify_code in unknown:
        return "the authority is not known here: name its PEM file in tls.ca, and let the server send its whole chain"
    if problem.verify_code in mismatch:
        return "the certificate is for another name: correct base-url, or the certificate's subjectAltName"
    return "mend the server's certificate"


async def _metadata(candidate: Candidate) -> AsyncIterator[Diagnosis]:
    headers = (("Accept", _FHIR_JSON), *candidate.credentials(None))
    live = Live(candidate)
    try:
        made = await live.send(Request("GET", f"{candidate.base_url}/metadata", headers), Scope("doctor"))
    finally:
        await live.close()
    answer = made.response
    if answer is None:
        yield _failed("metadata", f"no answer: {made.error}", "does base-url lead to the FHIR service?")
        return
    statement = answer.resource if isinstance(answer.resource, dict) else {}
    if answer.status != 200 or statement.get("resourceType") != "CapabilityStatement":
        found = f"{answer.status}: {excerpt(answer.body)}"
        yield _failed(
            "metadata", found, "GET [base]/metadata must answer a CapabilityStatement (http.html#capabilities)"
        )
        return
    yield Diagnosis("metadata", State.OK, f"a CapabilityStatement, in {made.elapsed:.2f} s")
    yield _version(statement, candidate)
    yield _formats(statement)


def _version(statement: dict[str, Any], candidate: Candidate) -> Diagnosis:
    version = inert(str(statement.get("fhirVersion", "none")), 40)
    if version.split(".")[:2] == candidate.fhir_version.split(".")[:2]:
        return Diagnosis("fhir-version", State.OK, version)
    advice = "the test sets are for FHIR R4; name the R4 address in base-url"
    return _failed("fhir-version", f"{version}, not {candidate.fhir_version}", advice)


def _formats(statement: dict[str, Any]) -> Diagnosis:
    listed = statement.get("format")
    formats = [inert(str(one), 40) for one in listed] if isinstance(listed, list) else []
    if _FORMATS.intersection(formats):
        return Diagnosis("formats", State.OK, ", ".join(formats))
    return Diagnosis("formats", State.WARN, ", ".join(formats) or "none", f"declare {_FHIR_JSON}: tests are in JSON")


def _failed(name: str, problem: object, advice: str) -> Diagnosis:
    return Diagnosis(name, State.FAIL, inert(str(problem), 300), advice)
