"""Every server test set against sekmet-fhir, a FHIR R4 server that others wrote, over HTTP.

``sekmet.yaml`` lists each test that does not pass, with its verdict and why, found by looking at the exchange.
"""

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
from tests.interop.servers import sekmet

pytest.importorskip("sekmet", reason="sekmet-fhir is not installed: pip install 'fhir-harness[interop]'")
pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("sekmet")]

EXPECTED: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("sekmet.yaml").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunResult]:
    catalogue = Catalogue.load(folder("testsets"), folder("fixtures"))
    sets = [found for found in catalogue.test_sets if found.candidate == "server"]
    with sekmet(tmp_path_factory.mktemp("sekmet")) as base_url:
        yield run_sync(sets, Candidate.at(base_url), definitions=Definitions.embedded(), seed=1)


def test_no_test_is_an_error(run: RunResult) -> None:
    errors = {f"{t.started.test_set}/{t.started.test}": t.reason for t in run.tests if t.verdict is Verdict.ERROR}
    assert errors == {}


def test_each_verdict_is_the_one_that_was_explained(run: RunResult) -> None:
    found = {f"{test.started.test_set}/{test.started.test}": test for test in run.tests}
    verdicts = {name: test.verdict.value for name, test in found.items() if test.verdict is not Verdict.PASS}
    explained = {name: entry["verdict"] for name, entry in EXPECTED.items()}
    unexplained = {
        name: (verdict, found[name].reason) for name, verdict in verdicts.items() if explained.get(name) != verdict
    }
    assert unexplained == {}
    assert sorted(set(explained) - set(verdicts)) == []


def test_each_expectation_has_a_reason() -> None:
    assert [name for name, entry in EXPECTED.items() if len(entry["reason"]) < 20] == []


def test_the_sets_find_something_to_judge(run: RunResult) -> None:
    verdicts = [test.verdict for test in run.tests]
    assert verdicts.count(Verdict.PASS) > len(verdicts) / 4
