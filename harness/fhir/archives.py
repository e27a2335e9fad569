"""Reading a .tgz that others made, without believing it: no path leaves, no links, and limits on size and number."""

import gzip
import io
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from harness.errors import PackageError


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold at most: bytes of one file, bytes of all (unpacked), number of members."""

    file: int = 64 * 1024 * 1024
    total: int = 512 * 1024 * 1024
    count: int = 50_000


DEFAULT_LIMITS = Limits()


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than ``limit`` bytes, whatever the headers inside it promise."""

    def __init__(self, stream: IO[bytes], limit: int, name: Path) -> None:
        super().__init__()
        self._stream, self._left, self._limit, self._name = stream, limit, limit, name

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        data = self._stream.read(wanted)
        self._left -= len(data)
        if self._left < 0:
            raise PackageError(f"{self._name}: unpacks to more than {self._limit} bytes; refused.")
        return data


def _members(path: Path, limits: Limits) -> Iterator[tuple[str, bytes]]:
    """Yield (checked relative name, content) of every file of the archive; raises PackageError."""
    overhead = 2048 * (limits.count + 16)
    try:
        with gzip.open(path, "rb") as stream:
            bounded = _Bounded(stream, limits.total + overhead, path)  # type: ignore[arg-type]
            with tarfile.open(fileobj=bounded, mode="r|") as archive:
                for number, member in enumerate(archive, 1):
                    if number > limits.count:
                        raise PackageError(f"{path}: holds more than {limits.count} members; refused.")
                    if member.isdir():
                        continue
                    name = _checked(path, member, limits)
                    content = archive.extractfile(member)
                    yield name, content.read() if content else b""
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise PackageError(f"{path}: not a readable .tgz ({error}).") from error


def _checked(path: Path, member: tarfile.TarInfo, limits: Limits) -> str:
    name = member.name
    if not member.isreg() or member.issparse():
        raise PackageError(f"{path}: {name!r} is a link, a device or a sparse file; refused.")
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or ":" in parts[0]:
        raise PackageError(f"{path}: {name!r} would leave the package's folder; refused.")
    if member.size > limits.file:
        raise PackageError(f"{path}: {name!r} has {member.size} bytes, more than {limits.file}; refused.")
    return PurePosixPath(*parts).as_posix()


def read_archive(path: Path, limits: Limits = DEFAULT_LIMITS) -> dict[str, bytes]:
    """Return name -> content of the files in the .tgz ``path``, in memory.

    Raises PackageError for a member that would leave the folder, a link or device, a name that comes twice, or more
    than ``limits``.
    """
    found: dict[str, bytes] = {}
    total = 0
    for name, content in _members(path, limits):
        if name in found:
            raise PackageError(f"{path}: {name!r} is in it twice; refused.")
        total += len(content)
        if total > limits.total:
            raise PackageError(f"{path}: unpacks to more than {limits.total} bytes; refused.")
        found[name] = content
    return found


def extract(path: Path, target: Path, limits: Limits = DEFAULT_LIMITS) -> None:
    """Unpack the .tgz ``path`` into the new folder ``target``, all or nothing. Raises PackageError."""
    if target.exists():
        raise PackageError(f"{target}: is there already; remove it first.")
    members = read_archive(path, limits)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for name, content in members.items():
            file = staging / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        staging.rename(target)
    except OSError as error:
        raise PackageError(f"{target}: cannot be written ({error.strerror}).") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
