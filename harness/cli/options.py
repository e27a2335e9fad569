"""What several commands share: options, and how files that they name are read."""

from enum import StrEnum
from pathlib import Path

from harness.errors import UsageError


class Format(StrEnum):
    """How to print an answer."""

    TEXT = "text"
    JSON = "json"


class Language(StrEnum):
    """The language of messages."""

    EN = "en"
    FR = "fr"


def read_file(path: Path, what: str) -> bytes:
    """Return the bytes of a file named on the command line. Raises UsageError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise UsageError(f"{path}: {what} cannot be read: {problem.strerror}") from problem
