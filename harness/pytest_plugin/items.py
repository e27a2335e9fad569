"""Test sets as pytest files, their tests as items.

An item runs its test with the set-up, the control and the dependencies that it needs, so that it means the same alone,
under ``-k``, and on any worker of xdist. The candidate's failure fails the item; a fault of the harness, of the test
set or of the network, and whatever could not be judged, is an error of its set-up.
"""

import contextlib
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.data import fixtures_for
from harness.engine import Candidate, run_sync
from harness.engine.planner import Case, Named, Shard, cases
from harness.engine.results import RunResult, TestResult
from harness.engine.runner import default_judge
from harness.engine.verdict import Verdict
from harness.engine.waivers import Waivers
from harness.errors import HarnessError, UsageError
from harness.fhir import tx
from harness.fhir.definitions import Definitions
from harness.pytest_plugin.merging import Shelf
from harness.pytest_plugin.options import Settings
from harness.pytest_plugin.recording import Order, Recording, Work
from harness.report import html
from harness.report.file import write_report
from harness.report.text import describe
from harness.suite.loader import load_testset
from harness.suite.model import TestSet
from harness.suite.problem import InvalidFile
from harness.suite.requirements import FOLDER, requirements_for


class Failed(HarnessError):
    """The candidate broke what the test demands."""


class _Session:
    """What all items of a process share: the candidate, the definitions, and the compiled profiles."""

    def __init__(self, config: pytest.Config) -> None:
        self.settings = settings = Settings(config)
        self.candidate = _candidate(settings)
        self.definitions = Definitions.embedded()
        for package in settings.every("package"):
            self.definitions.add_package(package)
        self._open = contextlib.ExitStack()
        self.judge = default_judge(self.definitions, self._terminology(config))
        told: Mapping[str, Any] = getattr(config, "workerinput", {})
        self.seed: int = told.get(_SEED) or settings.number("seed") or secrets.randbelow(2**31 - 1) + 1
        self.fixtures = settings.file("fixtures")
        self.shard = _shard(settings.text("shard"))
        file = settings.file("waivers")
        self.waivers = Waivers.from_file(file) if file else None
        self.recording = _recording(config, self)
        self.page = settings.file("report-html")
        self._scratch = (
            tempfile.TemporaryDirectory(prefix="fhir-harness-") if self.page and _SHELF not in told else None
        )
        self.shelf_folder = Path(told.get(_SHELF) or (self._scratch.name if self._scratch else ""))
        self.shelf = Shelf(self.shelf_folder) if self.page and self.recording is None else None
        self.leads = not told

    def _terminology(self, config: pytest.Config) -> tx.RemoteTerminology | None:
        """Return what is asked for codes that are not known here; the lock is written when the session ends."""
        url, lock = self.settings.text("tx"), self.settings.file("tx-lock")
        if url and lock and _shares_work(config):
            raise UsageError("--fhir-tx with --fhir-tx-lock does not go with -n: workers cannot write one file")
        found = tx.open_terminology(self.definitions, url=url, lock=lock) if url or lock else None
        return None if found is None else self._open.enter_context(found)

    def conclude(self) -> str:
        """End the recorded run, write the report of the session, and say what came of both. Raises HarnessError."""
        told = [self.recording.finish()] if self.recording is not None else []
        self._open.close()
        if self.shelf is not None and self.leads and self.page is not None:
            merged = self.shelf.merged()
            if merged is not None:
                write_report(self.page, html.render_bytes(merged))
            told.append(f"report: {self.page}" if merged is not None else "no test ran: no report")
        return "; ".join(told)

    def close(self) -> None:
        """Take away what was only for the session."""
        self._open.close()
        if self._scratch is not None:
            self._scratch.cleanup()


_SEED, _SHELF = "fhir_seed", "fhir_shelf"
"""What the leading process tells the workers of xdist."""


