"""Check an acceptance file, offline: each question by name, in an order in which each relies on those before it."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from harness import __version__
from harness.acceptance import container, manifest, signing, sources
from harness.acceptance.document import document, dump
from harness.acceptance.trust import TrustPolicy, check_age, check_path
from harness.engine import journal
from harness.engine.results import RunResult
from harness.errors import AcceptanceError, HarnessError
from harness.report.html import render


@dataclass(frozen=True)
class CheckedItem:
    """One question and its answer."""

    name: str
    ok: bool
    message: str


@dataclass
class Verification:
    """What came of it. Only when ``ok`` may ``document`` be believed."""

    checks: list[CheckedItem] = field(default_factory=list)
    document: Mapping[str, Any] | None = None
    """The verified acceptance.json; None unless every check held."""

    @property
    def ok(self) -> bool:
        """Whether every check was made and held."""
        return self.document is not None

    @property
    def failure(self) -> CheckedItem | None:
        """The first check that did not hold."""
        return next((item for item in self.checks if not item.ok), None)

    def as_json(self) -> dict[str, Any]:
        """Return the answer for machines."""
        return {
            "ok": self.ok,
            "checks": [{"name": item.name, "ok": item.ok, "message": item.message} for item in self.checks],
            "document": self.document,
        }


class _Verifier:
    """The checks share what the ones before found; the first that fails ends the list, for the rest rely on it."""

    def __init__(self, path: Path, policy: TrustPolicy, now: datetime) -> None:
        self._path, self._policy, self._now = path, policy, now
        self._members: Mapping[str, bytes] = {}
        self._signature: signing.Signature | None = None
        self._run: RunResult | None = None

    def run(self) -> Verification:
        result = Verification()
        steps: list[tuple[str, Callable[[], str]]] = [
            ("container", self._container),
            ("signature", self._check_signature),
            ("manifest", self._manifest),
            ("certificate", self._certificate),
            ("age", self._age),
            ("journal", self._journal),
            ("report", self._report),
            ("page", self._page),
            ("policy", self._required),
        ]
        for name, step in steps:
            try:
                result.checks.append(CheckedItem(name, True, step()))
            except HarnessError as problem:
                result.checks.append(CheckedItem(name, False, str(problem)))
                return result
        result.document = orjson.loads(self._members[manifest.DOCUMENT])
        return result

    def _container(self) -> str:
        self._members = container.read(self._path)
        for name in (manifest.NAME, manifest.SIGNATURE, manifest.DOCUMENT, manifest.PAGE, journal.NAME):
            if name not in self._members:
                raise AcceptanceError(f"{name} is missing from the file: it is no acceptance file, or was altered")
        return f"{len(self._members)} members"

    def _check_signature(self) -> str:
        self._signature = signing.check(self._members[manifest.SIGNATURE], self._members[manifest.NAME])
        return f"{self._signature.algorithm}, {self._signature.signed_at.isoformat()}"

    def _manifest(self) -> str:
        listed = {k: v for k, v in self._members.items() if k not in (manifest.NAME, manifest.SIGNATURE)}
        for problem in manifest.problems(self._members[manifest.NAME], listed):
            raise AcceptanceError(problem)
        return f"{len(listed)} digests hold"

    def _certificate(self) -> str:
        assert self._signature is not None
        path = check_path(self._signature.chain, self._policy, self._signature.signed_at, self._now)
        return " ← ".join(path)

    def _age(self) -> str:
        assert self._signature is not None
        check_age(self._policy, self._signature.signed_at, self._now)
        return f"signed {self._signature.signed_at.isoformat()}"

    def _journal(self) -> str:
        self._run = RunResult.read(journal.parse_journal(io.BytesIO(self._members[journal.NAME]), journal.NAME))
        for problem in sources.problems(self._members, self._run.started):
            raise AcceptanceError(problem)
        return f"{len(self._run.tests)} tests"

    def _report(self) -> str:
        assert self._run is not None
        if dump(document(self._run)) != self._members[manifest.DOCUMENT]:
            raise AcceptanceError(f"{manifest.DOCUMENT} does not say what the recorded exchanges and verdicts say")
        return f"{manifest.DOCUMENT} follows from the journal"

    def _page(self) -> str:
        assert self._run is not None
        made_by = self._run.started.harness
        if made_by != __version__:
            return f"made by version {made_by}, this is {__version__}: not rendered again, rely on {manifest.DOCUMENT}"
        if render(self._run, document(self._run), signed=True).encode("utf-8") != self._members[manifest.PAGE]:
            raise AcceptanceError(f"{manifest.PAGE} does not show what the recorded exchanges and verdicts say")
        return f"{manifest.PAGE} follows from the journal"

    def _required(self) -> str:
        assert self._run is not None
        present = {source.id for source in self._run.started.test_sets}
        for required in self._policy.required_test_sets:
            if required not in present:
                raise AcceptanceError(f"the policy demands the test set {required!r}, which was not run")
        return "satisfied"


def verify(path: Path, policy: TrustPolicy, now: datetime) -> Verification:
    """Check the acceptance file at ``path`` against ``policy``, with ``now`` (aware) as the present.

    Never raises for what the file holds: the answer's ``failure`` says what is wrong.
    """
    return _Verifier(path, policy, now).run()
