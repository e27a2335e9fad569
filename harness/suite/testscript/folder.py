"""The resources beside a script, by the references of its fixtures."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.suite.source import MAX_BYTES
from harness.suite.testscript.loss import CannotBeSaid

_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})")
_SUFFIXES = (".json", ".xml")
_FILES = 5000
"""Files that are opened for one reference, at most."""
_BYTES = 1024 * 1024 * 1024
"""What is read for all references of a script, at most."""


class Folder:
    """Finds the resource of a reference in the folder of a script: never outside of it, never over a network."""

    def __init__(self, path: Path, read: Callable[[Path], dict[str, Any]]) -> None:
        """``read`` returns the resource of a file, or raises HarnessError."""
        self._path = path
        self._read = read
        self._opened = 0

    def find(self, reference: str) -> dict[str, Any]:
        """Return the resource of ``reference``: the file of this name, or the resource of this type and id.

        ``Patient/pat1`` is ``Patient/pat1.json`` or ``patient-pat1.json`` (or ``.xml``), else any file here that holds
        the Patient with the id pat1; files are opened until it is found, up to a limit. Raises CannotBeSaid.
        """
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\]", reference):
            raise CannotBeSaid("it stands elsewhere, and nothing is fetched; save it beside the script, as Type/id")
        named = _RELATIVE.fullmatch(reference)
        for path, guessed in self._named(reference, named):
            try:
                resource = self._read(path)
            except HarnessError as problem:
                raise CannotBeSaid(f"{path.name} cannot be read: {problem}") from problem
            if not isinstance(resource.get("resourceType"), str):
                raise CannotBeSaid(f"{path.name} holds no resource; a fixture has a resourceType")
            if named is None or not guessed or _is(resource, named[1], named[2]):
                return resource
        if named is not None:
            return self._searched(named[1], named[2])
        raise CannotBeSaid(f"there is no such file in {self._path}; save it there")

    def _named(self, reference: str, named: re.Match[str] | None) -> Iterator[tuple[Path, bool]]:
        """The files that the reference may be the name of, and whether that is a guess."""
        names = [(reference, False)]
        if named is not None:
            names.append((f"{named[1].lower()}-{named[2]}", True))
        for name, guessed in names:
            for suffix in ("", *_SUFFIXES):
                path = self._inside(name + suffix)
                if path is not None:
                    yield path, guessed

    def _inside(self, name: str) -> Path | None:
        """The file of this name, or None when there is none. Raises CannotBeSaid when it leads out of the folder."""
        try:
            path, folder = (self._path / name).resolve(), self._path.resolve()
            inside, there = path.is_relative_to(folder), path.is_file()
        except (OSError, ValueError, RuntimeError):  # a NUL, a name that is too long, links in a circle
            return None
        if not inside:
            raise CannotBeSaid(f"it leads out of the folder of the script; save it in {self._path}, as Type/id")
        return path if there else None

    def _searched(self, kind: str, identifier: str) -> dict[str, Any]:
        """The resource of this type and id in any file here, those named after the type first."""
        try:
            names = sorted(path.name for path in self._path.iterdir() if path.suffix in _SUFFIXES)
        except OSError as problem:
            raise CannotBeSaid(f"{self._path} cannot be listed: {problem.strerror}") from problem
        names.sort(key=lambda name: not name.lower().startswith(kind.lower()))
        for number, name in enumerate(names):
            if number >= _FILES or self._opened > _BYTES:
                raise CannotBeSaid(
                    f"it is not among the first files of {self._path}, which is large; save it as "
                    f"{kind.lower()}-{identifier}.json"
                )
            data = self._content(name)
            self._opened += len(data)
            if kind.encode() not in data or identifier.encode() not in data:
                continue
            try:
                resource = self._read(self._path / name)
            except HarnessError:
                continue  # another file of the folder is none of the script's business
            if _is(resource, kind, identifier):
                return resource
        raise CannotBeSaid(f"no file in {self._path} holds it; save it there as {kind.lower()}-{identifier}.json")

    def _content(self, name: str) -> bytes:
        """The bytes of a file of the folder; nothing for one that leads out of it, or that is too large to be read."""
        try:
            path = self._inside(name)
            if path is None or path.stat().st_size > MAX_BYTES:
                return b""
            return path.read_bytes()
        except (OSError, CannotBeSaid):
            return b""


def _is(resource: dict[str, Any], kind: str, identifier: str) -> bool:
    return (resource.get("resourceType"), resource.get("id")) == (kind, identifier)
