"""A report that is one file, rendered from the whole run when it ends."""

from collections.abc import Callable, Iterator
from pathlib import Path

from harness.engine.events import Event
from harness.engine.results import RunResult
from harness.errors import UsageError


class ReportFile:
    """A writer that collects the events and, on close, writes ``render(run)`` to ``path``.

    A run that was cut off is rendered as far as it went; without any event nothing is written.
    """

    def __init__(self, path: Path, render: Callable[[RunResult], bytes | Iterator[bytes]]) -> None:
        self._path = path
        self._render = render
        self._events: list[Event] = []

    def open(self) -> None:
        """Begin."""
        self._events.clear()

    def write(self, event: Event) -> None:
        """Keep the event."""
        self._events.append(event)

    def close(self) -> None:
        """Write the file. Raises UsageError when it cannot be written."""
        if not self._events:
            return
        write_report(self._path, self._render(RunResult.read(self._events)))


def write_report(path: Path, data: bytes | Iterator[bytes]) -> None:
    """Write a report, whole or in pieces, and the folders above it. Raises UsageError when that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            stream.writelines((data,) if isinstance(data, bytes) else data)
    except OSError as problem:
        raise UsageError(f"{path}: cannot be written: {problem.strerror}; choose another place") from problem