def _candidate(settings: Settings) -> Candidate:
    base_url, file = settings.text("base-url"), settings.file("candidate")
    if base_url and file:
        raise UsageError("name the candidate once: --fhir-base-url or --fhir-candidate")
    if file and (settings.given("header") or settings.given("endpoint") or settings.given("token")):
        raise UsageError("--fhir-token, --fhir-header and --fhir-endpoint go with --fhir-base-url; a file has its own")
    if file:
        candidate = Candidate.from_file(file)
    else:
        headers, endpoints = settings.pairs("header", ":"), settings.pairs("endpoint", "=")
        candidate = Candidate.at(base_url or "", token=settings.token(), headers=headers, endpoints=endpoints)
    return candidate.with_hidden_identities() if settings.flag("redact-identities") else candidate


def _shard(text: str | None) -> Shard | None:
    if text is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", text)
    if found is None or int(found[1]) > int(found[2]):
        raise UsageError(f'--fhir-shard needs K/N with K from 1 to N, such as 1/4, not "{text}"')
    return Shard(int(found[1]), int(found[2]))


def _shares_work(config: pytest.Config) -> bool:
    """Tell whether xdist deals the items out to several processes."""
    return bool(config.getoption("numprocesses", None)) or hasattr(config, "workerinput")


def _recording(config: pytest.Config, session: _Session) -> Recording | None:
    """Return what records the session as one run, when that is asked for. Raises UsageError."""
    settings = session.settings
    order = Order(
        out=settings.file("out"),
        accept=settings.file("accept"),
        key=settings.file("key"),
        cert=settings.file("cert"),
        page=settings.file("report-html"),
        reports=tuple(settings.every("report")),
        jobs=settings.number("jobs") or 1,
    )
    if order.out is None and order.accept is None:
        return None
    if _shares_work(config):
        raise UsageError(
            "--fhir-out and --fhir-accept do not go with -n: each worker would make a run of its own, and an "
            "acceptance file holds one run; leave -n out"
        )
    if order.accept is not None:
        order.signer()  # a key that cannot be read is told before the tests, not after
    command = ("pytest", *config.invocation_params.args)
    return Recording(
        order,
        session.candidate,
        session.definitions,
        session.judge,
        seed=session.seed,
        waivers=session.waivers,
        command=tuple(map(str, command)),
    )


_SESSION = pytest.StashKey[_Session]()
_WORK = pytest.StashKey[Work]()
_CONCLUSION = pytest.StashKey[str]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Read the candidate. Raises pytest.UsageError with what is wrong with it."""
    try:
        session.config.stash[_SESSION] = _Session(session.config)
    except HarnessError as problem:
        raise pytest.UsageError(str(problem)) from problem


def pytest_report_header(config: pytest.Config) -> str:
    """Tell the candidate's address and the seed, with which the same values are drawn again."""
    state = config.stash.get(_SESSION, None)
    return "" if state is None else f"fhir-harness: {state.candidate.base_url}, --fhir-seed {state.seed}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a worker of xdist the session's seed, and the folder where all record."""
    state = node.config.stash[_SESSION]
    node.workerinput[_SEED], node.workerinput[_SHELF] = state.seed, str(state.shelf_folder)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to the other shards what is theirs; number what is left."""
    shard = config.stash[_SESSION].shard
    left = [item for item in items if isinstance(item, TestSetItem) and shard is not None and not item.within(shard)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    for position, item in enumerate(items):
        if isinstance(item, TestSetItem):
            item.position = position


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the recorded run, sign it, write the report. When that fails, the session does, too."""
    state = session.config.stash.get(_SESSION, None)
    if state is None:
        return
    try:
        session.config.stash[_CONCLUSION] = state.conclude()
    except HarnessError as problem:
        session.config.stash[_CONCLUSION] = str(problem)
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    finally:
        state.close()


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    """Say what became of the recorded run."""
    conclusion = config.stash.get(_CONCLUSION, None)
    if conclusion:
        terminalreporter.write_sep("-", "fhir-harness")
        terminalreporter.write_line(conclusion)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect ``*.yaml`` files that are test sets: those whose text begins a line with ``testset:``."""
    if file_path.suffix not in (".yaml", ".yml") or not _is_testset(file_path):
        return None
    collected: TestSetFile = TestSetFile.from_parent(parent, path=file_path)
    return collected


def _is_testset(path: Path) -> bool:
    try:
        return any(line.startswith(b"testset:") for line in path.read_bytes().splitlines())
    except OSError:
        return False


def _root(path: Path) -> Path:
    """The folder that the set's paths are relative to: the nearest one above with requirements, else its own."""
    return next((folder for folder in path.parents if (folder / FOLDER).is_dir()), path.parent)


