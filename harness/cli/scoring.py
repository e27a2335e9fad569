"""What the test sets detect: each is run against a right sandbox, and against sandboxes with one seeded defect each.

A defect is *detected* when a test that verifies its own requirement, and that passed on the right sandbox, fails or
warns: a test warns where the ground of its requirement is too weak for a failure. An error, a skip or an undecided test
detects nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from harness.engine import Candidate, run_sync
from harness.engine.checks.evidence import Judge
from harness.engine.planner import Case
from harness.engine.results import RunResult, TestResult
from harness.engine.runner import default_judge
from harness.engine.verdict import Verdict
from harness.fhir.definitions import Definitions
from harness.sandbox.assembly import make_service
from harness.sandbox.checking import server_validator
from harness.sandbox.defects import DEFECTS
from harness.sandbox.server import SandboxServer
from harness.suite.catalogue import Catalogue
from harness.suite.model import TestSet
from harness.validation.validator import Validator

Arrange = Callable[[Sequence[TestSet]], Sequence[TestSet]]

_SEED = 20260101
HEALTHY = ""
"""The name of the trial without a defect."""


@dataclass(frozen=True)
class Trial:
    """One sandbox: the verdict of each test, and of each check by ``set/test#step.kind.number``."""

    defect: str
    tests: Mapping[str, str]
    checks: Mapping[str, str]
    unclean: tuple[str, ...] = ()
    """Tests that failed, or could not be judged: ``test: verdict: reason``."""
    crashes: int = 0
    """Answers with a status of 500 and more: a defect is a departure, not a crash."""


@dataclass(frozen=True)
class Detection:
    """One defect: the requirement that it violates, and the tests of that requirement that failed."""

    requirement: str
    detected_by: tuple[str, ...] = ()


@dataclass
class Score:
    """What was detected, by defect; how many checks of each kind there are, and how many made a difference."""

    detections: dict[str, Detection] = field(default_factory=dict)
    kinds: dict[str, tuple[int, int]] = field(default_factory=dict)
    idle: tuple[str, ...] = ()
    """Checks that held against every defect that they were tried on."""
    unclean: tuple[str, ...] = ()
    """What failed on the healthy sandbox."""
    crashed: tuple[str, ...] = ()
    """Defects that made the sandbox answer 500 and more."""

    @property
    def missed(self) -> list[str]:
        """The defects that no test of their requirement detected."""
        return [name for name, found in self.detections.items() if not found.detected_by]

    @property
    def share(self) -> float:
        """The part of the defects that were detected, from 0 to 1."""
        return 1 - len(self.missed) / len(self.detections) if self.detections else 1.0

    def kept(self) -> dict[str, Any]:
        """The score as it is kept in the repository."""
        return {
            "defects": {
                name: {"requirement": found.requirement, "detected-by": list(found.detected_by)}
                for name, found in sorted(self.detections.items())
            },
            "checks": {kind: {"all": whole, "decisive": some} for kind, (whole, some) in sorted(self.kinds.items())},
        }


class Stage:
    """The parts that the trials of one process share, so that profiles are compiled once."""

    def __init__(self, root: Path, fixtures: Path) -> None:
        self.catalogue = Catalogue.load(root, fixtures)
        self.definitions = Definitions.embedded()
        self.judge: Judge = default_judge(self.definitions)
        self.validator: Validator = server_validator(self.definitions)

    @property
    def sets(self) -> tuple[TestSet, ...]:
        """The test sets for servers."""
        return tuple(found for found in self.catalogue.test_sets if found.candidate == "server")

    def trial(self, defect: str, jobs: int = 1, arrange: Arrange = tuple) -> Trial:
        """Run the sets against a sandbox with ``defect``: all, or those with a test of its requirement.

        ``arrange`` may put sets and tests into another order.
        """
        wanted = DEFECTS[defect].requirement if defect else None

        def verifying(_: TestSet, case: Case) -> bool:
            return wanted is None or wanted in case.test.verifies

        sets = [one for one in self.sets if wanted is None or any(wanted in test.verifies for test in one.tests)]
        service = make_service(defects=[defect] if defect else [], validator=self.validator)
        with SandboxServer(service) as server:
            result = run_sync(
                arrange(sets),
                Candidate.of(server.candidate()),
                definitions=self.definitions,
                requirements=self.catalogue.requirements,
                select=None if wanted is None else verifying,
                seed=_SEED,
                jobs=jobs,
                judge=self.judge,
            )
        return _trial(defect, result)


