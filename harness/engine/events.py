"""The frozen events of a run: what the runner yields, the journal keeps, and writers read.

The order in a run: RunStarted (SetStarted (TestStarted StepFinished* TestFinished)* SetFinished)* RunFinished. Set-up
and clean-up steps are StepFinished events with ``phase`` "setup" or "cleanup". With concurrent tests the events of
different tests may interleave; each carries the ids it belongs to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.engine.exchange import Exchange
from harness.engine.verdict import Verdict

Phase = Literal["setup", "test", "cleanup"]


@dataclass(frozen=True)
class Finding:
    """An expectation that did not hold, as data."""

    code: str
    """Stable: ``status``, ``header``, ``conforms.min-cardinality``, ``network.timeout``, …"""
    verdict: Verdict
    message: str
    message_fr: str = ""
    check: str = ""
    """The kind of expectation: ``status``, ``conforms``, …; empty for a fault outside of a check."""
    expected: str = ""
    found: str = ""
    expression: str = ""
    """FHIRPath of the element in the instance."""
    definition: str = ""
    """Id of the element in the profile."""
    profile: str = ""
    constraint: str = ""
    requirements: tuple[str, ...] = ()
    exchange: int | None = None
    """Index of the exchange within the step, from 0."""
    location: str = ""
    """``file:line:column`` of the expectation in the test set."""
    waived: str = ""
    """Why it counts as a warning only: the waiver's reason, author and last day."""
    of: str | None = None
    """``request``: it is about what the candidate sent, not about what it answered."""


@dataclass(frozen=True)
class CheckResult:
    """One expectation, judged."""

    kind: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class DefinitionSource:
    """A package that judged: official or restated."""

    name: str
    version: str
    digest: str
    """SHA-256, hexadecimal."""
    official: bool


@dataclass(frozen=True)
class TestSetSource:
    """A test set as it was run."""

    __test__ = False

    id: str
    version: str
    digest: str
    path: str
    title: Mapping[str, str]
    tests: tuple[str, ...]
    """Ids of the tests selected for this run, in file order (``each`` rows as ``id[row]``)."""
    fixtures: Mapping[str, str] = field(default_factory=dict)
    """Path to SHA-256."""
    left_out: tuple[str, ...] = ()
    """Ids of the tests that the test set holds and this run did not select."""


@dataclass(frozen=True)
class RunStarted:
    """First event of a run."""

    run: str
    """A UUID."""
    started: str
    harness: str
    """Version of the harness."""
    environment: Mapping[str, str]
    """Python, platform, and versions of the dependencies."""
    candidate: Mapping[str, Any]
    """The candidate file, redacted."""
    software: Mapping[str, str]
    """publisher, product, version, reference."""
    seed: int
    test_sets: tuple[TestSetSource, ...]
    requirements_digest: str
    definitions: tuple[DefinitionSource, ...]
    command: tuple[str, ...] = ()
    """The command line, redacted."""
    policies: Mapping[str, Any] = field(default_factory=dict)
    """Every choice that the specifications leave open, by name: the candidate file's, or the default."""
    fail_fast: bool = False
    """Whether no test begins after a fail or an error."""
    waivers: tuple[Mapping[str, Any], ...] = ()
    """The waivers of the run, as in their file."""
    resumes: str = ""
    """The UUID of the cut-off run that this one goes on with; what had ended there is taken from its record."""
    resumption: int = 0
    """How many times it was gone on with in all; 0 for a run that began anew."""


@dataclass(frozen=True)
class SetStarted:
    """A test set begins; its set-up steps follow.

    At each endpoint of the candidate, the first set with a test that ``needs`` something begins with the
    CapabilityStatement: a set-up step with the index -1, without checks.
    """

    test_set: str
    now: str = ""
    """What ``${time.now}`` means in the set's variables and set-up."""
    attempt: int = 0
    """How many times it was begun before, in runs that were cut off: each draws its own random values."""


@dataclass(frozen=True)
class TestStarted:
    """A test begins."""

    __test__ = False

    test_set: str
    test: str
    title: Mapping[str, str]
    verifies: tuple[str, ...]
    now: str
    """What ``${time.now}`` means in this test: an instant, so that the test can be judged again."""
    tags: tuple[str, ...] = ()
    level: str = "SHALL"
    attempt: int = 0
    """How many times it was begun before, in runs that were cut off: each draws its own random values."""


@dataclass(frozen=True)
class StepFinished:
    """A step was carried out and judged. The exchanges of an ``await`` are requests of the candidate."""

    test_set: str
    test: str
    """Empty for a set's set-up and clean-up."""
    phase: Phase
    index: int
    """Position in the test's (or set-up's) list of steps, from 0."""
    interaction: str
    summary: str
    """For people: ``create Observation``, ``GET Patient?name=…``."""
    exchanges: tuple[Exchange, ...]
    checks: tuple[CheckResult, ...]
    saved: Mapping[str, Any] = field(default_factory=dict)
    location: str = ""


@dataclass(frozen=True)
class TestFinished:
    """A test ends with its verdict. ``findings`` holds only those outside of any step (skips, faults)."""

    __test__ = False

    test_set: str
    test: str
    verdict: Verdict
    reason: str
    """Why, in one line; empty for a plain pass."""
    elapsed: float
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class SetFinished:
    """A test set ends. ``leftovers`` are resources that the run created and could not delete."""

    test_set: str
    verdict: Verdict | None
    leftovers: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class RunFinished:
    """Last event of a run that came to its end."""

    finished: str
    verdict: Verdict | None
    counts: Mapping[str, int]
    """Verdict to number of tests."""
    waivers_unmet: tuple[str, ...] = ()
    """Waivers that met no finding, or only once they had expired."""


Event = RunStarted | SetStarted | TestStarted | StepFinished | TestFinished | SetFinished | RunFinished
EVENTS: Mapping[str, type[Event]] = {
    kind.__name__: kind
    for kind in (RunStarted, SetStarted, TestStarted, StepFinished, TestFinished, SetFinished, RunFinished)
}
