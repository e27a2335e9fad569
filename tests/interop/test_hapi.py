"""Every server test set against HAPI FHIR's JPA server, which ``tests/interop/hapi/start.sh`` builds and serves.

``hapi/hapi.yaml`` lists each test that neither passes nor skips, with its verdict and why, found by looking at the
exchange. Only where ``HAPI_BASE_URL`` tells the address of such a server.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from harness import Definitions
from harness.data import folder
from harness.engine import Candidate, run_sync
from harness.engine.results import RunResult
from harness.engine.verdict import Verdict
from harness.suite.catalogue import Catalogue

_ADDRESS = os.environ.get("HAPI_BASE_URL", "")
pytestmark = [
    pytest.mark.interop,
    pytest.mark.xdist_group("hapi"),
    pytest.mark.timeout(1800),
]

EXPECTED: dict[str, dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent / "hapi" / "hapi.yaml").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module", params=[1, 8], ids=["one at a time", "eight at a time"])
def run(request: pytest.FixtureRequest) -> Iterator[RunResult]:
    if not _ADDRESS:
        pytest.skip("HAPI_BASE_URL is not set: start tests/interop/hapi/start.sh first")
    catalogue = Catalogue.load(folder("testsets"), folder("fixtures"))
    sets = [found for found in catalogue.test_sets if found.candidate == "server"]
    yield run_sync(sets, Candidate.at(_ADDRESS), definitions=Definitions.embedded(), seed=1, jobs=request.param)


def test_each_verdict_is_the_one_that_was_explained(run: RunResult) -> None:
    found = {f"{test.started.test_set}/{test.started.test}": test for test in run.tests}
    verdicts = {
        name: test.verdict.value for name, test in found.items() if test.verdict not in (Verdict.PASS, Verdict.SKIP)
    }
    explained = {name: entry["verdict"] for name, entry in EXPECTED.items()}
    unexplained = {
        name: (verdict, found[name].reason) for name, verdict in verdicts.items() if explained.get(name) != verdict
    }
    assert unexplained == {}
    assert sorted(set(explained) - set(verdicts)) == []


def test_most_of_what_is_declared_passes(run: RunResult) -> None:
    verdicts = [test.verdict for test in run.tests]
    assert verdicts.count(Verdict.PASS) > len(verdicts) / 2


def test_each_expectation_is_explained() -> None:
    assert Verdict.ERROR.value not in {entry["verdict"] for entry in EXPECTED.values()}
    assert [name for name, entry in EXPECTED.items() if len(entry["reason"]) < 20] == []
