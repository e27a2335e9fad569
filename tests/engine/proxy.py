"""A forward proxy for tests: tunnels (CONNECT), and nothing else; with a user, nobody else gets through."""

import asyncio
import base64
from ssl import SSLContext
from urllib.parse import unquote

from tests.engine.threaded import Threaded


def _proof(user: str) -> bytes:
    return f"Basic {base64.b64encode(unquote(user).encode()).decode()}\r\n".encode() if user else b""


class Proxy(Threaded):
    """Listens on a loopback port of its own, in a thread. ``asked`` holds the first line of each request.

    ``user`` is ``name:password`` as it stands in a URL; ``ssl`` makes it an https proxy.
    """

    def __init__(self, user: str = "", ssl: SSLContext | None = None) -> None:
        self.asked: list[str] = []
        self._proof = _proof(user)
        super().__init__(ssl=ssl)
        self._loop.set_exception_handler(lambda *_: None)  # connections end as their ends like
        scheme = "https" if ssl else "http"
        self.bare = f"{scheme}://127.0.0.1:{self.port}"
        self.url = f"{scheme}://{user}@127.0.0.1:{self.port}" if user else self.bare

    async def _serve(self, reader, writer):
        onward = None
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head.split(b"\r\n")[0].decode())
            host, _, port = self.asked[-1].split(" ")[1].rpartition(":")
            if self._proof not in head:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            try:
                back, onward = await asyncio.open_connection(host.strip("[]"), int(port))
            except OSError:
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await asyncio.gather(_copy(reader, onward), _copy(back, writer))
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            for one in (writer, onward):
                if one is not None:
                    one.close()


async def _copy(reader, writer):
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
