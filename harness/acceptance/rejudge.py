"""All checks again, on the recorded exchanges and without a network: the same verdicts, or why not."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from harness import __version__
from harness.acceptance.attribution import Attribution, Cause, Place, RequirementChange, requirement_changes
from harness.acceptance.installed import Installed, altered, remarks
from harness.acceptance.judging import (
    Bench,
    Setting,
    judged,
    judgement_digest,
    missing_definitions,
    recorded_definitions,
)
from harness.acceptance.policy_file import read_policy
from harness.acceptance.recorded import Recorded, open_recorded
from harness.acceptance.signing import load_chain
from harness.acceptance.testset_differences import TestSetDifference, differences
from harness.acceptance.trust import TrustPolicy
from harness.engine.results import RunResult, TestResult
from harness.engine.runner import environment
from harness.engine.verdict import Verdict
from harness.errors import AcceptanceError, HarnessError, JournalError, UsageError
from harness.fhir.definitions import Definitions
from harness.fhir.lock import add_locked
from harness.suite.catalogue import Catalogue
from harness.suite.model import TestSet


@dataclass(frozen=True)
class VerdictChange:
    """A test that came to another verdict. ``after`` is None when the test is not in the test sets used now."""

    test_set: str
    test: str
    before: Verdict
    after: Verdict | None
    reason_before: str
    reason_after: str
    causes: tuple[Cause, ...]
    replayable: bool
    """False: the test asks for something else than the recorded run did, so its exchanges say nothing about it."""


@dataclass(frozen=True)
class Rejudgement:
    """What the recorded exchanges come to now."""

    path: Path
    run: str
    """Id of the run."""
    digest: str
    """SHA-256 of the acceptance file, or of a run folder's journal."""
    verified: bool
    verdict_before: Verdict | None
    verdict_after: Verdict | None
    tests: int
    judgement_before: str
    """SHA-256 over verdicts, findings and exchanges as recorded (``judging.judgement``)."""
    judgement_after: str
    changes: tuple[VerdictChange, ...] = ()
    requirements: tuple[RequirementChange, ...] = ()
    other_findings: int = 0
    """Tests with the same verdict and other findings."""
    test_sets: tuple[TestSetDifference, ...] = ()
    versions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What judges (``harness``, ``python``, ``requirements``, a package): version recorded and here, where not one."""
    definitions_missing: tuple[str, ...] = ()
    """Recorded packages, ``name version``, that are not here with their digest: local ones judged in their place."""
    altered: tuple[str, ...] = ()
    """``id version`` of recorded test sets that are not this catalogue's, which has others under the same name."""
    remarks: tuple[str, ...] = ()
    """A line for each recorded test set that is not this catalogue's, those altered among them."""

    @property
    def same(self) -> bool:
        """Whether every test came to the same verdict."""
        return not self.changes

    @property
    def identical(self) -> bool:
        """Whether verdicts, findings and exchanges are the same, bit for bit."""
        return self.judgement_before == self.judgement_after

    def as_json(self) -> dict[str, Any]:
        """Return the answer for machines."""
        return {
            "path": str(self.path),
            "run": self.run,
            "sha256": self.digest,
            "verified": self.verified,
            "verdict": {"recorded": self.verdict_before, "rejudged": self.verdict_after},
            "tests": self.tests,
            "judgement": {"recorded": self.judgement_before, "rejudged": self.judgement_after},
            "same": self.same,
            "identical": self.identical,
            "otherFindings": self.other_findings,
            "changes": [
                {
                    "testSet": change.test_set,
                    "test": change.test,
                    "recorded": change.before,
                    "rejudged": change.after,
                    "reasonRecorded": change.reason_before,
                    "reasonRejudged": change.reason_after,
                    "causes": list(change.causes),
                    "replayable": change.replayable,
                }
                for change in self.changes
            ],
            "requirements": [
                {
                    "requirement": change.requirement,
                    "recorded": change.before,
                    "rejudged": change.after,
                    "causes": list(change.causes),
                }
                for change in self.requirements
            ],
            "testSets": [one.as_json() for one in self.test_sets],
            "versions": {name: {"recorded": was, "here": now} for name, (was, now) in self.versions.items()},
            "definitionsMissing": list(self.definitions_missing),
            "altered": list(self.altered),
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True)
class Means:
    """What there is to judge with here."""

    definitions: Definitions
    """The local ones."""
    packages: tuple[str, ...] = ()
    """More packages among which those of the recorded run are looked for."""
    catalogue: Catalogue | None = None
    """The local test sets; None: judge with the recorded ones."""
    local_definitions: bool = False
    """Judge with the local definitions, also where the recorded ones are here."""
    installed: Installed = field(default_factory=Installed.here)
    """The catalogue whose test sets the recorded ones should be."""


