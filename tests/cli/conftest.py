"""The command, called in this process; a small test set; servers that misbehave."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.cli import main

SET = """
testset: mini
version: 1.0.0
title: {en: Mini, fr: Mini}
candidate: server
tests:
  - id: stored
    title: {en: A patient is stored, fr: Un patient est stocké}
    steps:
      - create: {resourceType: Patient, name: [{family: TEST}]}
        expect: {status: 201}
        save: {id: header.Location.id}
      - read: Patient/${id}
        expect: {status: 200, conforms: base}
"""


@dataclass
class Answer:
    """What one call of the command came to."""

    exit: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    def call(*arguments: object) -> Answer:
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr("sys.argv", ["fhir-harness", *words])
        with pytest.raises(SystemExit) as ended:
            main(words)
        captured = capsys.readouterr()
        code = ended.value.code
        assert "Traceback" not in captured.out + captured.err
        return Answer(code if isinstance(code, int) else 0, captured.out, captured.err)

    return call


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    folder = tmp_path / "sets"
    folder.mkdir()
    (folder / "mini.yaml").write_text(SET, encoding="utf-8")
    return folder


class RawServer:
    """Answers every request with the same bytes, whatever they are, and hangs up."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/fhir"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._one, sock=self._socket))
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self._answer)
            await writer.drain()
        writer.close()

    def __enter__(self) -> "RawServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


@pytest.fixture
def raw_server() -> Iterator[Callable[[bytes], str]]:
    with contextlib.ExitStack() as stack:
        yield lambda answer: stack.enter_context(RawServer(answer)).base_url
