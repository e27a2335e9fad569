"""The package lock: which official packages a project judges with, and by which digests.

``fhir-packages.lock.json`` in the working folder: ``{"packages": [{"name", "version", "digest", "ref"}]}``. A package
that is no longer what was locked is refused, so that nobody judges with other definitions than he believes.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from harness.errors import PackageError
from harness.fhir.definitions import Definitions
from harness.fhir.packages import PackageInfo, open_package

NAME = "fhir-packages.lock.json"


@dataclass(frozen=True)
class Locked:
    """One package of the lock. ``ref`` is what :func:`open_package` takes; a relative path is relative to the lock."""

    name: str
    version: str
    digest: str
    ref: str


def read_lock(folder: Path) -> list[Locked]:
    """Return the packages locked in ``folder``, none when there is no lock. Raises PackageError for a broken one."""
    path = folder / NAME
    if not path.exists():
        return []
    try:
        return [Locked(**entry) for entry in orjson.loads(path.read_bytes())["packages"]]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as problem:
        raise PackageError(f"{path}: not a package lock ({problem}); delete it and add the packages again") from problem


def add_to_lock(folder: Path, ref: str) -> PackageInfo:
    """Lock the package ``ref``; one of the same name is replaced. Raises PackageError."""
    info = open_package(ref).info
    kept = [entry for entry in read_lock(folder) if entry.name != info.name]
    entry = Locked(info.name, info.version, info.digest, ref)
    entries = sorted([*kept, entry], key=lambda item: item.name)
    data = orjson.dumps({"packages": [asdict(item) for item in entries]}, option=orjson.OPT_INDENT_2)
    path = folder / NAME
    try:
        path.write_bytes(data + b"\n")
    except OSError as problem:
        raise PackageError(f"{path}: cannot be written: {problem.strerror}") from problem
    return info


def open_locked(folder: Path, entry: Locked) -> Path | str:
    """Return the reference of a locked package, once it is what was locked. Raises PackageError otherwise."""
    beside = folder / entry.ref
    ref = beside if beside.exists() else entry.ref
    info = open_package(ref).info
    if (info.name, info.version, info.digest) != (entry.name, entry.version, entry.digest):
        raise PackageError(
            f"{entry.ref}: is {info.name} {info.version} with digest {info.digest[:12]}…, locked was {entry.name} "
            f"{entry.version} with {entry.digest[:12]}…; run 'fhir-harness packages add {entry.ref}' if that is meant"
        )
    return ref


def add_locked(definitions: Definitions, folder: Path) -> None:
    """Add every locked package of ``folder`` to ``definitions``. Raises PackageError."""
    for entry in read_lock(folder):
        definitions.add_package(open_locked(folder, entry))
