"""Connections to the candidate over HTTP/1.1, by httpcore: how long they are kept, and what comes beyond an answer."""

import contextlib
import re
import ssl
from collections.abc import AsyncIterable, Hashable, Iterable
from typing import Any, cast

import httpcore
import httpx

from harness.engine.exchange import Headers, Request
from harness.engine.tunnel import Proxy
from harness.errors import HarnessError
from harness.reason import Reason

FAULTS = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    httpx.InvalidURL,
)
"""What stops an exchange."""

_MOST = 100
"""Connections at a time."""
_KEPT = 20
"""Connections that are not in use."""
_LENGTH = frozenset({"content-length", "transfer-encoding"})
_USUAL = (("User-Agent", "fhir-harness"), ("Accept", "*/*"), ("Accept-Encoding", "gzip"), ("Connection", "keep-alive"))
"""Headers of a request that has none of that name. "identity" cannot be insisted on: a candidate may compress all the
same, so gzip is offered and bounded."""
_VALUE = re.compile(rb"(?:[^\0\s]+(?:[ \t]+[^\0\s]+)*)?")
"""What a header can hold (RFC 9110, section 5.5)."""
_END = re.compile(rb"\n\r?\n")
_INFORMATIONAL = re.compile(rb"HTTP/1\.\d 1")
"""How an answer begins that another one follows (RFC 9110, section 15.2)."""
_LAST_CHUNK = re.compile(rb"\n0+[ \t]*(?:;[^\n]*)?\r\n")
"""Of a chunked body; trailers may follow, and an empty line ends them (RFC 9112, section 7.1)."""
_KEPT_BACK = 256
"""Bytes of what came before that the last chunk is looked for in, too."""


class Stalled(httpcore.ReadTimeout):
    """The answer began, and did not go on; ``octets`` of its head had come, or of its body."""

    def __init__(self, octets: int, *, of_body: bool) -> None:
        super().__init__()
        self._octets = octets
        self._of_body = of_body

    def told(self, time: str) -> Reason:
        """Return what happened; nothing more came for ``time``."""
        en, fr = ("body", "du corps") if self._of_body else ("head", "de l'en-tête")
        return Reason(
            f"the answer stopped: {self._octets} bytes of its {en} came, then nothing for {time}",
            f"la réponse s'est arrêtée : {self._octets} octets {fr} sont venus, puis rien pendant {time}",
        )


class Unsendable(HarnessError, ValueError):
    """A header that cannot go out. Its value, which may be a secret, is not told."""


def pool(context: ssl.SSLContext, proxy: Proxy | None = None, *, idle: float) -> httpcore.AsyncConnectionPool:
    """Return connections that are kept while not in use for ``idle`` seconds. Nothing of the environment counts."""
    options: dict[str, Any] = {
        "ssl_context": context,
        "max_connections": _MOST,
        "max_keepalive_connections": _KEPT,
        "keepalive_expiry": idle,
        "network_backend": _Backend(),
    }
    if proxy is None:
        return httpcore.AsyncConnectionPool(**options)
    at = httpx.Proxy(proxy.url)
    return httpcore.AsyncHTTPProxy(_address(at.url), at.raw_auth, proxy_ssl_context=proxy.context(), **options)


class Ways:
    """The connections of each test are its own: what a candidate sends beyond an answer reaches no other test."""

    def __init__(self, context: ssl.SSLContext, proxy: Proxy | None) -> None:
        self._context = context
        self._proxy = proxy
        self._pools: dict[Hashable, dict[float, httpcore.AsyncConnectionPool]] = {}

    def of(self, owner: Hashable, idle: float) -> httpcore.AsyncConnectionPool:
        """Return the connections of ``owner`` that are kept while not in use for ``idle`` seconds."""
        pools = self._pools.setdefault(owner, {})
        if idle not in pools:
            pools[idle] = pool(self._context, self._proxy, idle=idle)
        return pools[idle]

    async def close(self, owner: Hashable) -> None:
        """Close the connections of ``owner``, where there are any."""
        for one in self._pools.pop(owner, {}).values():
            await one.aclose()

    async def close_all(self) -> None:
        """Close the connections of everybody."""
        for owner in tuple(self._pools):
            await self.close(owner)


