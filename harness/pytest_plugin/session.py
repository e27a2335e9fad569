"""What all items of a process share, from the beginning of a pytest session to its end."""

import contextlib
import io
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.connection import check
from harness.data import fixtures_for
from harness.engine import Candidate
from harness.engine.client_file import ClientFile
from harness.engine.events import RunStarted
from harness.engine.journal import read_journal
from harness.engine.planner import Every, Named, Select, Shard
from harness.engine.results import RunResult
from harness.engine.runner import default_judge
from harness.engine.waivers import Waivers
from harness.errors import UsageError
from harness.fhir import tx
from harness.fhir.definitions import Definitions
from harness.interruption import termination_interrupts
from harness.pytest_plugin.merging import Shelf
from harness.pytest_plugin.options import Settings
from harness.pytest_plugin.recording import Order, Recording
from harness.pytest_plugin.running import Ended, Running
from harness.pytest_plugin.scene import Scene
from harness.pytest_plugin.words import WORDS
from harness.pytest_plugin.work import Place, Source, Work
from harness.report import html
from harness.report.file import write_report
from harness.suite.model import TestSet
from harness.suite.requirements import Requirements, requirements_for

SEED, SHELF = "fhir_seed", "fhir_shelf"
"""What the leading process tells the workers of xdist."""


class Session:
    """The candidate and its runs: one of all items where they are recorded or a client's, else one for each item."""

    def __init__(self, config: pytest.Config) -> None:
        """Read what ``config`` says. Raises HarnessError with what is wrong with it."""
        with contextlib.ExitStack() as opened:
            self._begin(config, opened)
            self._open = opened.pop_all()

    def _begin(self, config: pytest.Config, opened: contextlib.ExitStack) -> None:
        settings = Settings(config)
        told: Mapping[str, Any] = getattr(config, "workerinput", {})
        definitions = Definitions.embedded()
        for package in settings.every("package"):
            definitions.add_package(package)
        found = _terminology(config, settings, definitions)
        terminology = opened.enter_context(found) if found is not None else None
        waivers = settings.file("waivers")
        source = _source(settings)
        resume, before = settings.file("resume"), _before(settings, source)
        self.scene = Scene(
            source,
            settings.language(),
            opened.enter_context(_Terminal()).say,
            definitions,
            default_judge(definitions, terminology),
            _seed(told, settings, before),
            tuple(map(str, ("pytest", *config.invocation_params.args))),
            Waivers.from_file(waivers) if waivers else Waivers.of(before.waivers) if before else None,
            settings.flag("redact-identities"),
            resume,
        )
        opened.enter_context(termination_interrupts())
        self._fixtures = settings.file("fixtures")
        self._sources: dict[Path, Source] = {}
        self.select = _select(settings, before)
        self._recording = _recording(config, settings, self.scene, terminology)
        self._leads = not told
        self._page = settings.file("report-html")
        self.shelf_folder = Path(told.get(SHELF) or opened.enter_context(_scratch()))
        self._shelf = Shelf(self.shelf_folder) if self._page and self._recording is None else None
        self._running: Running | None = None

    @property
    def together(self) -> bool:
        """Whether all items are one run."""
        return self._recording is not None or self.scene.kind == "client"

    def of_all(self, work: Work, place: Place) -> Ended:
        """Return what the test at ``place`` came to in the run of ``work``. Raises HarnessError."""
        if self._running is None:
            if self._recording is not None:
                self._running = self._recording.running(work)
            else:
                writers = [self._shelf.writer_of_all()] if self._shelf else []
                self._running = Running(self.scene, work, writers)
        return self._running.result(place)

    def alone(self, test_set: TestSet, place: Place, requirements: Requirements, position: int) -> Ended:
        """Return what the test at ``place`` came to in a run of its own. Raises HarnessError."""
        writers = [self._shelf.writer(position, place)] if self._shelf else []
        run = self.scene.alone(test_set, place, requirements, writers)
        test = next(one for one in run.tests if (one.started.test_set, one.started.test) == place)
        return Ended(test, run.started)

    def source(self, root: Path) -> Source:
        """Return where the test sets of the folder ``root`` come from. Raises TestSetError."""
        if root not in self._sources:
            fixtures = self._fixtures or fixtures_for(root)
            self._sources[root] = Source(root, fixtures, requirements_for(root))
        return self._sources[root]

    def stop(self) -> None:
        """End the run that goes on, and clean up after it."""
        if self._running is not None:
            self._running.stop()

    def conclude(self) -> list[str]:
        """End what goes on, sign and write what was asked for, and say what came of it. Raises HarnessError."""
        self.stop()
        words = WORDS[self.scene.language]
        told = [self._recording.finish(self._running)] if self._recording is not None else []
        if self._shelf is not None and self._leads and self._page is not None:
            merged = self._shelf.merged()
            if merged is not None:
                write_report(self._page, html.render_bytes(merged))
            told.append(words.report.format(file=self._page) if merged is not None else words.no_report)
        return told

    def close(self) -> None:
        """Take away what was only for the session. Raises HarnessError when the answer lock cannot be written."""
        self._open.close()


