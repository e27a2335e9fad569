"""Check an acceptance file, offline: each question by name, in an order in which each relies on those before it.

Nothing but the container and the signature is parsed before the signer is known to be trusted.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from harness import __version__
from harness.acceptance.consistency import check_consistency
from harness.acceptance.container import load, unpack
from harness.acceptance.document import document, dump
from harness.acceptance.installed import Installed, remarks
from harness.acceptance.manifest import DEMANDED, DOCUMENT, NAME, PAGE, SIGNATURE, check_members, sha256
from harness.acceptance.path import check_revocation, name_of
from harness.acceptance.signing import Signature, check_signature
from harness.acceptance.sources import source_problems
from harness.acceptance.trust import (
    TrustPolicy,
    check_age,
    check_definitions,
    check_path,
    check_signer,
    check_test_sets,
)
from harness.engine import journal
from harness.engine.results import RunResult
from harness.errors import AcceptanceError, HarnessError
from harness.report.html import render

NOT_JUDGED = "the verdicts are the publisher's, and were not judged again; rejudge does that"
"""What verifying leaves open."""


@dataclass(frozen=True)
class CheckedItem:
    """One question and its answer."""

    name: str
    ok: bool
    message: str
    made: bool = True
    """False when it could not be asked: one before it failed, or another version of the harness made the page."""

    @property
    def result(self) -> str:
        """``ok``, ``failed`` or ``not-made``."""
        return "ok" if self.ok else "failed" if self.made else "not-made"


@dataclass
class Verification:
    """What came of it. Only when ``ok`` may ``document`` be believed."""

    checks: list[CheckedItem] = field(default_factory=list)
    document: Mapping[str, Any] | None = None
    """The verified acceptance.json; None when a check failed."""
    data: bytes = field(default=b"", repr=False)
    """The bytes that were checked; empty when they could not be read."""
    remarks: tuple[str, ...] = ()
    """Test sets that ran and are not those of the catalogue here: nothing failed for it, and people should know."""

    @property
    def ok(self) -> bool:
        """Whether each check that could be made held, and nothing else was relied on."""
        return self.document is not None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes that were checked, hexadecimal."""
        return sha256(self.data)

    @property
    def failure(self) -> CheckedItem | None:
        """The first check that did not hold."""
        return next((item for item in self.checks if item.made and not item.ok), None)

    def as_json(self) -> dict[str, Any]:
        """Return the answer for machines."""
        failure = self.failure
        return {
            "ok": self.ok,
            "failure": failure.name if failure else None,
            "checks": [
                {"name": item.name, "ok": item.ok, "result": item.result, "message": item.message}
                for item in self.checks
            ],
            "judgedAgain": False,
            "note": NOT_JUDGED,
            "remarks": list(self.remarks),
            "document": self.document,
        }


class _NotAskedError(Exception):
    """A question that this version cannot answer, and whose answer nothing else relies on."""


