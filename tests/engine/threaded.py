"""A server on a loopback port of its own, in a thread: for tests whose client is the code under test."""

import asyncio
import threading
from typing import Any


class Threaded:
    """Serves each connection by ``_serve`` from ``with`` on; at the end no connection and no task is left.

    ``port`` is where it listens; ``settings`` are those of :func:`asyncio.start_server`.
    """

    def __init__(self, host: str = "127.0.0.1", **settings: Any) -> None:
        self._loop: Any = asyncio.SelectorEventLoop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, host, 0, **settings))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        async def stop() -> None:
            self._server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            for transport in list(self._loop._transports.values()):  # those in the midst of a handshake have no task
                transport.abort()
            await asyncio.sleep(0)  # for the connections that were aborted to be let go

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
