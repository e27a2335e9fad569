"""Test sets as pytest files, their tests as items.

An item runs its test with the set-up, the control and the dependencies that it needs, so that it means the same alone,
under ``-k``, and on any worker of xdist. The candidate's failure fails the item; a fault of the harness, of the test
set or of the network, and whatever could not be judged, is an error of its set-up.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engine.planner import Case, Select, cases
from harness.engine.verdict import Verdict
from harness.errors import HarnessError
from harness.pytest_plugin.running import Ended
from harness.pytest_plugin.session import SEED, SHELF, Session
from harness.pytest_plugin.telling import Told, first_line
from harness.pytest_plugin.words import WORDS, said
from harness.pytest_plugin.work import SUFFIXES, Source, Work
from harness.report.inert import one_line
from harness.report.text import describe
from harness.report.words import reason
from harness.suite.loader import load_testset
from harness.suite.model import TestSet
from harness.suite.problem import InvalidFile
from harness.suite.requirements import FOLDER


class Failed(HarnessError, AssertionError):
    """The candidate broke what the test demands: a failure, also for plugins that tell failures by their type."""


class Unproven(HarnessError):
    """The test could not be run or judged: an error, which is no failure of the candidate."""


_SESSION = pytest.StashKey[Session]()
_WORK = pytest.StashKey[Work]()
_CONCLUSION = pytest.StashKey[list[str]]()
_AFTERMATH = "fhir_aftermath"
"""What a worker of xdist tells the leading process."""
_WORKERS = "harness.pytest_plugin.workers"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Read the candidate. Raises pytest.UsageError with what is wrong with it."""
    config = session.config
    try:
        config.stash[_SESSION] = Session(config)
    except HarnessError as problem:
        raise pytest.UsageError(said(problem, "en")) from problem
    dealt = config.getoption("dist", "no")
    if config.stash[_SESSION].scene.kind == "client" and dealt != "no":
        if dealt == "each":
            raise pytest.UsageError(
                "--dist each would have the client do everything once for each worker; leave it out"
            )
        config.pluginmanager.import_plugin(_WORKERS)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Tell the candidate and the seed, with which the same values are drawn again, and how a client is dealt out."""
    state = config.stash.get(_SESSION, None)
    if state is None:
        return []
    words = WORDS[state.scene.language]
    alone = [words.one_worker] if config.pluginmanager.hasplugin(_WORKERS) else []
    return [words.header.format(candidate=state.scene.told, seed=state.scene.seed), *alone]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a worker of xdist the session's seed, and the folder where all record."""
    state = node.config.stash[_SESSION]
    node.workerinput[SEED], node.workerinput[SHELF] = state.scene.seed, str(state.shelf_folder)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the options of the plugin do not choose; number what is left."""
    select = config.stash[_SESSION].select
    left = [item for item in items if isinstance(item, TestSetItem) and not item.chosen(select)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    for position, item in enumerate(items):
        if isinstance(item, TestSetItem):
            item.position = position


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of xdist has to tell; one that broke down tells nothing."""
    told = getattr(node, "workeroutput", {}).get(_AFTERMATH)
    if told is not None:
        node.config.stash[_SESSION].scene.aftermath.hear(told)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the recorded run, sign it, write the report. When that fails, the session does, too."""
    config = session.config
    state = config.stash.get(_SESSION, None)
    if state is None:
        return
    lines: list[str] = []
    try:
        try:
            if not config.getoption("collectonly"):
                lines += state.conclude()
        finally:
            state.close()
    except HarnessError as problem:
        lines.append(said(problem, state.scene.language))
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if hasattr(config, "workeroutput"):
        config.workeroutput[_AFTERMATH] = state.scene.aftermath.told
    config.stash[_CONCLUSION] = [*state.scene.aftermath.lines(state.scene.language), *lines]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show an error of a set-up as failures are shown; have a skip tell the place of the test, not of this plugin."""
    report = yield
    if isinstance(item, TestSetItem):
        if call.when == "setup" and call.excinfo is not None and isinstance(call.excinfo.value, Unproven):
            report.longrepr = item.repr_failure(call.excinfo)
        elif isinstance(report.longrepr, tuple):
            path, line, _ = item.reportinfo()
            report.longrepr = (str(path), line + 1, report.longrepr[2])
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Give what failed a line for summaries; xdist hands reports over as text, so it is given where they arrive."""
    file, line, _ = report.location
    if isinstance(report.longrepr, str) and file.endswith(SUFFIXES):
        shown: Any = report  # pytest takes whatever writes itself to a terminal
        shown.longrepr = Told(report.longrepr, f"{file}:{(line or 0) + 1}")


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    """Say what became of the runs."""
    conclusion = config.stash.get(_CONCLUSION, [])
    if conclusion:
        terminalreporter.write_sep("-", "fhir-harness")
    for line in conclusion:
        terminalreporter.write_line(line)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect ``*.yaml`` files that are test sets: those whose text begins a line with ``testset:``."""
    if file_path.suffix not in SUFFIXES or not _is_testset(file_path):
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
        source = self.config.stash[_SESSION].source(_root(self.path))
        try:
            test_set = load_testset(self.path, root=source.root, fixtures=source.fixtures)
        except InvalidFile as invalid:
            raise InvalidFile(problem.within(source.root) for problem in invalid.problems) from None
        unknown = [problem for test in test_set.tests for problem in source.requirements.unknown(test)]
        if unknown:
            raise InvalidFile(problem.within(source.root) for problem in unknown)
        if test_set.candidate != self.config.stash[_SESSION].scene.kind:
            return
        for case in cases(test_set):
            item = TestSetItem.from_parent(self, name=case.id, test_set=test_set, case=case, source=source)
            for tag in (*test_set.tags, *case.test.tags):
                self.config.addinivalue_line("markers", f"{tag}: a tag of test sets")
                item.add_marker(tag)
            yield item

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        """Show the faults of a test set without a traceback."""
        if isinstance(excinfo.value, HarnessError):
            return said(excinfo.value, self.config.stash[_SESSION].scene.language)
        return super().repr_failure(excinfo)


