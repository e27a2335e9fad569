"""A run whose last event cannot be recorded ends with that error, and does not wait for ever."""

import errno
import shutil

import pytest

from harness.engine import Candidate, run_sync
from harness.engine.events import RunFinished, SetFinished, TestFinished
from harness.engine.journal import NAME, JournalWriter
from harness.errors import JournalError, RecordError, UsageError
from harness.fhir.definitions import Definitions
from harness.suite.catalogue import Catalogue

SET = """
testset: mini
version: 1.0.0
title: {en: Mini, fr: Mini}
candidate: server
tests:
  - id: read
    title: {en: Nobody is not there, fr: Personne n'est pas là}
    steps:
      - read: Patient/nobody
        expect: {status: 404}
"""


class Full:
    """A writer that fails on one kind of event."""

    def __init__(self, kind):
        self._kind = kind

    def open(self):
        """Nothing to do."""

    def write(self, event):
        if isinstance(event, self._kind):
            raise JournalError("no space left")

    def close(self):
        """Nothing to do."""


@pytest.mark.parametrize("kind", [SetFinished, RunFinished])
@pytest.mark.timeout(30)
def test_a_writer_that_fails_at_the_end_ends_the_run(kind, sandbox, tmp_path):
    (tmp_path / "mini.yaml").write_text(SET, encoding="utf-8")
    sets = Catalogue.load(tmp_path, tmp_path).test_sets
    with pytest.raises(JournalError, match="no space left"):
        run_sync(sets, Candidate.at(sandbox), definitions=Definitions.embedded(), writers=[Full(kind)])


class Watcher:
    """A writer that does something at the end of a test, and knows how it was ended itself."""

    def __init__(self, act):
        self._act = act
        self.closed = 0

    def open(self):
        """Nothing to do."""

    def write(self, event):
        if isinstance(event, TestFinished):
            self._act()

    def close(self):
        self.closed += 1


@pytest.fixture
def sets(tmp_path):
    (tmp_path / "mini.yaml").write_text(SET, encoding="utf-8")
    return Catalogue.load(tmp_path, tmp_path).test_sets


def test_a_full_disk_is_told_with_the_journal_and_how_to_go_on(sets, sandbox, tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")

    class Disk:
        """A file on a disk that is full after the first event; the rest is tried again when it is closed."""

        lines = 0

        def writelines(self, lines):
            self.lines += len(list(lines))

        def flush(self):
            if self.lines > 1:
                raise full

        def close(self):
            raise full

    opened = JournalWriter.open

    def open_it(journal):
        opened(journal)
        journal.close()
        journal._file = Disk()

    monkeypatch.setattr(JournalWriter, "open", open_it)
    journal, others = JournalWriter(tmp_path / "run"), Watcher(lambda: None)
    with pytest.raises(RecordError, match=rf"{NAME}: cannot be written any more: No space left.*--resume .*run"):
        run_sync(sets, Candidate.at(sandbox), definitions=Definitions.embedded(), writers=[journal, others])
    assert others.closed == 1


def test_a_folder_that_is_removed_meanwhile_is_told_when_the_run_ends(sets, sandbox, tmp_path):
    folder = tmp_path / "run"
    others = Watcher(lambda: shutil.rmtree(folder))
    with pytest.raises(RecordError, match="was removed while the run went on"):
        run_sync(
            sets, Candidate.at(sandbox), definitions=Definitions.embedded(), writers=[JournalWriter(folder), others]
        )
    assert others.closed == 1


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_no_journal_holds_is_refused(sets, seed):
    with pytest.raises(UsageError, match=f"the seed {seed} is not one"):
        run_sync(sets, Candidate.at("http://127.0.0.1:1/fhir"), definitions=Definitions.embedded(), seed=seed)
