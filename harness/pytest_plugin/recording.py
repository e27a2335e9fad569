"""A pytest session as one recorded run, which can be signed."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from harness.acceptance.bundle import sign
from harness.acceptance.signing import PrivateKey, load_chain, load_private_key
from harness.acceptance.sources import SourceKeeper, keep_answers
from harness.engine import commitment
from harness.engine.journal import JournalWriter
from harness.errors import UsageError
from harness.fhir.tx import RemoteTerminology
from harness.fhir.tx.lock import written
from harness.pytest_plugin.running import Running, Stopped
from harness.pytest_plugin.scene import Scene
from harness.pytest_plugin.words import WORDS
from harness.pytest_plugin.work import Work
from harness.report.catalogue import DEFAULT, KINDS
from harness.report.file import ReportFile

_MOST_JOBS = 64


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
        if not 1 <= self.jobs <= _MOST_JOBS:
            raise UsageError(f"--fhir-jobs needs 1 to {_MOST_JOBS}, not {self.jobs}")
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


class Recording:
    """The folder of a run, and what is made of it when the session ends."""

    def __init__(self, order: Order, scene: Scene, terminology: RemoteTerminology | None = None) -> None:
        """Record what ``scene`` is about, as ``order`` says; what ``terminology`` answered is kept with it."""
        self._order, self._scene, self._terminology = order, scene, terminology
        self._scratch = None if order.out else tempfile.TemporaryDirectory(prefix="fhir-harness-")
        self.folder = order.out or Path(self._scratch.name if self._scratch else "")

    def running(self, work: Work) -> Running:
        """Return the run of ``work``, which is recorded as it goes on. Raises HarnessError."""
        root, fixtures = work.roots
        resumed = self._scene.resume
        salt = commitment.kept(resumed) if resumed else commitment.new_salt()
        commitment.keep(self.folder, salt)
        return Running(
            self._scene,
            work,
            [JournalWriter(self.folder), SourceKeeper(self.folder, root, fixtures), *self._reports()],
            jobs=self._order.jobs,
            salt=salt,
        )

    def _reports(self) -> Iterator[ReportFile]:
        for kind in dict.fromkeys((*DEFAULT, *self._order.reports)):
            yield ReportFile(self.folder / KINDS[kind].file, KINDS[kind].render)
        if self._order.page is not None:
            yield ReportFile(self._order.page, KINDS["html"].render)

    def finish(self, running: Running | None) -> str:
        """Sign what ``running``, which was stopped, recorded, when that was asked for; say what came of it.

        Raises HarnessError.
        """
        try:
            return self._concluded(running)
        finally:
            if self._scratch is not None:
                self._scratch.cleanup()

    def _concluded(self, running: Running | None) -> str:
        words = WORDS[self._scene.language]
        if running is not None and self._terminology is not None and self._terminology.answers:
            keep_answers(self.folder, written(self._terminology.answers))
        if running is not None and running.problem is not None and not isinstance(running.problem, Stopped):
            raise running.problem
        if running is None or not running.complete:
            what = words.no_test_ran if running is None else words.cut_off
            accept = self._order.accept
            told = [words.not_signed.format(file=accept, why=what) if accept else what]
            if self._order.out is not None and running is not None:
                told.append(words.so_far.format(folder=self._order.out))
                if self._scene.kind == "server":
                    told.append(words.go_on.format(folder=self._order.out))
            ending = "; ".join(told)
            if accept is not None:
                raise Stopped(ending)
            return ending
        if self._order.accept is None:
            return words.recorded.format(folder=self.folder)
        key, chain = self._order.signer()
        sign(self.folder, key, chain, self._order.accept, datetime.now(UTC))
        return words.signed.format(file=self._order.accept)
