"""The one protocol that every writer keeps."""

from collections.abc import Iterable
from typing import Protocol

from harness.engine.events import Event


class Writer(Protocol):
    """Takes the events of one run, in order, and writes something for people or machines.

    The caller calls ``open`` once, ``write`` for each event and ``close`` once, also after a failure, from one thread.
    """

    def open(self) -> None:
        """Get ready. Raises HarnessError when the target cannot be written."""

    def write(self, event: Event) -> None:
        """Take one event."""

    def close(self) -> None:
        """Finish what is to be written."""


def replay(events: Iterable[Event], writer: Writer) -> None:
    """Feed recorded events to a writer."""
    writer.open()
    try:
        for event in events:
            writer.write(event)
    finally:
        writer.close()
