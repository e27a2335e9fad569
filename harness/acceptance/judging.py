"""With what a recorded run is judged again: test sets, structures and terminology, as recorded or as they are here."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from harness.acceptance.recorded import Recorded
from harness.engine import Candidate, Replay, run_sync
from harness.engine.codec import dumps, encode
from harness.engine.events import DefinitionSource, RunStarted, StepFinished
from harness.engine.planner import Case
from harness.engine.results import RunResult, TestResult
from harness.engine.runner import default_judge
from harness.engine.waivers import Waivers
from harness.errors import AcceptanceError, PackageError
from harness.fhir.definitions import Definitions
from harness.fhir.packages import open_package
from harness.fhir.terminology import Terminology
from harness.fhir.tx import open_terminology
from harness.suite.model import TestSet
from harness.validation.validator import Validator


@dataclass(frozen=True)
class Setting:
    """What judges. ``structures`` gives profiles, ``terminology`` gives value sets and code systems."""

    test_sets: tuple[TestSet, ...]
    structures: Definitions
    terminology: Definitions

    def with_(
        self,
        *,
        test_sets: tuple[TestSet, ...] | None = None,
        structures: Definitions | None = None,
        terminology: Definitions | None = None,
    ) -> "Setting":
        """Return this setting with one thing changed."""
        return replace(
            self,
            test_sets=self.test_sets if test_sets is None else test_sets,
            structures=structures or self.structures,
            terminology=terminology or self.terminology,
        )


class Bench:
    """Judges runs again; the profiles that it compiled serve all of them."""

    def __init__(self) -> None:
        self._validators: dict[tuple[int, int, bytes | None], tuple[Definitions, Definitions, Validator]] = {}

    def judge(self, recorded: Recorded, setting: Setting) -> RunResult:
        """Return the results of the recorded exchanges under ``setting``. Nothing is sent.

        Raises AcceptanceError when none of the recorded tests is in the test sets of ``setting``.
        """
        started = recorded.run.started
        wanted = {source.id: frozenset(source.tests) for source in started.test_sets}

        def select(test_set: TestSet, case: Case) -> bool:
            return case.id in wanted.get(test_set.id, frozenset())

        test_sets = [test_set for test_set in setting.test_sets if test_set.id in wanted]
        if not test_sets:
            raise AcceptanceError(f"{recorded.path}: there is no test set here of those that were run")
        return run_sync(
            test_sets,
            Candidate.of(started.candidate),
            definitions=setting.structures,
            transport=Replay(recorded.events),
            select=select,
            seed=started.seed,
            fail_fast=started.fail_fast,
            waivers=Waivers.of(started.waivers),
            judge=self._validator(setting, recorded.answers),
            run_id=started.run,
        )

    def _validator(self, setting: Setting, answers: bytes | None) -> Validator:
        """What judges under ``setting``; what that leaves open ``answers`` say, and nobody else. Raises TxLockError."""
        key = (id(setting.structures), id(setting.terminology), answers)
        if key not in self._validators:
            asked = open_terminology(setting.terminology, recorded=answers)
            judge = default_judge(setting.structures, asked or Terminology(setting.terminology))
            self._validators[key] = (setting.structures, setting.terminology, judge)  # held, so that ids stay theirs
        return self._validators[key][2]


def missing_definitions(recorded: Iterable[DefinitionSource], known: Definitions) -> list[DefinitionSource]:
    """Return the recorded packages that ``known`` does not hold with the same digest."""
    here = {(info.name, info.version, info.digest) for info in known.packages}
    return [source for source in recorded if (source.name, source.version, source.digest) not in here]


def recorded_definitions(started: RunStarted, refs: Sequence[str], local: Definitions) -> Definitions | None:
    """Return definitions with exactly the packages of the recorded run, or None when some of them is not here.

    They are looked for among the embedded packs, ``refs`` (folder, .tgz or id@version) and the cache. When ``local``
    has the same packages in the same order, it is returned itself.
    """
    wanted = [(source.name, source.version, source.digest) for source in started.definitions]
    if wanted == [(info.name, info.version, info.digest) for info in local.packages]:
        return local
    found = Definitions.embedded()
    official = [source for source in started.definitions if source.official]
    for source in reversed(official):  # the last added is the strongest, and stands first
        ref = _locate(source, refs)
        if ref is None:
            return None
        found.add_package(ref)
    complete = wanted == [(info.name, info.version, info.digest) for info in found.packages]
    return found if complete else None


def _locate(source: DefinitionSource, refs: Sequence[str]) -> str | None:
    for ref in (*refs, f"{source.name}@{source.version}"):
        with suppress(PackageError):
            info = open_package(ref).info
            if (info.name, info.version, info.digest) == (source.name, source.version, source.digest):
                return ref
    return None


def judgement(run: RunResult) -> bytes:
    """Return all that was judged in a run as canonical bytes; what differs from one machine to another is left out.

    Left out are times of the judging itself, the environment and the order in which concurrent tests ended.
    """
    content = [
        {
            "testSet": name,
            "setup": encode(result.setup),
            "verdict": encode(result.finished.verdict) if result.finished else None,
            "reason": result.finished.reason if result.finished else "",
            "tests": [judged(test) for test in _ordered(run, name)],
        }
        for name, result in ((source.id, run.sets.get(source.id)) for source in run.started.test_sets)
        if result is not None
    ]
    return dumps(content, sort=True)


def judgement_digest(run: RunResult) -> str:
    """Return the SHA-256 of :func:`judgement`, hexadecimal."""
    return hashlib.sha256(judgement(run)).hexdigest()


def judged(test: TestResult) -> Mapping[str, object]:
    """Return what one test came to, exchanges and findings included, as JSON."""
    return {
        "test": test.started.test,
        "verifies": list(test.started.verifies),
        "verdict": test.verdict.value,
        "reason": test.reason,
        "steps": [encode(step) for step in test.steps if not _only_cleanup(step)],
        "findings": encode(test.finished.findings) if test.finished else [],
    }


def _only_cleanup(step: StepFinished) -> bool:
    return step.phase == "cleanup"


def _ordered(run: RunResult, test_set: str) -> list[TestResult]:
    return [test for test in run.tests if test.started.test_set == test_set]
