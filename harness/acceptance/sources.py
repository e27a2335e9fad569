"""The test sets, fixtures and terminology answers of a run: kept beside its journal, carried in the acceptance file."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from harness.acceptance.manifest import sha256
from harness.engine.events import Event, RunStarted
from harness.errors import AcceptanceError

FOLDER = "sources"
ANSWERS = f"{FOLDER}/terminology.json"
"""What a terminology server said in the run, where one was asked (an answer lock, ``fhir.tx``)."""


class SourceKeeper:
    """A writer that copies every test set and fixture that a run names into the run's folder, as the run begins."""

    def __init__(self, run_folder: Path, testsets: Path, fixtures: Path) -> None:
        self._folder = run_folder / FOLDER
        self._testsets, self._fixtures = testsets, fixtures

    def open(self) -> None:
        """Nothing to get ready."""

    def write(self, event: Event) -> None:
        """Copy, when the run begins. Raises AcceptanceError when a file is no longer what was loaded."""
        if not isinstance(event, RunStarted):
            return
        for name, (root, relative, digest) in _named(event, self._testsets, self._fixtures).items():
            data = _read(root / relative)
            if sha256(data) != digest:
                raise AcceptanceError(f"{name} changed after it was loaded; run the tests again")
            target = self._folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def close(self) -> None:
        """Nothing to finish."""


def collect(run_folder: Path, started: RunStarted) -> dict[str, bytes]:
    """Return name to contents of all that :class:`SourceKeeper` kept. Raises AcceptanceError when some is missing."""
    root = run_folder / FOLDER
    named = _named(started, root / "testsets", root / "fixtures")
    members = {f"{FOLDER}/{name}": _read(base / relative) for name, (base, relative, _) in named.items()}
    for problem in source_problems({name: sha256(data) for name, data in members.items()}, started):
        raise AcceptanceError(f"{run_folder}: {problem}")
    if (run_folder / ANSWERS).exists():
        members[ANSWERS] = _read(run_folder / ANSWERS)
    return members


def keep_answers(run_folder: Path, answers: bytes) -> None:
    """Write an answer lock into the run's folder: it judges it again, without the server. Raises AcceptanceError."""
    target = run_folder / ANSWERS
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(answers)
    except OSError as problem:
        raise AcceptanceError(f"{target}: cannot be written: {problem.strerror}; choose another --out") from problem


def source_problems(digests: Mapping[str, str], started: RunStarted) -> list[str]:
    """Return which test sets and fixtures of the run are missing, or are not those that ran.

    ``digests`` are the SHA-256 of an acceptance file's members by name.
    """
    found = []
    for name, (_, _, digest) in _named(started, Path(), Path()).items():
        found_digest = digests.get(f"{FOLDER}/{name}")
        if found_digest is None:
            found.append(f"{name}, which the run used, is missing")
        elif found_digest != digest:
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
