"""Verifying a file with 500 tests costs little more than starting Python."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.acceptance.keys import ANCHOR
from harness.engine.events import Event, RunFinished, RunStarted, StepFinished, TestFinished, TestStarted
from harness.engine.journal import JournalWriter
from harness.report.writer import replay
from tests import runs
from tests.acceptance.conftest import sign

TESTS = 500
SECONDS = 0.5


def _many() -> Iterator[Event]:
    for event in runs.events():
        match event:
            case RunStarted(test_sets=(source,)):
                names = tuple(f"t{number}" for number in range(TESTS))
                yield replace(event, test_sets=(replace(source, tests=names),))
            case TestStarted(test="reads"):
                for number in range(TESTS):
                    yield replace(event, test=f"t{number}")
            case StepFinished(test="reads"):
                for number in range(TESTS):
                    yield replace(event, test=f"t{number}")
                    yield replace(event, test=f"t{number}", index=1)
            case TestFinished(test="reads"):
                for number in range(TESTS):
                    yield replace(event, test=f"t{number}")
            case RunFinished():
                yield replace(event, counts={"pass": TESTS})
            case TestStarted() | StepFinished() | TestFinished():
                pass
            case _:
                yield event


def _cost(*arguments: str) -> float:
    """Seconds of processor time, the least of five: other programs on the machine only add to it."""
    costs = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(costs)


@pytest.mark.skipif(
    os.getloadavg()[0] > (os.cpu_count() or 1), reason="the machine is busier than it has processors: no fair measure"
)
def test_verify_costs_little_more_than_python(keys: Path, tmp_path: Path) -> None:
    replay(_many(), JournalWriter(tmp_path / "run"))
    source = tmp_path / "run" / "sources" / "testsets" / "patient.yaml"
    source.parent.mkdir(parents=True)
    source.write_bytes(runs.TEST_SET)
    file = sign(tmp_path / "run", keys, tmp_path / "file.zip")
    command = "from harness.cli import main; main()"
    verified = _cost("-c", command, "verify", str(file), "--trust", str(keys / ANCHOR))
    assert verified - _cost("-c", "pass") <= SECONDS
