"""The resources that a command is given: files, folders, NDJSON and standard input, read one after the other."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from harness.cli.options import read_file
from harness.errors import UsageError

LINE_LIMIT = 32 * 1024 * 1024
"""Bytes of one line of NDJSON at most."""
_SUFFIXES = frozenset({".json", ".xml", ".ndjson"})


class Item(NamedTuple):
    """One resource: its name (``file``, or ``file:line``) and its bytes, None where a line is beyond the limit."""

    name: str
    data: bytes | None


def check(files: Sequence[Path]) -> None:
    """Raise UsageError for a file that is not there, before anything else is judged."""
    for path in files:
        if str(path) != "-" and not path.exists():
            raise UsageError(f"{path}: the resource cannot be read: there is no such file or folder")


def read(files: Sequence[Path]) -> Iterator[Item]:
    """Yield the resources of ``files`` in their order; a folder gives its ``.json``, ``.xml`` and ``.ndjson`` by name.

    NDJSON (``.ndjson``, or standard input of several lines that each are a JSON object) is read line by line, its empty
    lines passed over. Raises UsageError for a file that cannot be read and a folder without resources.
    """
    for path in files:
        if str(path) == "-":
            yield from _standard_input()
        elif path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
            if not inside:
                raise UsageError(f"{path}: this folder holds no .json, .xml or .ndjson file")
            for file in inside:
                yield from _file(file)
        else:
            yield from _file(path)


def _file(path: Path) -> Iterator[Item]:
    if path.suffix.lower() != ".ndjson":
        yield Item(str(path), read_file(path, "the resource"))
        return
    try:
        with path.open("rb") as stream:
            yield from _lines(str(path), stream)
    except OSError as problem:
        raise UsageError(f"{path}: the resources cannot be read: {problem.strerror}") from problem


def _standard_input() -> Iterator[Item]:
    """One resource, or NDJSON where the first line is a whole object and more follows."""
    name, stream = "standard input", sys.stdin.buffer
    first = stream.readline(LINE_LIMIT)
    if not (first.lstrip().startswith(b"{") and first.rstrip().endswith(b"}")):
        yield Item(name, first + stream.read())
        return
    following = _lines(name, stream, start=2)
    second = next(following, None)
    if second is None:
        yield Item(name, first)
        return
    yield Item(f"{name}:1", first)
    yield second
    yield from following


def _lines(name: str, stream: BinaryIO, start: int = 1) -> Iterator[Item]:
    number = start - 1
    while line := stream.readline(LINE_LIMIT):
        number += 1
        whole = line.endswith(b"\n") or len(line) < LINE_LIMIT
        while not whole:
            rest = stream.readline(LINE_LIMIT)
            whole = rest.endswith(b"\n") or len(rest) < LINE_LIMIT
            line = b""
        if not line:
            yield Item(f"{name}:{number}", None)
        elif not line.isspace():
            yield Item(f"{name}:{number}", line)
