"""The test sets that came with this installation, told by the bytes of their files: no YAML is parsed for it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from harness import data
from harness.acceptance.manifest import sha256
from harness.engine.events import TestSetSource

_NAMED = re.compile(rb"""^(testset|version):[ \t]*["']?([\w.+-]+)["']?[ \t]*(?:#.*)?\r?$""", re.MULTILINE)
_HEAD = 4096
"""Bytes from the beginning of a file within which the catalogue's sets are named."""


class Standing(StrEnum):
    """What a test set that was run is to the catalogue here."""

    SAME = "same"
    ALTERED = "altered"
    """The catalogue has a set of this id and version, with other contents."""
    OTHER_VERSION = "other version"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Installed:
    """The files of a catalogue."""

    testsets: Path
    fixtures: Path

    @classmethod
    def here(cls) -> "Installed":
        """Return the catalogue that came with this installation."""
        return cls(data.folder("testsets"), data.folder("fixtures"))

    def standing(self, source: TestSetSource) -> Standing:
        """Return what ``source`` is here. Its fixtures count as much as its file."""
        versions = self._files.get(source.id, {})
        if not versions:
            return Standing.UNKNOWN
        path = versions.get(source.version)
        if path is None:
            return Standing.OTHER_VERSION
        same = sha256(path.read_bytes()) == source.digest and all(
            self._fixture(name) == digest for name, digest in source.fixtures.items()
        )
        return Standing.SAME if same else Standing.ALTERED

    @cached_property
    def _files(self) -> Mapping[str, Mapping[str, Path]]:
        """Id to version to file."""
        found: dict[str, dict[str, Path]] = {}
        for path in sorted(self.testsets.rglob("*.y*ml")):
            with path.open("rb") as stream:
                named = dict(reversed(_NAMED.findall(stream.read(_HEAD))))  # the first of each counts
            if named.keys() == {b"testset", b"version"}:
                found.setdefault(named[b"testset"].decode(), {})[named[b"version"].decode()] = path
        return found

    def _fixture(self, name: str) -> str:
        path = self.fixtures / name
        return sha256(path.read_bytes()) if path.is_file() else ""


def altered(sources: Sequence[TestSetSource], installed: Installed) -> tuple[str, ...]:
    """Return ``id version`` of each test set that is not this catalogue's, though it has the same id and version."""
    return tuple(f"{one.id} {one.version}" for one in sources if installed.standing(one) is Standing.ALTERED)


def remarks(sources: Sequence[TestSetSource], installed: Installed) -> tuple[str, ...]:
    """Return a line for each test set that is not this catalogue's."""
    said = {
        Standing.ALTERED: "altered: not the {} of this catalogue",
        Standing.OTHER_VERSION: "{}: this catalogue has another version",
        Standing.UNKNOWN: "{}: not in this catalogue",
    }
    standings = ((one, installed.standing(one)) for one in sources)
    return tuple(
        said[standing].format(f"{one.id} {one.version}") for one, standing in standings if standing is not Standing.SAME
    )