class TestSetFile(pytest.File):
    """One test set."""

    __test__ = False

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each test, and for each row of a table."""
        root = _root(self.path)
        fixtures = self.config.stash[_SESSION].fixtures or fixtures_for(root)
        try:
            test_set = load_testset(self.path, root=root, fixtures=fixtures)
        except InvalidFile as invalid:
            raise InvalidFile(problem.within(root) for problem in invalid.problems) from None
        problems = [p.within(root) for test in test_set.tests for p in requirements_for(root).unknown(test)]
        if problems:
            raise InvalidFile(problems)
        if test_set.candidate != "server":
            return
        for case in cases(test_set):
            item = TestSetItem.from_parent(self, name=case.id, test_set=test_set, case=case, roots=(root, fixtures))
            for tag in (*test_set.tags, *case.test.tags):
                self.config.addinivalue_line("markers", f"{tag}: a tag of test sets")
                item.add_marker(tag)
            yield item

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        """Show the faults of a test set without a traceback."""
        return str(excinfo.value) if isinstance(excinfo.value, HarnessError) else super().repr_failure(excinfo)


class TestSetItem(pytest.Item):
    """One test."""

    __test__ = False

    def __init__(self, *, test_set: TestSet, case: Case, roots: tuple[Path, Path], **keywords: Any) -> None:
        super().__init__(**keywords)
        self._test_set, self._case, self._roots = test_set, case, roots
        self._result: TestResult | None = None
        self.position = 0
        """Place in the session, from 0."""

    def within(self, shard: Shard) -> bool:
        """Tell whether this test is in a part of the whole."""
        return shard(self._test_set, self._case)

    def setup(self) -> None:
        """Run the test: an error, without a traceback, when that proves nothing; skips when it does not apply."""
        session = self.config.stash[_SESSION]
        try:
            result = self._recorded(session.recording) if session.recording else self._alone(session)
        except HarnessError as problem:
            pytest.fail(str(problem), pytrace=False)
        self._result = result
        self.user_properties += [("verdict", result.verdict.value)]
        self.user_properties += [("requirement", requirement) for requirement in result.started.verifies]
        if result.verdict in (Verdict.ERROR, Verdict.UNDECIDED):
            pytest.fail(describe(result), pytrace=False)
        if result.verdict is Verdict.SKIP:
            pytest.skip(result.reason)

    def _alone(self, session: _Session) -> TestResult:
        place = (self._test_set.id, self._case.id)
        run = run_sync(
            [self._test_set],
            session.candidate,
            definitions=session.definitions,
            select=Named(frozenset({place})),
            seed=session.seed,
            judge=session.judge,
            waivers=session.waivers,
            writers=[session.shelf.writer(self.position, place)] if session.shelf else (),
        )
        return _of(run, *place)

    def _recorded(self, recording: Recording) -> TestResult:
        return recording.result(_work(self.session), (self._test_set.id, self._case.id))

    def join(self, work: Work) -> None:
        """Add this test to the work of a recorded run. Raises UsageError."""
        work.add(self._test_set, self._case, *self._roots)

    def runtest(self) -> None:
        """Fail when the candidate failed; a warning is reported and passes."""
        assert self._result is not None
        if self._result.verdict is Verdict.FAIL:
            raise Failed(describe(self._result))
        if self._result.verdict is Verdict.WARN:
            self.add_report_section("call", "fhir", describe(self._result))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what was sent, what came back and what was expected, without a traceback."""
        if isinstance(excinfo.value, HarnessError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Say where the test stands in its file."""
        return self.path, self._case.test.location.line - 1, f"{self._test_set.id}/{self._case.id}"


def _work(session: pytest.Session) -> Work:
    """Return what the whole session is to run: its items, once pytest has deselected others."""
    stash = session.config.stash
    if _WORK not in stash:
        work = Work()
        for item in session.items:
            if isinstance(item, TestSetItem):
                item.join(work)
        stash[_WORK] = work
    return stash[_WORK]


def _of(run: RunResult, test_set: str, case: str) -> TestResult:
    return next(t for t in run.tests if (t.started.test_set, t.started.test) == (test_set, case))