def _trial(defect: str, result: RunResult) -> Trial:
    tests, checks, unclean = {}, {}, []
    for test in result.tests:
        name = f"{test.started.test_set}/{test.started.test}"
        tests[name] = str(test.verdict)
        checks.update(_checks(name.partition("[")[0], test))
        if test.verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.UNDECIDED):
            unclean.append(f"{name}: {test.verdict}: {test.reason}")
    statuses = [
        exchange.response.status
        for test in result.tests
        for step in test.steps
        for exchange in step.exchanges
        if exchange.response
    ]
    return Trial(defect, tests, checks, tuple(unclean), sum(status >= 500 for status in statuses))


def _checks(name: str, test: TestResult) -> dict[str, str]:
    found: dict[str, str] = {}
    for step in test.steps:
        counted: Counter[str] = Counter()
        for check in step.checks:
            counted[check.kind] += 1
            key = f"{name}#{step.index}.{check.kind}.{counted[check.kind]}"
            if found.get(key) not in _BROKEN:
                found[key] = str(check.verdict)
    return found


_BROKEN = (Verdict.FAIL, Verdict.WARN)
_stage: list[Stage] = []


def _prepare(root: Path, fixtures: Path) -> None:
    _stage.append(Stage(root, fixtures))


def _perform(defect: str) -> Trial:
    return _stage[0].trial(defect)


def measure(
    root: Path, fixtures: Path, names: Iterable[str], jobs: int, told: Callable[[Trial], None] = lambda _: None
) -> Score:
    """Try the healthy sandbox and each of the defects ``names``, in ``jobs`` processes. ``told`` hears of each."""
    catalogue = Catalogue.load(root, fixtures)
    trials: dict[str, Trial] = {}
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _prepare, (root, fixtures))
    with pool:
        for trial in pool.map(_perform, [HEALTHY, *names]):
            trials[trial.defect] = trial
            told(trial)
    return score(trials, catalogue)


def score(trials: Mapping[str, Trial], catalogue: Catalogue) -> Score:
    """Join the trials: the healthy one under :data:`HEALTHY`, the others by the name of their defect."""
    healthy = trials[HEALTHY]
    verifying: dict[str, set[str]] = {}
    for one in catalogue.test_sets:
        for test in one.tests:
            for rule in test.verifies:
                verifying.setdefault(rule, set()).add(f"{one.id}/{test.id}")
    crashed = tuple(sorted(name for name, trial in trials.items() if trial.crashes))
    result = Score(unclean=healthy.unclean, crashed=crashed)
    decisive: set[str] = set()
    for name, trial in sorted(trials.items()):
        if name == HEALTHY:
            continue
        rule = DEFECTS[name].requirement
        found = {
            test.partition("[")[0]
            for test, verdict in trial.tests.items()
            if verdict in _BROKEN and healthy.tests.get(test) == Verdict.PASS
        }
        result.detections[name] = Detection(rule, tuple(sorted(found & verifying.get(rule, set()))))
        broken = {key for key, verdict in trial.checks.items() if verdict in _BROKEN}
        decisive |= {key for key in broken if healthy.checks.get(key) == Verdict.PASS}
    whole = Counter(_kind(key) for key in healthy.checks)
    some = Counter(_kind(key) for key in decisive)
    result.kinds = {kind: (number, some[kind]) for kind, number in sorted(whole.items())}
    result.idle = tuple(sorted(set(healthy.checks) - decisive))
    return result


def _kind(key: str) -> str:
    return key.rpartition("#")[2].split(".")[1]
