"""Connections that are pinned to one TLS version: what the candidate takes, and with which alert it refuses (RFC 8446).

The answer is one of HTTP with headers of our own in front: ``TLS-Version`` and ``TLS-Verified`` of a connection that
was made, and ``TLS-Answer``: ``served``, or ``refused`` by a 4xx; ``TLS-Alert`` and the status 0 where the connection
was refused: the alert's name, or ``none`` when the candidate just hung up. Where the candidate's certificate does not
hold, ``TLS-Verified`` says why, and ``TLS-Answer`` is ``unasked``: it is we who ended that, so nothing was refused.
``TLS-Cipher`` is the cipher suite by the name that OpenSSL has for it, ``TLS-Certificate-Key`` the kind and bits of
the certificate's key (``RSA 2048``, ``EC 256``, ``Ed25519``), ``TLS-Certificate-Signature`` the hash that it is
signed with, ``TLS-Certificate-Expires`` its last instant. ``Clear-Text`` tells what a request without TLS came to.
"""

import asyncio
import re
import ssl
import time
import warnings
from collections.abc import Iterator
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from harness.engine.exchange import Request, Response, header
from harness.engine.secure import Tls, show_stranger
from harness.engine.tunnel import Proxy, ProxyRefusal, dial
from harness.errors import CandidateError

METHOD = "TLS"
"""Method of the requests that are such connections."""
CLEAR_TEXT = "none"
FOREIGN = "foreign"
"""A certificate that no authority has issued."""
CURRENT = "current"
"""1.2 and 1.3 together."""
VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
CIPHERS = {
    "unauthenticated": "aNULL:eNULL:@SECLEVEL=0",
    "static-rsa": "kRSA:!eNULL:!PSK:@SECLEVEL=0",
    "any": "ALL:@SECLEVEL=0",
}
"""Cipher suites to offer: of TLS 1.2 alone those without a certificate or encryption, or without forward secrecy; any
that there are, with any certificate that holds, however weak."""
_LARGEST = 65_536
_GRACE = 0.1
"""Seconds at least, after a handshake of TLS 1.3, in which a refusal may come."""
_STATUS = re.compile("[0-9]{3}")
_PORTS = {"http": 80, "https": 443}


async def shake_hands(request: Request, tls: Tls, proxy: Proxy | None = None) -> Response:
    """Make the connection that ``request`` asks for, and send one GET over it.

    Behind a ``proxy`` it goes through a tunnel, so that it is still the candidate whose TLS is spoken with. Raises
    CandidateError, OSError.
    """
    parts = urlsplit(request.url)
    version = header(request.headers, "TLS-Version") or "1.3"
    host = str(parts.hostname)
    if version == CLEAR_TEXT:
        port = int(header(request.headers, "Port") or _PORTS["http"])
        return await _clear_text(host, port, _get(request.url), proxy)
    context = _context(tls, version, header(request.headers, "TLS-Certificate") or "own")
    ciphers = header(request.headers, "TLS-Ciphers")
    if ciphers is not None:
        _offer(context, ciphers)
    try:
        return await speak(request.url, context, proxy)
    except ssl.SSLCertVerificationError as problem:
        return Response(0, (("TLS-Verified", problem.verify_message or "no"), ("TLS-Answer", "unasked")))
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError, asyncio.IncompleteReadError) as problem:
        alert = alert_of(problem)
        if alert is None:
            why = getattr(problem, "reason", "") or problem
            raise CandidateError(f"TLS {version}: {why}", f"TLS {version} : {why}") from problem
        return Response(0, (("TLS-Alert", alert),))


def alert_of(problem: Exception) -> str | None:
    """Return the name of the alert that ended a connection, ``none`` where it just ended, None where ours did."""
    if not isinstance(problem, ssl.SSLError):
        return "none"
    _, alert, name = (problem.reason or "").partition("ALERT_")
    if alert:
        return name.lower()
    return "none" if isinstance(problem, ssl.SSLEOFError) or "EOF" in (problem.reason or "") else None


def _get(url: str) -> bytes:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    head = f"GET {target or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/fhir+json\r\n"
    return f"{head}Connection: close\r\n\r\n".encode()


