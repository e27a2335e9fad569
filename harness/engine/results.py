"""A run as a tree, read from its events: what reports and the acceptance file show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.engine.events import (
    CheckResult,
    Event,
    Finding,
    RunFinished,
    RunStarted,
    SetFinished,
    SetStarted,
    StepFinished,
    TestFinished,
    TestStarted,
)
from harness.engine.verdict import Verdict, combine
from harness.errors import JournalError

_UNPROVEN = (Verdict.FAIL, Verdict.ERROR, Verdict.UNDECIDED)
_KEPT_BACK = frozenset({"control", "depends", "stopped"})
"""Codes of findings that say which other test kept one from running."""


@dataclass
class TestResult:
    """One test: how it began, its steps, how it ended (None when the run was cut off)."""

    __test__ = False

    started: TestStarted
    steps: list[StepFinished] = field(default_factory=list)
    finished: TestFinished | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict; ``error`` for a test that never ended."""
        return self.finished.verdict if self.finished else Verdict.ERROR

    @property
    def reason(self) -> str:
        """Why, in one line."""
        return self.finished.reason if self.finished else "the run stopped before this test ended"

    @property
    def kept_back(self) -> bool:
        """Whether it was skipped because of another test: a control or a dependency, or one that stopped the run."""
        return any(one.code in _KEPT_BACK for one in (self.finished.findings if self.finished else ()))

    @property
    def checks(self) -> list[CheckResult]:
        """Every judged expectation, in order."""
        return [check for step in self.steps for check in step.checks]

    @property
    def findings(self) -> list[Finding]:
        """Every finding of the steps, then those of the test itself."""
        found = [finding for check in self.checks for finding in check.findings]
        return found + list(self.finished.findings if self.finished else ())


@dataclass
class SetResult:
    """One test set: set-up and clean-up steps, tests in the order they began, what was left behind."""

    id: str
    setup: list[StepFinished] = field(default_factory=list)
    cleanup: list[StepFinished] = field(default_factory=list)
    tests: dict[str, TestResult] = field(default_factory=dict)
    finished: SetFinished | None = None


@dataclass
class RunResult:
    """One run."""

    started: RunStarted
    sets: dict[str, SetResult] = field(default_factory=dict)
    finished: RunFinished | None = None

    @classmethod
    def read(cls, events: Iterable[Event]) -> "RunResult":
        """Build the tree. Raises JournalError when the events do not begin with RunStarted or name an unknown test."""
        stream = iter(events)
        first = next(stream, None)
        if not isinstance(first, RunStarted):
            raise JournalError("the journal does not begin with RunStarted: nothing was recorded, or it was altered")
        run = cls(first)
        for event in stream:
            try:
                run._take(event)
            except KeyError as problem:
                kind = type(event).__name__
                raise JournalError(f"{kind} names {problem}, which never began: the journal was altered") from problem
        return run

    def _take(self, event: Event) -> None:
        match event:
            case SetStarted():
                self.sets[event.test_set] = SetResult(event.test_set)
            case TestStarted():
                self.sets[event.test_set].tests[event.test] = TestResult(event)
            case StepFinished(phase="setup", test=""):
                self.sets[event.test_set].setup.append(event)
            case StepFinished(phase="cleanup", test=""):
                self.sets[event.test_set].cleanup.append(event)
            case StepFinished():
                self.sets[event.test_set].tests[event.test].steps.append(event)
            case TestFinished():
                self.sets[event.test_set].tests[event.test].finished = event
            case SetFinished():
                self.sets[event.test_set].finished = event
            case RunFinished():
                self.finished = event
            case RunStarted():
                raise JournalError("the journal holds two runs")

    @property
    def tests(self) -> list[TestResult]:
        """Every test that began, set by set in the order of the test sets, and in file order within each."""
        ordered: list[TestResult] = []
        for source in self.started.test_sets:
            began = self.sets[source.id].tests if source.id in self.sets else {}
            ordered += [began[test] for test in source.tests if test in began]
        return ordered

    @property
    def missing(self) -> list[tuple[str, str]]:
        """(test set, test) of every selected test that never began."""
        return [
            (source.id, test)
            for source in self.started.test_sets
            for test in source.tests
            if source.id not in self.sets or test not in self.sets[source.id].tests
        ]

    @property
    def unproven(self) -> frozenset[tuple[str, str]]:
        """(test set, test) of all that failed, was an error or undecided, or did not run for that: to be run again."""
        unproven = (test.started for test in self.tests if test.verdict in _UNPROVEN or test.kept_back)
        return frozenset((*((one.test_set, one.test) for one in unproven), *self.missing))

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the run; ``error`` when it was cut off."""
        if self.finished is None or self.missing:
            return Verdict.ERROR
        return combine(test.verdict for test in self.tests)

    def counts(self) -> dict[str, int]:
        """Number of tests by verdict, strongest verdict first, without zeros."""
        verdicts = [test.verdict for test in self.tests]
        return {verdict.value: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}

    def requirements(self) -> Mapping[str, list[TestResult]]:
        """Requirement id to the tests that verify it."""
        table: dict[str, list[TestResult]] = {}
        for test in self.tests:
            for requirement in test.started.verifies:
                table.setdefault(requirement, []).append(test)
        return dict(sorted(table.items()))