def rejudge(recorded: Recorded, means: Means, bench: Bench | None = None) -> Rejudgement:
    """Judge ``recorded`` again and compare. Raises AcceptanceError or TestSetError when it cannot be judged here."""
    bench = bench or Bench()
    started = recorded.run.started
    own = recorded_definitions(started, means.packages, means.definitions)
    baseline_definitions = own or means.definitions
    baseline = Setting(recorded.test_sets(), baseline_definitions, baseline_definitions)
    chosen = baseline
    if means.local_definitions:
        chosen = chosen.with_(structures=means.definitions, terminology=means.definitions)
    found: tuple[TestSetDifference, ...] = ()
    if means.catalogue is not None:
        local = _local(recorded, means.catalogue)
        found = differences(baseline.test_sets, local)
        if found:
            chosen = chosen.with_(test_sets=local)
    again = bench.judge(recorded, chosen)
    after = {(test.started.test_set, test.started.test): test for test in again.tests}
    places = {(test.started.test_set, test.started.test): test for test in recorded.run.tests}
    changed = [
        place for place, test in places.items() if place not in after or after[place].verdict is not test.verdict
    ]
    causes: dict[Place, tuple[Cause, ...]] = {}
    if changed:
        attribution = Attribution(bench, recorded, baseline, chosen, baseline_known=own is not None)
        causes = {place: attribution.causes(place) for place in changed}
    return Rejudgement(
        path=recorded.path,
        run=started.run,
        digest=recorded.digest,
        verified=recorded.verified,
        verdict_before=recorded.run.verdict,
        verdict_after=again.verdict,
        tests=len(places),
        judgement_before=judgement_digest(recorded.run),
        judgement_after=judgement_digest(again),
        changes=tuple(_change(places[place], after.get(place), causes[place]) for place in changed),
        requirements=requirement_changes(recorded.run, again, causes),
        other_findings=_other_findings(places, after),
        test_sets=found,
        versions=_versions(recorded.run, chosen.structures, means.catalogue),
        definitions_missing=tuple(
            f"{source.name} {source.version}"
            for source in (missing_definitions(started.definitions, means.definitions) if own is None else ())
        ),
        altered=altered(started.test_sets, means.installed),
        remarks=remarks(started.test_sets, means.installed),
    )


def _local(recorded: Recorded, catalogue: Catalogue) -> tuple[TestSet, ...]:
    here = {test_set.id: test_set for test_set in catalogue.test_sets}
    return tuple(here[source.id] for source in recorded.run.started.test_sets if source.id in here)


def _change(before: TestResult, after: TestResult | None, causes: tuple[Cause, ...]) -> VerdictChange:
    return VerdictChange(
        test_set=before.started.test_set,
        test=before.started.test,
        before=before.verdict,
        after=after.verdict if after else None,
        reason_before=before.reason,
        reason_after=after.reason if after else "the test is not in the test sets used now",
        causes=causes,
        replayable=after is not None and all(finding.code != "replay" for finding in after.findings),
    )


def _other_findings(before: Mapping[Place, TestResult], after: Mapping[Place, TestResult]) -> int:
    both = [(test, after[place]) for place, test in before.items() if place in after]
    return sum(1 for one, other in both if one.verdict is other.verdict and judged(one) != judged(other))