def outgoing(request: Request, extensions: dict[str, Any]) -> httpcore.Request:
    """Return ``request`` as it goes out, with the headers that every one has. Raises httpx.InvalidURL, Unsendable."""
    url = httpx.URL(request.url)
    named = {name.lower() for name, _ in request.headers}
    pairs = [pair for pair in _USUAL if pair[0].lower() not in named]
    if "host" not in named:
        pairs.insert(0, ("Host", url.netloc.decode("ascii")))
    if not named & _LENGTH and (request.body or request.method in ("PATCH", "POST", "PUT")):
        pairs.append(("Content-Length", str(len(request.body))))
    return httpcore.Request(
        request.method,
        _address(url),
        headers=[_encoded(name, value) for name, value in (*pairs, *request.headers)],
        content=request.body,
        extensions=extensions,
    )


def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    with contextlib.suppress(UnicodeEncodeError):
        pair = name.encode("ascii"), value.encode("latin-1")
        if _VALUE.fullmatch(pair[1]):
            return pair
    raise Unsendable(
        f"the header {name} holds a line end, a space at its beginning or end, or a character that none can",
        f"l'en-tête {name} contient une fin de ligne, un espace au début ou à la fin, ou un caractère interdit",
    )


def _address(url: httpx.URL) -> httpcore.URL:
    """Return ``url`` with the brackets of an IPv6 address, which httpcore leaves out when it asks a proxy."""
    host = b"[%b]" % url.raw_host if b":" in url.raw_host else url.raw_host
    return httpcore.URL(scheme=url.raw_scheme, host=host, port=url.port, target=url.raw_path)


def _bare(host: str) -> str:
    """Return a host as connections and certificates have it."""
    return host.removeprefix("[").removesuffix("]")


def received(answer: httpcore.Response) -> Headers:
    """Return the headers of an answer."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers)


def chunks(answer: httpcore.Response) -> AsyncIterable[bytes]:
    """Return the body as it comes, in its content encoding."""
    return cast(AsyncIterable[bytes], answer.stream)


def beyond(answer: httpcore.Response, length: int) -> int:
    """Return how many bytes have come after the body of an answer, which has ``length`` and is not chunked."""
    stream = answer.extensions.get("network_stream")
    return stream.beyond(length) if isinstance(stream, _Counting) else 0


def ends_with_chunks(answer: httpcore.Response) -> bool:
    """Tell whether nothing has come after a chunked body; False, too, where that cannot be told."""
    stream = answer.extensions.get("network_stream")
    return not isinstance(stream, _Counting) or stream.ends_with_chunks()


async def hang_up(answer: httpcore.Response) -> None:
    """Close the connection that the answer came over, for good."""
    if "network_stream" in answer.extensions:
        await answer.extensions["network_stream"].aclose()


class _Counting(httpcore.AsyncNetworkStream):
    """A connection that knows how much has come since the end of the answer's headers."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._head = bytearray()
        self._come: int | None = None
        self._latest = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = await self._stream.read(max_bytes, timeout)
        except httpcore.ReadTimeout as problem:
            if self._come is not None:
                raise Stalled(self._come, of_body=True) from problem
            if self._head:
                raise Stalled(len(self._head), of_body=False) from problem
            raise
        self._latest = self._latest[-_KEPT_BACK:] + data
        if self._come is not None:
            self._come += len(data)
            return data
        start = max(0, len(self._head) - 2)  # before, there is no end: it would be looked through again with each byte
        self._head += data
        while end := _END.search(self._head, start):
            if not _INFORMATIONAL.match(self._head):
                self._come = len(self._head) - end.end()
                break
            del self._head[: end.end()]
            start = 0
        return data

    def beyond(self, length: int) -> int:
        return (self._come or 0) - length

    def ends_with_chunks(self) -> bool:
        last = _LAST_CHUNK.search(self._latest)
        end = last and _END.search(self._latest, last.end() - 1)
        return end is not None and end.end() == len(self._latest)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._come = None
        self._head.clear()
        self._latest = b""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        name = None if server_hostname is None else _bare(server_hostname)
        return _Counting(await self._stream.start_tls(ssl_context, name, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.AnyIOBackend):
    """Opens connections that count."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Counting(await super().connect_tcp(_bare(host), port, timeout, local_address, socket_options))
