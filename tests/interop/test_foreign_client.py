"""A client that others wrote, fhirpy (PyPI), feeds and reads measures through the sandbox, recorded and judged.

It is run as any candidate is, ``fhir-harness run --candidate client.yaml``, with a command in the place of a person.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from harness.cli import main
from harness.engine.journal import read_journal
from harness.engine.results import RunResult
from harness.engine.verdict import Verdict

pytest.importorskip("fhirpy", reason="fhirpy is not installed: pip install 'fhir-harness[interop]'")
pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("fhirpy")]

EXPECTED = {
    # requests, which fhirpy sends with, labels a JSON body as application/json: understood, and not FHIR's own type.
    "mes-client-feed/content-is-labelled": Verdict.WARN,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunResult]:
    place = tmp_path_factory.mktemp("fhirpy")
    client = {
        "kind": "client",
        "software": {"publisher": "beda.software", "product": "fhirpy", "version": "2", "reference": "interop"},
        "command": {
            "run": [sys.executable, "-m", "tests.interop.fhirpy_client", "{action}"],
            "folder": str(Path(__file__).parents[2]),
        },
    }
    (place / "client.yaml").write_text(yaml.safe_dump(client), encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["run", "mes/client", "--candidate", str(place / "client.yaml"), "--out", str(place / "run"), "--quiet"])
    yield RunResult.read(read_journal(place / "run"))


def test_each_verdict_is_the_one_that_was_explained(run: RunResult) -> None:
    found = {f"{test.started.test_set}/{test.started.test}": test for test in run.tests}
    assert {name: test.verdict for name, test in found.items() if test.verdict is not Verdict.PASS} == EXPECTED
    assert len(found) > 40


def test_what_it_sent_is_recorded(run: RunResult) -> None:
    sent = [one.request for test in run.tests for step in test.steps for one in step.exchanges]
    fed = [one for one in sent if one.method == "POST"]
    read = [one for one in sent if one.method == "GET"]
    assert len(fed) > 30
    assert len(read) > 8
    assert all(any(name.lower() == "user-agent" and "python-requests" in value for name, value in one.headers)
               for one in fed)  # fmt: skip
