"""A run whose last event cannot be recorded ends with that error, and does not wait for ever."""

import pytest

from harness.engine import Candidate, run_sync
from harness.engine.events import RunFinished, SetFinished
from harness.errors import JournalError
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
