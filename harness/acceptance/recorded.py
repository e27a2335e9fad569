"""A recorded run, from its folder or from an acceptance file: its events, and the test sets and fixtures it used."""

import io
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from harness.acceptance.container import load, unpack
from harness.acceptance.manifest import NAME, sha256
from harness.acceptance.sources import ANSWERS, FOLDER, collect, source_problems
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import verify
from harness.engine import journal
from harness.engine.events import Event
from harness.engine.results import RunResult
from harness.errors import AcceptanceError, TestSetError
from harness.suite.loader import load_testset
from harness.suite.model import TestSet


@dataclass(frozen=True)
class Recorded:
    """One recorded run."""

    path: Path
    digest: str
    """SHA-256, hexadecimal: of the acceptance file, or of a run folder's journal."""
    events: tuple[Event, ...] = field(repr=False)
    run: RunResult = field(repr=False)
    sources: Mapping[str, bytes] = field(repr=False)
    """``sources/testsets/…``, ``sources/fixtures/…`` and, where there is one, ``sources/terminology.json``."""
    verified: bool
    """Whether a trust policy was satisfied; False for a run folder, which nobody signed."""

    @property
    def answers(self) -> bytes | None:
        """What a terminology server said in the run: an answer lock; None where none was asked."""
        return self.sources.get(ANSWERS)

    def test_sets(self, only: Collection[str] | None = None) -> tuple[TestSet, ...]:
        """Return the test sets that the run used (those of these ids), in its order.

        Raises TestSetError when one cannot be read here.
        """
        with tempfile.TemporaryDirectory(prefix="fhir-harness-") as name:
            root = Path(name) / FOLDER
            for member, data in self.sources.items():
                target = Path(name) / member
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            return tuple(
                load_testset(root / "testsets" / source.path, root=root / "testsets", fixtures=root / "fixtures")
                for source in self.run.started.test_sets
                if only is None or source.id in only
            )

    def readable_test_sets(self, only: Collection[str]) -> Mapping[str, TestSet]:
        """Return id to test set as :meth:`test_sets` does; nothing when this version cannot read them."""
        with suppress(TestSetError):
            return {test_set.id: test_set for test_set in self.test_sets(only)}
        return {}


def open_recorded(
    path: Path, policy: TrustPolicy | None, now: datetime, *, unsafe_skip_verification: bool = False
) -> Recorded:
    """Return the run in the folder or the acceptance file ``path``.

    An acceptance file is verified against ``policy`` first, with ``now`` (aware) as the present; a run folder is
    nobody's statement, and needs none. Raises AcceptanceError when the file does not verify or neither a policy nor
    ``unsafe_skip_verification`` is given, JournalError when the journal cannot be read.
    """
    if path.is_dir():
        return _from_folder(path)
    if policy is None and not unsafe_skip_verification:
        raise AcceptanceError(
            f"{path}: an acceptance file is only used once it verifies: name whom you trust (--trust CA.pem), "
            "or say --unsafe-skip-verification"
        )
    if policy is None:
        return recorded_in(path, load(path), verified=False)
    answer = verify(path, policy, now)
    if answer.failure is not None:
        raise AcceptanceError(f"{path}: does not verify: {answer.failure.name}: {answer.failure.message}")
    return recorded_in(path, answer.data, verified=True)


def _from_folder(folder: Path) -> Recorded:
    events = tuple(journal.read_journal(folder))
    run = RunResult.read(events)
    digest = sha256((folder / journal.NAME).read_bytes())
    return Recorded(folder, digest, events, run, collect(folder, run.started), verified=False)


def recorded_in(path: Path, data: bytes, *, verified: bool) -> Recorded:
    """Return the run in the bytes ``data`` of the acceptance file ``path``: those that were verified, not read again.

    Raises AcceptanceError or JournalError when there is none to read.
    """
    members = unpack(data)
    if journal.NAME not in members or NAME not in members:
        raise AcceptanceError(f"{path}: no acceptance file: it holds no {journal.NAME}")
    events = tuple(journal.parse_journal(io.BytesIO(members[journal.NAME]), journal.NAME))
    run = RunResult.read(events)
    kept = {name: content for name, content in members.items() if name.startswith(f"{FOLDER}/")}
    for problem in source_problems({name: sha256(content) for name, content in kept.items()}, run.started):
        raise AcceptanceError(f"{path}: {problem}")
    return Recorded(path, sha256(data), events, run, kept, verified=verified)