class TestSetItem(pytest.Item):
    """One test."""

    __test__ = False

    def __init__(self, *, test_set: TestSet, case: Case, source: Source, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._test_set, self._case, self._source = test_set, case, source
        self._ended: Ended | None = None
        self.position = 0
        """Place in the session, from 0."""

    def chosen(self, select: Select) -> bool:
        """Tell whether ``select`` chooses this test."""
        return select(self._test_set, self._case)

    @property
    def _shared(self) -> Session:
        return self.config.stash[_SESSION]

    def setup(self) -> None:
        """Run the test: an error, without a traceback, when that proves nothing; skips when it does not apply."""
        obstacle = self._run()
        if obstacle is not None:
            raise Unproven(obstacle)
        assert self._ended is not None
        result = self._ended.test
        self.user_properties += [("verdict", result.verdict.value)]
        self.user_properties += [("requirement", requirement) for requirement in result.started.verifies]
        if result.verdict in (Verdict.ERROR, Verdict.UNDECIDED):
            raise Unproven(self._described(self._ended))
        if result.verdict is Verdict.SKIP:
            pytest.skip(reason(result)[self._shared.scene.language])

    def _run(self) -> str | None:
        """Run the test, or wait for its turn in the run of all; return what kept it from being run."""
        place = (self._test_set.id, self._case.id)
        try:
            if self._shared.together:
                self._ended = self._shared.of_all(_work(self.session), place)
            else:
                self._ended = self._shared.alone(self._test_set, place, self._source.requirements, self.position)
        except HarnessError as problem:
            return said(problem, self._shared.scene.language)
        return None

    def _described(self, ended: Ended) -> str:
        return describe(ended.test, ended.started, self._shared.scene.language)

    def join(self, work: Work) -> None:
        """Add this test to what runs together. Raises UsageError."""
        work.add(self._test_set, self._case, self._source)

    def runtest(self) -> None:
        """Fail when the candidate failed; a warning is reported and passes."""
        assert self._ended is not None
        if self._ended.test.verdict is Verdict.FAIL:
            raise Failed(self._described(self._ended))
        if self._ended.test.verdict is Verdict.WARN:
            self.add_report_section("call", "fhir", self._described(self._ended))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what was sent, what came back and what was expected, without a traceback."""
        if isinstance(excinfo.value, HarnessError):
            text = str(excinfo.value)
            return first_line(text) if self.config.getoption("tbstyle") == "line" else text
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Say where the test stands in its file, and its title."""
        title = one_line(self._case.test.title.get(self._shared.scene.language, ""), 80)
        return self.path, self._case.test.location.line - 1, f"{self._test_set.id}/{self._case.id}: {title}"


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
