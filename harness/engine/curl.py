"""An exchange as a curl command, so that a failure can be repeated in a terminal; secrets are shell variables."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from harness.engine.exchange import Exchange, Request, header
from harness.engine.handshake import CIPHERS, CLEAR_TEXT, CURRENT, METHOD
from harness.engine.redaction import MARK

LONGEST = 20_000
"""Bytes of a body that stand in the command; a longer one, and bytes that hold a secret, are read from a file."""
_FILE = "body.bin"
_IMPLIED = frozenset({"content-length", "host", "connection"})
_PLAIN = re.compile(r"[A-Za-z0-9@%+=:,./_-]+", re.ASCII)


def curl(exchange: Exchange, candidate: Mapping[str, Any] | None = None) -> str:
    """Return one command that sends the request of ``exchange`` again.

    Where a secret was, the command reads a variable named after it: ``$IDENTITIES_DEFAULT_BEARER``. It is inert in a
    POSIX shell whatever the request holds: every part that is not a variable is quoted. A body that is no text, or
    that a terminal would obey, comes out of base64; one that is longer than LONGEST, or was not recorded, is to be put
    into the file ``body.bin``. ``candidate`` is the content of the candidate file as it was
    recorded: its certificates and its proxy are those of the command.
    """
    request = exchange.request
    shown = header(request.headers, "TLS-Certificate") in (None, "own") if request.method == METHOD else True
    parts = ["curl", "--globoff", "--include", *_access(request.url, candidate or {}, shown=shown)]
    if request.method == METHOD:
        return " ".join([*parts, *_connection(request)])
    parts += [*_method(request.method), _quoted(request.url)]
    for name, value in request.headers:
        if name.lower() not in _IMPLIED:
            # curl drops a header without a value, unless it ends with a semicolon.
            parts += ["--header", _quoted(f"{name}: {value}" if value else f"{name};")]
    before = ""
    if request.body or request.omitted:
        before, body = _body(request.body)
        if header(request.headers, "content-type") is None:
            parts += ["--header", "Content-Type:"]  # else curl says that it is a form
        parts += ["--data-binary", body]
    return before + " ".join(parts)


def _access(url: str, candidate: Mapping[str, Any], *, shown: bool) -> Iterator[str]:
    """Yield the options for the way to the candidate: its proxy, whom to trust, and the certificate that is shown."""
    tls = candidate.get("tls", {})
    tls = tls if isinstance(tls, Mapping) else {}
    proxy = str(candidate.get("proxy", ""))
    if proxy:
        yield from ("--proxy", _quoted(proxy))
    if proxy.lower().startswith("https:"):
        yield from _trust(tls, "--proxy-")
    if not url.lower().startswith("https:"):
        return
    yield from _trust(tls, "--")
    if not shown:
        return
    if "pkcs12" in tls:
        yield from ("--cert-type", "P12", "--cert", _quoted(_with_password(tls["pkcs12"], tls)))
    elif "certificate" in tls:
        yield from ("--cert", _quoted(_with_password(tls["certificate"], tls)))
    if "key" in tls and "pkcs12" not in tls:
        yield from ("--key", _quoted(str(tls["key"])))


def _trust(tls: Mapping[str, Any], option: str) -> Iterator[str]:
    if tls.get("verify") is False:
        yield f"{option}insecure"
    elif "ca" in tls:
        yield from (f"{option}cacert", _quoted(str(tls["ca"])))


def _with_password(path: Any, tls: Mapping[str, Any]) -> str:
    password = tls.get("password")
    escaped = re.sub(r"([:\\])", r"\\\1", str(path))  # of what follows the first colon, curl makes a password
    return f"{escaped}:{password}" if password else escaped


def _connection(request: Request) -> Iterator[str]:
    """Yield options and URL of a connection that is pinned to one version (:mod:`harness.engine.handshake`)."""
    version = header(request.headers, "TLS-Version") or "1.3"
    parts = urlsplit(request.url)
    if version == CLEAR_TEXT:
        port = header(request.headers, "Port")
        yield _quoted(f"http://{parts.hostname}{f':{port}' if port else ''}{parts.path}")
        return
    ciphers = header(request.headers, "TLS-Ciphers")
    offered = "1.2" if version == CURRENT else version
    yield f"--tlsv{offered}"
    if version != CURRENT or ciphers not in (None, "any"):
        yield from ("--tls-max", offered)
    weak = "ALL:@SECLEVEL=0" if version in ("1.0", "1.1") else None
    named = CIPHERS.get(ciphers or "", weak)
    if named is not None:
        yield from ("--ciphers", _quoted(named))
    yield from ("--header", _quoted("Accept: application/fhir+json"), _quoted(request.url))


def _method(method: str) -> list[str]:
    if method == "GET":
        return []
    return ["--head"] if method == "HEAD" else ["--request", _quoted(method)]


def _body(body: bytes) -> tuple[str, str]:
    """Return what stands before the command, and what it sends."""
    if not body or len(body) > LONGEST:
        return "", f"@{_FILE}"
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    # A leading @ would name a file; a tab or a carriage return that is pasted would be obeyed.
    if text.replace("\n", "").isprintable() and text and not text.startswith("@"):
        return "", _quoted(text)
    if MARK.search(body.decode("utf-8", "replace")):
        return "", f"@{_FILE}"  # a variable has no place in base64
    return f"printf %s {base64.b64encode(body).decode('ascii')} | base64 -d | ", "@-"


def _quoted(text: str) -> str:
    """Return ``text`` as one word of a shell, its marks of secrets as variables."""
    word, end = "", 0
    for found in MARK.finditer(text):
        word += _literal(text[end : found.start()]) + f'"${{{_variable(found["name"])}}}"'
        end = found.end()
    return word + _literal(text[end:]) or "''"


def _literal(text: str) -> str:
    if not text or _PLAIN.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def _variable(name: str) -> str:
    plain = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    return plain if plain[:1].isalpha() else f"SECRET_{plain}"
