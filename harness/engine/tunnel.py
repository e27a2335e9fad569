"""A connection to the candidate, made by hand: straight, or through a proxy's tunnel (RFC 9110, section 9.3.6)."""

import asyncio
import base64
import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from harness.engine.secure import Tls
from harness.errors import CandidateError

_GATEWAY = frozenset({502, 503, 504})
"""What a proxy answers that could not reach whom it was asked for (RFC 9110, section 15.6)."""
_PORTS = {"http": 80, "https": 443}

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ProxyRefusal(CandidateError):
    """The proxy opened no tunnel: what it answered."""

    def __init__(self, message: str, message_fr: str, status: int = 0) -> None:
        super().__init__(message, message_fr)
        self.status = status
        """0: what came was not HTTP."""

    @property
    def unreached(self) -> bool:
        """Whether the proxy was willing, and did not get through."""
        return self.status in _GATEWAY


@dataclass(frozen=True)
class Proxy:
    """What stands before the candidate. An https one is known by the candidate's authorities, and shown nothing."""

    url: str = field(repr=False)
    """With user and password, where it wants them."""
    tls: Tls

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return str(parts.hostname), parts.port or _PORTS[parts.scheme]

    def context(self) -> ssl.SSLContext | None:
        """Return the TLS settings for the proxy itself, or None. Raises UsageError as :meth:`Tls.context` does."""
        return self.tls.context(shown=False) if urlsplit(self.url).scheme == "https" else None


async def dial(host: str, port: int, proxy: Proxy | None = None, context: ssl.SSLContext | None = None) -> Streams:
    """Open a connection to ``host``, through ``proxy`` where there is one, and speak TLS with ``host`` by ``context``.

    Raises ProxyRefusal; OSError (ssl.SSLError among them) as the connection does.
    """
    name = host if context else None
    if proxy is None:
        return await asyncio.open_connection(host, port, ssl=context, server_hostname=name)
    reader, writer = await asyncio.open_connection(*proxy.address, ssl=proxy.context())
    try:
        await _tunnel(reader, writer, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", proxy.url)
        if context is not None:
            await writer.start_tls(context, server_hostname=name)
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


async def _tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str, proxy: str) -> None:
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{_authorization(proxy)}\r\n".encode())
    await writer.drain()
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as problem:
        raise ProxyRefusal(
            f"the proxy hung up when it was asked for {target}", f"le proxy a raccroché quand on lui a demandé {target}"
        ) from problem
    version, _, said = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
    status = said[:3]
    if not version.startswith("HTTP/") or not status.isdigit():
        raise ProxyRefusal(
            f"the proxy answered no HTTP when it was asked for {target}",
            f"le proxy n'a pas répondu en HTTP quand on lui a demandé {target}",
        )
    if not status.startswith("2"):
        answer = said.strip()
        raise ProxyRefusal(
            f"the proxy answered {answer} when it was asked for {target}",
            f"le proxy a répondu {answer} quand on lui a demandé {target}",
            int(status),
        )


def _authorization(proxy: str) -> str:
    """Return the header that proves who we are to the proxy (RFC 9110, section 11.7.2); empty without a user."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return f"Proxy-Authorization: Basic {base64.b64encode(pair).decode('ascii')}\r\n"
