"""The test sets, fixtures and requirements a run used: kept beside its journal, and carried in the acceptance file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from harness.engine.events import RunStarted
from harness.errors import AcceptanceError

FOLDER = "sources"


def keep(run_folder: Path, started: RunStarted, testsets: Path, fixtures: Path) -> None:
    """Copy every test set and fixture that ``started`` names into the run's folder.

    Raises AcceptanceError when a file is no longer what the run read.
    """
    for name, (root, relative, digest) in _named(started, testsets, fixtures).items():
        data = _read(root / relative)
        _demand(name, data, digest)
        target = run_folder / FOLDER / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def collect(run_folder: Path, started: RunStarted) -> dict[str, bytes]:
    """Return member name to contents of everything :func:`keep` kept. Raises AcceptanceError when some is missing."""
    root = run_folder / FOLDER
    named = _named(started, root / "testsets", root / "fixtures")
    members = {f"{FOLDER}/{name}": _read(base / relative) for name, (base, relative, _) in named.items()}
    for problem in problems(members, started):
        raise AcceptanceError(f"{run_folder}: {problem}")
    return members


def problems(members: Mapping[str, bytes], started: RunStarted) -> list[str]:
    """Return which test sets and fixtures of the run are missing from ``members``, or are not those that ran."""
    found = []
    for name, (_, _, digest) in _named(started, Path(), Path()).items():
        data = members.get(f"{FOLDER}/{name}")
        if data is None:
            found.append(f"{name}, which the run used, is missing")
        elif hashlib.sha256(data).hexdigest() != digest:
            found.append(f"{name} is not the file that the run used")
    return found


def _named(started: RunStarted, testsets: Path, fixtures: Path) -> dict[str, tuple[Path, str, str]]:
    named: dict[str, tuple[Path, str, str]] = {}
    for source in started.test_sets:
        named[f"testsets/{source.path}"] = (testsets, source.path, source.digest)
        for path, digest in source.fixtures.items():
            named[f"fixtures/{path}"] = (fixtures, path, digest)
    for name in named:
        if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute() or "\\" in name:
            raise AcceptanceError(f"the journal names a file outside of its folder: {name!r}")
    return named


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise AcceptanceError(f"{path}: cannot be read: {problem.strerror}; run the tests again") from problem


def _demand(name: str, data: bytes, digest: str) -> None:
    if hashlib.sha256(data).hexdigest() != digest:
        raise AcceptanceError(f"{name} changed while the run was going on; run the tests again")
