"""What pytest shows of a test that failed: all of it where there is room, else its first line.

pytest 9 writes what is shown of a failure whole into its short summary wherever ``CI`` is set, exchanges and all,
unless there is a ``reprcrash``; JUnit takes its message from there, too.
"""

from dataclasses import dataclass
from typing import Protocol


class Terminal(Protocol):
    """What pytest writes with."""

    def line(self, text: str) -> None:
        """Write ``text`` and end the line."""


@dataclass(frozen=True)
class Crash:
    """One line on a failure, and the place of the test."""

    message: str
    place: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True)
class Told:
    """What a failed test shows; ``place`` is that of the test: file and line."""

    text: str
    place: str

    @property
    def reprcrash(self) -> Crash:
        """What is shown where there is one line."""
        return Crash(first_line(self.text), self.place)

    def toterminal(self, terminal: Terminal) -> None:
        """Show all of it."""
        terminal.line(self.text)

    def __str__(self) -> str:
        return self.text


def first_line(text: str) -> str:
    """Return the first line of ``text``."""
    return text.partition("\n")[0]