def _context(tls: Tls, version: str, shown: str) -> ssl.SSLContext:
    if version not in (*VERSIONS, CURRENT):
        known = ", ".join((*VERSIONS, CURRENT, CLEAR_TEXT))
        raise CandidateError(
            f"TLS {version} is not a version that can be offered; known are {known}",
            f"TLS {version} n'est pas une version qui peut être proposée ; sont connues {known}",
        )
    context = Tls(True, tls.ca, tls.certificate, tls.key, tls.pkcs12, tls.password).context(shown=shown == "own")
    if shown == FOREIGN:
        show_stranger(context)
    if version == CURRENT:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
    with warnings.catch_warnings():  # the old versions are offered to see that they are refused
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = VERSIONS[version]
    if version in ("1.0", "1.1"):
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _offer(context: ssl.SSLContext, name: str) -> None:
    """Offer these cipher suites. TLS 1.3 has none of the weak ones."""
    if name not in CIPHERS:
        known = ", ".join(CIPHERS)
        raise CandidateError(
            f"{name} are no ciphers that can be offered; known are {known}",
            f"{name} ne sont pas des chiffrements qui peuvent être proposés ; sont connus {known}",
        )
    if name != "any":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers(CIPHERS[name])
    except ssl.SSLError as problem:
        raise CandidateError(
            f"{name} ciphers: the OpenSSL of this machine has none to offer",
            f"chiffrements {name} : l'OpenSSL de cette machine n'en a aucun à proposer",
        ) from problem


async def speak(url: str, context: ssl.SSLContext, proxy: Proxy | None = None) -> Response:
    """Return what a GET of ``url`` over a TLS connection of its own is answered, what TLS came to in front.

    Raises CandidateError for what is not HTTP, and what the connection raises: ssl.SSLError, OSError,
    asyncio.IncompleteReadError.
    """
    parts = urlsplit(url)
    host = str(parts.hostname)
    begun = time.monotonic()
    reader, writer = await dial(host, parts.port or _PORTS["https"], proxy, context)
    took = time.monotonic() - begun
    answer = asyncio.ensure_future(_head(reader))
    try:
        connection = writer.get_extra_info("ssl_object")
        made = (("TLS-Version", str(connection.version())), ("TLS-Verified", "yes"), *_described(connection))
        if connection.version() == "TLSv1.3":
            # A missing certificate is refused only after the handshake, and the alert is lost when we write to who
            # hung up after it: it gets the time to come.
            await asyncio.wait({answer}, timeout=max(_GRACE, 2 * took))
        if not answer.done():
            writer.write(_get(url))
        status, headers = _parsed(await answer)
        told = "refused" if 400 <= status < 500 else "served"
        return Response(status, (*made, ("TLS-Answer", told), *headers))
    finally:
        answer.cancel()
        writer.transport.abort()


def _described(connection: ssl.SSLObject) -> Iterator[tuple[str, str]]:
    """What was agreed on, and what the certificate is made of; nothing of it where none was shown."""
    cipher = connection.cipher()
    if cipher is not None:
        yield "TLS-Cipher", cipher[0]
    shown = connection.getpeercert(binary_form=True)
    if not shown:
        return
    certificate = x509.load_der_x509_certificate(shown)
    key = certificate.public_key()
    match key:
        case rsa.RSAPublicKey():
            yield "TLS-Certificate-Key", f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey():
            yield "TLS-Certificate-Key", f"EC {key.curve.key_size}"
        case _:
            yield "TLS-Certificate-Key", type(key).__name__.removesuffix("PublicKey")
    signed = certificate.signature_hash_algorithm
    yield "TLS-Certificate-Signature", signed.name if signed else certificate.signature_algorithm_oid.dotted_string
    yield "TLS-Certificate-Expires", certificate.not_valid_after_utc.isoformat()


async def _clear_text(host: str, port: int, target: bytes, proxy: Proxy | None) -> Response:
    try:
        reader, writer = await dial(host, port, proxy)
    except ProxyRefusal as problem:
        if not problem.unreached:
            raise
        return Response(0, (("Clear-Text", "closed"),))
    except OSError:
        return Response(0, (("Clear-Text", "closed"),))
    try:
        writer.write(target)
        status, headers = _parsed(await _head(reader))
        body = await reader.read(_LARGEST)
    except (OSError, asyncio.IncompleteReadError, CandidateError):
        return Response(0, (("Clear-Text", "closed"),))
    finally:
        writer.transport.abort()
    location = header(headers, "location") or ""
    told = "content"
    target_of = urlsplit(location)
    if 300 <= status < 400 and target_of.scheme == "https":
        told = "redirected" if target_of.hostname == host.lower() else "redirected-elsewhere"
    elif status >= 400 and b"resourceType" not in body:
        told = "refused"
    return Response(status, (("Clear-Text", told), *headers))


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as problem:
        en, fr = "the answer's headers are too long", "les en-têtes de la réponse sont trop longs"
        raise CandidateError(en, fr) from problem


def _parsed(head: bytes) -> tuple[int, tuple[tuple[str, str], ...]]:
    line, *lines = head.decode("latin-1").split("\r\n")
    words = line.split(" ", 2)
    if not words[0].startswith("HTTP/") or len(words) < 2 or not _STATUS.fullmatch(words[1]):
        raise CandidateError("the answer is not HTTP", "la réponse n'est pas du HTTP")
    pairs = (one.partition(":") for one in lines if ":" in one)
    return int(words[1]), tuple((name.strip(), value.strip()) for name, _, value in pairs)
