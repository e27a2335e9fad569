"""A forward proxy for tests: tunnels (CONNECT), and nothing else; with a user, nobody else gets through."""

import asyncio
import base64
import threading
from urllib.parse import unquote


def _proof(user: str) -> bytes:
    return f"Basic {base64.b64encode(unquote(user).encode()).decode()}\r\n".encode() if user else b""


class Proxy:
    """Listens on a loopback port of its own, in a thread. ``asked`` holds the first line of each request.

    ``user`` is ``name:password`` as it stands in a URL.
    """

    def __init__(self, user: str = "") -> None:
        self.asked: list[str] = []
        self._proof = _proof(user)
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)  # connections end as their ends like
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://{user}@127.0.0.1:{port}" if user else f"http://127.0.0.1:{port}"
        self.bare = f"http://127.0.0.1:{port}"

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
                back, onward = await asyncio.open_connection(host, int(port))
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

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        async def stop():
            self._server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def _copy(reader, writer):
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
