"""A pytest session as one recorded run, which can be signed.

The tests run in a thread, in the order of the test sets, from the moment when pytest first asks for a result; each item
waits for its own. What pytest deselected is not run; the controls that the rest needs are.
"""

import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from harness.acceptance.bundle import sign
from harness.acceptance.signing import PrivateKey, load_chain, load_private_key
from harness.acceptance.sources import SourceKeeper
from harness.engine import Candidate, commitment, run_sync
from harness.engine.checks.evidence import Judge
from harness.engine.events import Event, RunFinished, StepFinished, TestFinished, TestStarted
from harness.engine.journal import JournalWriter
from harness.engine.planner import Case
from harness.engine.results import TestResult
from harness.engine.waivers import Waivers
from harness.errors import HarnessError, UsageError
from harness.fhir.definitions import Definitions
from harness.report.catalogue import KINDS
from harness.report.file import ReportFile
from harness.suite.model import TestSet
from harness.suite.requirements import FOLDER, load_requirements

Place = tuple[str, str]


class Stopped(HarnessError):
    """The session ended before its tests did."""


@dataclass(frozen=True)
class Order:
    """Where to record, and whether and how to sign. Raises UsageError when the options do not fit together."""

    out: Path | None
    accept: Path | None
    key: Path | None
    cert: Path | None
    page: Path | None = None
    """One more place for the HTML report."""
    reports: tuple[str, ...] = ()
    """Kinds of reports in ``out``, besides the HTML report."""
    jobs: int = 1

    def __post_init__(self) -> None:
        if self.out is None and self.reports:
            raise UsageError("--fhir-report writes into the folder of a run: name it with --fhir-out DIR")
        for kind in self.reports:
            if kind not in KINDS:
                raise UsageError(f"--fhir-report {kind}: there is no such report; choose {', '.join(KINDS)}")
        if self.jobs < 1:
            raise UsageError(f"--fhir-jobs needs 1 or more, not {self.jobs}")
        if self.accept is None and (self.key or self.cert):
            raise UsageError("--fhir-key and --fhir-cert sign something: name it with --fhir-accept FILE")
        if self.accept is not None and (self.key is None or self.cert is None):
            raise UsageError("--fhir-accept needs --fhir-key and --fhir-cert")
        if self.accept is not None and self.accept.exists():
            raise UsageError(f"{self.accept}: exists already; choose another --fhir-accept")
        if self.out is not None and self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise UsageError(f"{self.out}: holds something already; choose another --fhir-out")

    def signer(self) -> tuple[PrivateKey, tuple[x509.Certificate, ...]]:
        """Return key and certificate chain. Raises AcceptanceError or UsageError."""
        assert self.key is not None
        assert self.cert is not None
        try:
            key = load_private_key(self.key.read_bytes(), name=self.key)
            return key, load_chain(self.cert.read_bytes(), name=self.cert)
        except OSError as problem:
            raise UsageError(f"{problem.filename}: cannot be read: {problem.strerror}") from problem


@dataclass
class Work:
    """What is to be run: test sets by id, the chosen cases, and where the files lie."""

    test_sets: dict[str, TestSet] = field(default_factory=dict)
    cases: set[Place] = field(default_factory=set)
    roots: set[tuple[Path, Path]] = field(default_factory=set)
    """Folder of the test sets, folder of the fixtures."""

    def add(self, test_set: TestSet, case: Case, root: Path, fixtures: Path) -> None:
        """Add one item. Raises UsageError when two sets share an id, or lie under different roots."""
        known = self.test_sets.setdefault(test_set.id, test_set)
        if known.path != test_set.path:
            raise UsageError(f'two test sets have the id "{test_set.id}": {known.path} and {test_set.path}')
        self.cases.add((test_set.id, case.id))
        self.roots.add((root, fixtures))
        if len(self.roots) > 1:
            listed = ", ".join(sorted(str(one) for one, _ in self.roots))
            raise UsageError(f"a recorded run has one folder of test sets, here are several: {listed}")