def _versions(run: RunResult, definitions: Definitions, catalogue: Catalogue | None) -> dict[str, tuple[str, str]]:
    was = {"harness": run.started.harness, **run.started.environment}
    now = {"harness": __version__, **environment()}
    was |= {source.name: f"{source.version} {source.digest}" for source in run.started.definitions}
    now |= {info.name: f"{info.version} {info.digest}" for info in definitions.packages}
    if catalogue is not None and run.started.requirements_digest:
        was["requirements"], now["requirements"] = run.started.requirements_digest, catalogue.requirements.digest
    names = sorted(was.keys() | now.keys())
    return {name: (was.get(name, ""), now.get(name, "")) for name in names if was.get(name) != now.get(name)}


@dataclass(frozen=True)
class ShelfOptions:
    """How each file of a shelf is judged again; it travels to other processes, so it holds plain values alone."""

    anchors: bytes = b""
    """PEM of the trust anchors; empty together with ``unsafe_skip_verification``."""
    policy_file: str = ""
    """Path of a trust policy, in place of ``anchors``."""
    unsafe_skip_verification: bool = False
    packages: tuple[str, ...] = ()
    lock_folder: str = "."
    """Folder whose package lock holds."""
    testsets: tuple[str, str] | None = None
    """Folders of the local test sets and their fixtures; None: judge with the recorded ones."""
    local_definitions: bool = False

    def policy(self) -> TrustPolicy | None:
        """Return the trust policy, or None when there is none. Raises AcceptanceError."""
        if self.policy_file:
            return read_policy(Path(self.policy_file))
        return TrustPolicy(load_chain(self.anchors)) if self.anchors else None


@dataclass(frozen=True)
class ShelfEntry:
    """One file of a shelf: judged again, or why it could not be."""

    path: Path
    result: Rejudgement | None
    problem: str = ""
    unreadable: bool = False
    """It is no record at all, which is another thing than one that cannot be believed."""


def shelf(folder: Path) -> list[Path]:
    """Return the acceptance files and run folders in ``folder``, sorted. Raises AcceptanceError when there is none."""
    found = [path for path in sorted(folder.iterdir()) if path.suffix == ".zip" or (path / "journal.ndjson").is_file()]
    if not found:
        raise AcceptanceError(f"{folder}: holds neither an acceptance file (.zip) nor a run folder")
    return found


def rejudge_file(path: Path, options: ShelfOptions) -> Rejudgement:
    """Verify ``path`` and judge it again. Raises HarnessError with what is wrong."""
    skip = options.unsafe_skip_verification
    recorded = open_recorded(path, options.policy(), datetime.now(UTC), unsafe_skip_verification=skip)
    means, bench = _means(options)
    return rejudge(recorded, means, bench)


def rejudge_shelf(paths: Sequence[Path], options: ShelfOptions, executor: Executor | None = None) -> list[ShelfEntry]:
    """Judge each of ``paths`` again, in parallel where there is an ``executor``, and return the entries in their order.

    Any ``concurrent.futures`` executor will do; its workers must see the same folders. A file that cannot be judged
    does not keep the others from it.
    """
    absolute = [path.resolve() for path in paths]
    if executor is None:
        return [_entry(path, options) for path in absolute]
    futures = [executor.submit(_entry, path, options) for path in absolute]
    return [future.result() for future in futures]


def _entry(path: Path, options: ShelfOptions) -> ShelfEntry:
    try:
        return ShelfEntry(path, rejudge_file(path, options))
    except HarnessError as problem:
        return ShelfEntry(path, None, str(problem), isinstance(problem, JournalError | UsageError))


@cache
def _means(options: ShelfOptions) -> tuple[Means, Bench]:
    """What there is to judge with: made once a process, for compiling profiles takes longer than judging with them."""
    definitions = Definitions.embedded()
    add_locked(definitions, Path(options.lock_folder))
    for ref in options.packages:
        definitions.add_package(ref)
    catalogue = None
    if options.testsets is not None:
        root, fixtures = options.testsets
        catalogue = Catalogue.load(Path(root), Path(fixtures))
    return Means(definitions, options.packages, catalogue, options.local_definitions), Bench()
