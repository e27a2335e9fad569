"""A signed file of many tests, to see what checking it costs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.acceptance.keys import ANCHOR, new_keys
from harness.engine.events import Event, RunFinished, RunStarted, SetFinished, StepFinished, TestFinished, TestStarted
from harness.engine.journal import JournalWriter
from harness.engine.verdict import Verdict
from harness.report.writer import replay
from tests import runs
from tests.acceptance.conftest import sign


def accepted(folder: Path, tests: int) -> tuple[Path, Path]:
    """Write a signed file of so many tests, each of two steps, into ``folder``; return it and its trust anchor."""
    keys, run = folder / "keys", folder / f"run{tests}"
    if not keys.exists():
        new_keys(keys, "Éditeur de test")
    replay(_events(tests), JournalWriter(run))
    source = run / "sources" / "testsets" / "patient.yaml"
    source.parent.mkdir(parents=True)
    source.write_bytes(runs.TEST_SET)
    return sign(run, keys, folder / f"{tests}.zip"), keys / ANCHOR


def _events(tests: int) -> Iterator[Event]:
    names = tuple(f"t{number}" for number in range(tests))
    for event in runs.events():
        match event:
            case RunStarted(test_sets=(source,)):
                yield replace(event, test_sets=(replace(source, tests=names),))
            case TestStarted(test="reads") | TestFinished(test="reads"):
                yield from (replace(event, test=name) for name in names)
            case StepFinished(test="reads"):
                yield from (replace(event, test=name, index=index) for name in names for index in (0, 1))
            case RunFinished():
                yield replace(event, verdict=Verdict.PASS, counts={"pass": tests})
            case SetFinished():
                yield replace(event, verdict=Verdict.PASS)
            case TestStarted() | StepFinished() | TestFinished():
                pass
            case _:
                yield event