class Recording:
    """One run, in a thread of its own. A writer of the engine's protocol, so that it hears of every result."""

    def __init__(
        self,
        order: Order,
        candidate: Candidate,
        definitions: Definitions,
        judge: Judge,
        *,
        seed: int,
        command: tuple[str, ...],
        waivers: Waivers | None = None,
    ) -> None:
        self._order, self._command = order, command
        self._candidate, self._definitions, self._judge, self._seed = candidate, definitions, judge, seed
        self._waivers = waivers
        self._scratch = None if order.out else tempfile.TemporaryDirectory(prefix="fhir-harness-")
        self.folder = order.out or Path(self._scratch.name if self._scratch else "")
        self._news = threading.Condition()
        self._tests: dict[Place, TestResult] = {}
        self._wanted: frozenset[Place] = frozenset()
        self._complete = False
        self._stopped = False
        self._problem: HarnessError | None = None
        self._thread: threading.Thread | None = None

    def result(self, work: Work, place: Place) -> TestResult:
        """Return what the test at ``place`` came to, once it has ended; begin the run when it has not begun.

        Raises HarnessError when the run cannot be recorded.
        """
        if self._thread is None:
            self._wanted = frozenset(work.cases)
            self._thread = threading.Thread(target=self._run, args=(work,), name="fhir-run", daemon=True)
            self._thread.start()
        with self._news:
            self._news.wait_for(lambda: self._has(place) or self._complete or self._problem is not None)
            if not self._has(place):
                raise self._problem or Stopped(f"{'/'.join(place)}: the run ended without this test")
            return self._tests[place]

    def _has(self, place: Place) -> bool:
        return place in self._tests and self._tests[place].finished is not None

    def finish(self) -> str:
        """Stop tests that nobody waits for, sign when that was asked for, and say what came of it.

        When every test has ended, the run is let come to its end. Raises HarnessError.
        """
        with self._news:
            self._stopped = not all(map(self._has, self._wanted))
        if self._thread is not None:
            self._thread.join()
        try:
            return self._concluded()
        finally:
            if self._scratch is not None:
                self._scratch.cleanup()

    def _concluded(self) -> str:
        if self._problem is not None and not isinstance(self._problem, Stopped):
            raise self._problem
        if self._thread is None or not self._complete:
            what = "no test ran" if self._thread is None else "the session ended before the run did"
            if self._order.accept is not None:
                raise Stopped(f"{self._order.accept}: not signed, {what}")
            return f"{what}: nothing that could be signed"
        if self._order.accept is None:
            return f"recorded in {self.folder}"
        key, chain = self._order.signer()
        sign(self.folder, key, chain, self._order.accept, datetime.now(UTC))
        return f"signed {self._order.accept}"

    def _run(self, work: Work) -> None:
        try:
            ((root, fixtures),) = work.roots
            salt = commitment.new_salt()
            commitment.keep(self.folder, salt)
            run_sync(
                list(work.test_sets.values()),
                replace(self._candidate, salt=salt),
                definitions=self._definitions,
                requirements=load_requirements(root / FOLDER),
                select=lambda test_set, case: (test_set.id, case.id) in work.cases,
                seed=self._seed,
                judge=self._judge,
                jobs=self._order.jobs,
                waivers=self._waivers,
                command=self._command,
                writers=[
                    JournalWriter(self.folder),
                    SourceKeeper(self.folder, root, fixtures),
                    *self._reports(),
                    self,
                ],
            )
        except HarnessError as problem:
            self._end(problem)
        except Exception as problem:  # whoever waits must hear of it
            self._end(HarnessError(f"the run stopped: {type(problem).__name__}: {problem}"))

    def _reports(self) -> Iterator[ReportFile]:
        for kind in dict.fromkeys(("html", *self._order.reports)):
            yield ReportFile(self.folder / KINDS[kind].file, KINDS[kind].render)
        if self._order.page is not None:
            yield ReportFile(self._order.page, KINDS["html"].render)

    def _end(self, problem: HarnessError) -> None:
        with self._news:
            self._problem = problem
            self._news.notify_all()

    def open(self) -> None:
        """Nothing to get ready."""

    def write(self, event: Event) -> None:
        """Keep the event and wake who waits for it. Raises Stopped when the session is over."""
        with self._news:
            if self._stopped:
                raise Stopped("the session ended")
            match event:
                case TestStarted():
                    self._tests[event.test_set, event.test] = TestResult(event)
                case StepFinished() if event.test:
                    self._tests[event.test_set, event.test].steps.append(event)
                case TestFinished():
                    self._tests[event.test_set, event.test].finished = event
                    self._news.notify_all()
                case RunFinished():
                    self._complete = True
                    self._news.notify_all()
                case _:
                    pass

    def close(self) -> None:
        """Nothing to finish."""