class _Terminal:
    """Where a person reads, whatever pytest captures: the error output that the session began with."""

    def __enter__(self) -> "_Terminal":
        try:
            self._stream: io.TextIOBase = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
        except OSError:  # there is none
            self._stream = io.StringIO()
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def say(self, text: str) -> None:
        """Show ``text``."""
        self._stream.write(f"{text}\n")
        self._stream.flush()


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fhir-harness-")


def _terminology(config: pytest.Config, settings: Settings, definitions: Definitions) -> tx.RemoteTerminology | None:
    """Return what is asked for codes that are not known here; the lock is written when the session ends."""
    url, lock = settings.text("tx"), settings.file("tx-lock")
    if url and lock and shares_work(config):
        raise UsageError("--fhir-tx with --fhir-tx-lock does not go with -n: workers cannot write one file")
    return tx.open_terminology(definitions, url=url, lock=lock) if url or lock else None


def _source(settings: Settings) -> Candidate | ClientFile:
    """Return the candidate that is named, or the file of one that is a client. Raises UsageError."""
    base_url, file = settings.text("base-url"), settings.file("candidate")
    if base_url and file and settings.typed("base-url") == settings.typed("candidate"):
        raise UsageError("name the candidate once: --fhir-base-url or --fhir-candidate")
    if file and not settings.typed("base-url"):
        asked = settings.typed if base_url else settings.given  # what the ini file says goes with its own candidate
        if any(map(asked, ("header", "endpoint", "token"))):
            raise UsageError(
                "--fhir-token, --fhir-header and --fhir-endpoint go with --fhir-base-url; a file has its own"
            )
        source = ClientFile.read(file) or Candidate.from_file(file)
        check(source)
        return source
    headers, endpoints = settings.pairs("header", ":"), settings.pairs("endpoint", "=")
    return Candidate.at(base_url or "", token=settings.token(), headers=headers, endpoints=endpoints)


def _before(settings: Settings, source: Candidate | ClientFile) -> RunStarted | None:
    """Return how the run began that is to go on. Raises UsageError when it cannot, JournalError."""
    folder = settings.file("resume")
    if folder is None:
        return None
    if isinstance(source, ClientFile):
        raise UsageError("--fhir-resume is for candidates that are servers; run a client's tests anew")
    if not settings.given("out") and not settings.given("accept"):
        raise UsageError("--fhir-resume records what it goes on with: name a folder with --fhir-out, or --fhir-accept")
    if any(map(settings.given, ("shard", "rerun-failed", "seed"))):
        raise UsageError(
            "--fhir-resume goes on with the tests and the seed of that run; leave out --fhir-shard, "
            "--fhir-rerun-failed and --fhir-seed"
        )
    started = next(read_journal(folder), None)
    if not isinstance(started, RunStarted):
        raise UsageError(f"{folder}: nothing of this run was recorded; run the tests anew")
    return started


def _seed(told: Mapping[str, Any], settings: Settings, before: RunStarted | None) -> int:
    """Return the seed that the leading process told, else that of the options, of the run before, or a new one."""
    known = (told.get(SEED), settings.number("seed"), before.seed if before else None)
    return next((seed for seed in known if seed is not None), secrets.randbits(31))


def _select(settings: Settings, before: RunStarted | None) -> Select:
    """Return what chooses items, besides what pytest chooses by. Raises UsageError, JournalError."""
    selects: list[Select] = []
    if before is not None:
        selects.append(Named(frozenset((one.id, test) for one in before.test_sets for test in one.tests)))
    text = settings.text("shard")
    if text is not None:
        selects.append(Shard.parse(text, "--fhir-shard"))
    again = settings.file("rerun-failed")
    if again is not None:
        selects.append(Named(RunResult.read(read_journal(again)).unproven))
    return Every(selects)


def shares_work(config: pytest.Config) -> bool:
    """Tell whether xdist deals the items out to several processes."""
    return bool(config.getoption("numprocesses", None)) or hasattr(config, "workerinput")


def _recording(
    config: pytest.Config, settings: Settings, scene: Scene, terminology: tx.RemoteTerminology | None
) -> Recording | None:
    """Return what records the session as one run, when that is asked for. Raises UsageError."""
    order = Order(
        out=settings.file("out"),
        accept=settings.file("accept"),
        key=settings.file("key"),
        cert=settings.file("cert"),
        page=settings.file("report-html"),
        reports=tuple(settings.every("report")),
        jobs=1 if (jobs := settings.number("jobs")) is None else jobs,
    )
    if order.out is None and order.accept is None:
        return None
    if shares_work(config):
        raise UsageError(
            "--fhir-out and --fhir-accept do not go with -n: each worker would make a run of its own, and an "
            "acceptance file holds one run; leave -n out"
        )
    if order.accept is not None:
        order.signer()  # a key that cannot be read is told before the tests, not after
    return Recording(order, scene, terminology)
