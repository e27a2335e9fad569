"""The journal: an append-only file of events, one JSON object a line, and the only source of reports and evidence."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import BufferedWriter
from pathlib import Path

import orjson

from harness.engine.codec import decode, dumps, encode
from harness.engine.events import EVENTS, Event, StepFinished
from harness.engine.exchange import Exchange
from harness.errors import JournalError, RecordError

NAME = "journal.ndjson"
_SHORT = 1_000_000
"""Bytes of bodies in a step, below which its line is written as a whole."""


class JournalWriter:
    """Writes events as they come; each is on its way to the disk before :meth:`write` returns.

    A writer of the report protocol (open, write, close).
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._file: BufferedWriter | None = None

    def open(self) -> None:
        """Create the file. Raises JournalError when there is one already, or the folder cannot be written."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("xb")
        except FileExistsError as problem:
            raise JournalError(f"{self._path}: a run is recorded here already; choose another --out") from problem
        except OSError as problem:
            raise JournalError(f"{self._path}: cannot write: {problem.strerror}; choose another --out") from problem

    def write(self, event: Event) -> None:
        """Append one event and flush it. Raises RecordError when it cannot be written."""
        if self._file is None:
            raise JournalError(f"{self._path}: not open")
        try:
            self._file.writelines(_line(event))
            self._file.flush()
        except OSError as problem:
            raise RecordError(
                f"{self._path}: cannot be written any more: {problem.strerror}; the run was stopped. Make room, and go "
                f"on with --resume {self._path.parent}"
            ) from problem

    def close(self) -> None:
        """Close the file. Raises RecordError when it is no longer in its place."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):  # each event was flushed; what could not be was told then
            self._file.close()
        self._file = None
        if not self._path.exists():
            raise RecordError(f"{self._path}: was removed while the run went on, and nothing else proves it; run again")


def _line(event: Event) -> Iterator[bytes]:
    """Yield the line of an event; of many long exchanges one at a time is in the memory as text."""
    if not isinstance(event, StepFinished) or sum(map(_length, event.exchanges)) < _SHORT:
        yield dumps({"event": type(event).__name__, **encode(event)}) + b"\n"
        return
    data = encode(replace(event, exchanges=()))
    del data["exchanges"]
    yield dumps({"event": type(event).__name__, **data}).removesuffix(b"}") + b',"exchanges":['
    for number, exchange in enumerate(event.exchanges):
        yield b"," * bool(number) + dumps(encode(exchange))
    yield b"]}\n"


def _length(exchange: Exchange) -> int:
    return len(exchange.request.body) + (len(exchange.response.body) if exchange.response else 0)


def read_journal(path: Path) -> Iterator[Event]:
    """Yield the events of a journal file, or of the run folder that holds one.

    Raises JournalError when there is no journal, and as :func:`parse_journal` does.
    """
    file = path / NAME if path.is_dir() else path
    try:
        stream = file.open("rb")
    except OSError as problem:
        raise JournalError(f"{file}: no journal to read: {problem.strerror}; name a run folder") from problem
    with stream:
        yield from parse_journal(stream, str(file))


def parse_journal(lines: Iterable[bytes], name: str) -> Iterator[Event]:
    """Yield the events of a journal's lines; ``name`` is for messages.

    A last line without its line end was cut off while it was written, and is left out; events of a kind this version
    does not know, too. Raises JournalError when another line is not an event.
    """
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            return
        try:
            data = orjson.loads(line)
            kind = EVENTS.get(data["event"])
        except (orjson.JSONDecodeError, KeyError, TypeError) as problem:
            raise JournalError(f"{name}:{number}: not an event; the journal was altered: {problem}") from problem
        if kind is not None:
            try:
                event = decode(kind, data)
            except JournalError as problem:
                raise JournalError(f"{name}:{number}: {problem}; the journal is damaged or was altered") from problem
            yield event
