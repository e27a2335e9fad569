"""What several commands share: how to open definitions and test sets, and how to read files."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from harness.errors import UsageError
from harness.fhir.definitions import Definitions
from harness.fhir.lock import add_locked


class Format(StrEnum):
    """How to print an answer."""

    TEXT = "text"
    JSON = "json"


class Language(StrEnum):
    """The language of messages."""

    EN = "en"
    FR = "fr"


def open_definitions(packages: Sequence[str]) -> Definitions:
    """Return the embedded definitions with the packages locked in the working folder and ``packages`` on top.

    Raises PackageError.
    """
    definitions = Definitions.embedded()
    add_locked(definitions, Path())
    for ref in packages:
        definitions.add_package(ref)
    return definitions


def read_file(path: Path, what: str) -> bytes:
    """Return the bytes of a file named on the command line. Raises UsageError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise UsageError(f"{path}: {what} cannot be read: {problem.strerror}") from problem