class _Verifier:
    """The checks share what the ones before found; the first that fails ends them, for the rest rely on it."""

    def __init__(self, file: Path, policy: TrustPolicy, now: datetime) -> None:
        self._file, self._policy, self._now = file, policy, now
        self._members: Mapping[str, bytes] = {}
        self._signature: Signature | None = None
        self._path: tuple[Any, ...] = ()
        self._run: RunResult | None = None
        self._digests: Mapping[str, str] = {}
        self._data = b""
        self._document: dict[str, Any] = {}
        self._installed = Installed.here()

    def run(self) -> Verification:
        result = Verification()
        steps: list[tuple[str, Callable[[], str]]] = [
            ("container", self._container),
            ("signature", self._check_signature),
            ("certificate", self._certificate),
            ("signer", lambda: check_signer(self._path[0], self._policy)),
            ("revocation", self._revocation),
            ("age", self._age),
            ("manifest", self._manifest),
            ("journal", self._journal),
            ("report", self._report),
            ("page", self._page),
            ("test sets", self._test_sets),
            ("definitions", lambda: check_definitions(self._policy, self._ran.started.definitions)),
        ]
        for name, step in steps:
            if result.failure is not None:
                message = f"not asked, because the check of the {result.failure.name} failed"
                result.checks.append(CheckedItem(name, False, message, made=False))
                continue
            try:
                result.checks.append(CheckedItem(name, True, step()))
            except HarnessError as problem:
                result.checks.append(CheckedItem(name, False, str(problem)))
            except _NotAskedError as reason:
                result.checks.append(CheckedItem(name, False, str(reason), made=False))
        if result.failure is None:
            result.document = orjson.loads(self._members[DOCUMENT])
            result.remarks = remarks(self._ran.started.test_sets, self._installed)
        result.data = self._data
        return result

    @property
    def _signed(self) -> Signature:
        assert self._signature is not None
        return self._signature

    @property
    def _ran(self) -> RunResult:
        assert self._run is not None
        return self._run

    def _container(self) -> str:
        self._data = load(self._file)
        try:
            self._members = unpack(self._data)
        except AcceptanceError as problem:
            raise AcceptanceError(f"{self._file}: {problem}") from problem
        for name in DEMANDED:
            if name not in self._members:
                raise AcceptanceError(f"{name} is missing from the file: it is no acceptance file, or was altered")
        return f"{len(self._members)} members"

    def _check_signature(self) -> str:
        self._signature = check_signature(self._members[SIGNATURE], self._members[NAME])
        return f"{self._signature.algorithm}, {self._signature.signed_at.isoformat()}"

    def _certificate(self) -> str:
        self._path = check_path(self._signed.chain, self._policy, self._signed.signed_at, self._now)
        return " ← ".join(map(name_of, self._path))

    def _revocation(self) -> str:
        lists, required = self._policy.crls, self._policy.crls_required
        return check_revocation(self._path, lists, self._now, required=required)

    def _age(self) -> str:
        check_age(self._policy, self._signed.signed_at, self._now)
        return f"signed {self._signed.signed_at.isoformat()}"

    def _manifest(self) -> str:
        listed = {k: v for k, v in self._members.items() if k not in (NAME, SIGNATURE)}
        self._digests = check_members(self._members[NAME], listed)
        return f"{len(listed)} digests hold"

    def _journal(self) -> str:
        lines = io.BytesIO(self._members[journal.NAME])
        self._run = RunResult.read(journal.parse_journal(lines, journal.NAME))
        if self._run.finished is None or self._run.missing:
            raise AcceptanceError("the run was cut off before its end, so it proves nothing")
        for problem in source_problems(self._digests, self._run.started):
            raise AcceptanceError(problem)
        check_consistency(self._run)
        return f"{len(self._run.tests)} tests"

    def _test_sets(self) -> str:
        return check_test_sets(self._policy, self._ran.started.test_sets, self._installed)

    def _report(self) -> str:
        self._document = document(self._ran)
        if dump(self._document) != self._members[DOCUMENT]:
            raise AcceptanceError(f"{DOCUMENT} does not say what the recorded exchanges and verdicts say")
        return f"{DOCUMENT} follows from the journal"

    def _page(self) -> str:
        made_by = self._ran.started.harness
        if made_by != __version__:
            raise _NotAskedError(
                f"made by version {made_by}, this is {__version__}: not made again, rely on {DOCUMENT}"
            )
        if render(self._ran, self._document, signed=True).encode("utf-8") != self._members[PAGE]:
            raise AcceptanceError(f"{PAGE} does not show what the recorded exchanges and verdicts say")
        return f"{PAGE} follows from the journal"


def verify(path: Path, policy: TrustPolicy, now: datetime) -> Verification:
    """Check the acceptance file at ``path`` against ``policy``, with ``now`` (aware) as the present.

    Never raises for what the file holds: the answer's ``failure`` says what is wrong.
    """
    return _Verifier(path, policy, now).run()
