"""Every test set that comes with the harness: the record of a run gives the same results again, without a network."""

import pytest

from harness.data import folder
from harness.engine import Candidate, Replay, run_sync
from harness.engine.journal import JournalWriter, read_journal
from harness.sandbox.server import SandboxServer
from harness.suite.catalogue import Catalogue


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue.load(folder("testsets"), folder("fixtures"))


def test_same_exchanges_same_results(catalogue, definitions, tmp_path):
    sets = [found for found in catalogue.test_sets if found.candidate == "server"]
    with SandboxServer() as sandbox:
        candidate = Candidate.at(sandbox.base_url, "canary-token-1")
        writer = JournalWriter(tmp_path / "run")
        first = run_sync(sets, candidate, definitions=definitions, jobs=4, writers=[writer])
    events = list(read_journal(tmp_path / "run"))
    started = events[0]
    again = run_sync(
        sets, Candidate.of(started.candidate), definitions=definitions, transport=Replay(events), seed=started.seed
    )
    assert len(first.tests) > 20
    for one, other in zip(first.tests, again.tests, strict=True):
        assert (one.started.test, one.verdict, one.findings) == (other.started.test, other.verdict, other.findings)
        assert one.steps == other.steps
    assert "canary-token-1" not in (tmp_path / "run" / "journal.ndjson").read_text("utf-8")
