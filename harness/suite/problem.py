"""What is wrong in a file of ours, with its place: problems are collected, so that one run shows all of a file's."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from harness.errors import TestSetError
from harness.reason import Reason
from harness.suite.model import Location


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: a stable code, where it stands, and what to do about it."""

    code: str
    location: Location
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.message}"

    def within(self, folder: Path) -> "Problem":
        """The same problem of a file named relative to ``folder``, with its path as the working directory has it.

        So terminals and editors find the file.
        """
        path = folder / self.location.file
        with contextlib.suppress(ValueError):
            path = path.resolve().relative_to(Path.cwd().resolve())
        return replace(self, location=replace(self.location, file=path.as_posix()))


class InvalidFile(TestSetError):
    """A YAML or JSON file of ours does not load. ``problems`` holds every fault found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(
            sorted(
                problems, key=lambda problem: (problem.location.file, problem.location.line, problem.location.column)
            )
        )
        super().__init__("\n".join(map(str, self.problems)))


class ExpressionError(TestSetError):
    """A ``${…}`` expression or a path into a resource is malformed, or names something that is not there."""


def nearest(name: str, known: Iterable[str]) -> Reason:
    """Return ``; did you mean "…"?`` with the nearest of ``known``, or an empty string when none is near."""
    close: Sequence[str] = get_close_matches(name, list(known), n=1, cutoff=0.6)
    if not close:
        return Reason("", "")
    return Reason(f'; did you mean "{close[0]}"?', f" ; vouliez-vous dire « {close[0]} » ?")
