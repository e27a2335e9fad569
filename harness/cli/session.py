"""One run as the commands make it: console, journal, reports and the kept sources, in one folder."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from harness import connection
from harness.acceptance.sources import SourceKeeper, keep_answers
from harness.engine import Candidate, commitment, run_sync
from harness.engine.access import Grant
from harness.engine.awaiting import Incoming
from harness.engine.checks.evidence import Judge
from harness.engine.codes import Language
from harness.engine.events import Event, SetFinished
from harness.engine.journal import JournalWriter, read_journal
from harness.engine.planner import Select
from harness.engine.results import RunResult
from harness.engine.resume import Resumed, take_up
from harness.engine.runner import default_judge, signed_in
from harness.engine.unfinished import StoppedAtOnce
from harness.engine.waivers import Waivers
from harness.errors import JournalError, UsageError
from harness.fhir import tx
from harness.fhir.definitions import Definitions
from harness.fhir.tx.lock import written
from harness.interruption import termination_interrupts
from harness.report.catalogue import DEFAULT, KINDS
from harness.report.console import ConsoleWriter
from harness.report.file import ReportFile
from harness.report.writer import Writer
from harness.suite.catalogue import Catalogue
from harness.suite.model import TestSet

REPORT = KINDS["html"].file


@dataclass(frozen=True)
class Plan:
    """What to run, and with what."""

    catalogue: Catalogue
    test_sets: Sequence[TestSet]
    testsets_root: Path
    fixtures_root: Path
    definitions: Definitions
    selection: Select | None = None
    seed: int | None = None
    jobs: int = 1
    fail_fast: bool = False
    waivers: Waivers | None = None
    resume: Path | None = None
    """The folder of a run that was cut off, to go on with it."""
    judge: Judge | None = None
    """What judges resources; by default what the engine takes."""


@contextlib.contextmanager
def asking(plan: Plan, url: str | None, lock: Path | None, out: Path, recorded: bytes | None = None) -> Iterator[Plan]:
    """Yield ``plan`` with the terminology of ``--tx URL`` and ``--tx-lock FILE``; the lock is written at the end.

    What was answered is kept in the run's folder ``out`` too, so that the record needs neither to be judged again.
    ``recorded`` are such answers of an earlier run. Raises UsageError for a bad address, TxLockError for a lock that
    was altered or, without an address, is missing.
    """
    terminology = tx.open_terminology(plan.definitions, url=url, lock=lock, recorded=recorded)
    if terminology is None:
        yield plan
        return
    with terminology:
        try:
            yield replace(plan, judge=default_judge(plan.definitions, terminology))
        finally:
            if terminology.answers:
                keep_answers(out, written(terminology.answers))


def new_folder(out: Path | None, name: str) -> Path:
    """Return the folder of a new run: ``out``, or one below ``runs/`` named by the time and ``name``.

    Raises UsageError when ``out`` holds something already.
    """
    if out is None:
        return Path("runs") / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{name}"
    try:
        taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    except OSError as problem:
        raise UsageError(f"{out}: cannot be read ({problem.strerror}); choose another --out, or leave it out") from None
    if taken:
        raise UsageError(f"{out}: holds something already; choose another --out, or leave it out")
    return out


def execute(
    plan: Plan,
    candidate: Candidate,
    out: Path,
    language: Language,
    *,
    quiet: bool = False,
    reports: Sequence[str] = (),
    incoming: Incoming | None = None,
) -> RunResult:
    """Run and write ``journal.ndjson``, ``sources/``, the default reports and those that ``reports`` names to ``out``.

    ``incoming`` is where the requests of a candidate come in that is a client.

    ``secrets.json`` beside them holds what only the maker of the run keeps. Raises HarnessError when the folder cannot
    be written.
    """
    salt = commitment.kept(plan.resume) if plan.resume else commitment.new_salt()
    candidate = replace(candidate, salt=salt)
    resumed = None
    if plan.resume is not None:
        candidate, grants = asyncio.run(signed_in(candidate, show_sign_in))
        resumed = _resumed(plan, plan.resume, candidate, grants)
    commitment.keep(out, salt)
    writers: list[Writer] = [
        JournalWriter(out),
        SourceKeeper(out, plan.testsets_root, plan.fixtures_root),
        *(ReportFile(out / KINDS[kind].file, KINDS[kind].render) for kind in dict.fromkeys((*DEFAULT, *reports))),
        _WhileRead(ConsoleWriter(sys.stdout, language=language, quiet=quiet)),
    ]
    try:
        with termination_interrupts():
            return run_sync(
                plan.test_sets,
                candidate,
                definitions=plan.definitions,
                requirements=plan.catalogue.requirements,
                transport=resumed,
                select=resumed.select if resumed else plan.selection,
                seed=resumed.started.seed if resumed else plan.seed,
                fail_fast=plan.fail_fast or (resumed is not None and resumed.started.fail_fast),
                show=show_sign_in,
                waivers=plan.waivers or (Waivers.of(resumed.started.waivers) if resumed else None),
                judge=plan.judge,
                incoming=incoming,
                jobs=plan.jobs,
                writers=writers,
                command=("fhir-harness", *sys.argv[1:]),
            )
    except KeyboardInterrupt as told:
        onward = f"; go on with --resume {out}" if incoming is None else ""
        cleaned = _cleaned(out, at_once=isinstance(told, StoppedAtOnce))
        sys.stderr.write(f"fhir-harness: interrupted, {cleaned}{onward}\n")
        raise


def _cleaned(out: Path, *, at_once: bool) -> str:
    """Return how far an interrupted run took away what it had made."""
    left: list[str] = []
    with contextlib.suppress(JournalError):  # it may have ended before there was one
        left += (place for event in read_journal(out) if isinstance(event, SetFinished) for place in event.leftovers)
    if at_once:
        known = f", such as {', '.join(left)}" if left else ""
        return f"and ended at once: what it made may still be on the candidate{known}"
    return f"and {', '.join(left)} could not be deleted on the candidate" if left else "and cleaned up"


class _WhileRead:
    """The terminal, as long as somebody reads it: a run that nobody watches any more goes on, and is recorded."""

    def __init__(self, terminal: Writer) -> None:
        self._terminal: Writer | None = terminal

    def open(self) -> None:
        """Get ready."""
        self._show(lambda terminal: terminal.open())

    def write(self, event: Event) -> None:
        """Show one event."""
        self._show(lambda terminal: terminal.write(event))

    def close(self) -> None:
        """Show failures and the summary."""
        self._show(lambda terminal: terminal.close())

    def _show(self, show: Callable[[Writer], None]) -> None:
        if self._terminal is None:
            return
        try:
            show(self._terminal)
        except (OSError, SystemExit):  # rich ends the process where a pipe is closed (`| head`)
            self._terminal = None


def show_sign_in(address: str) -> None:
    """Show a person at the terminal where they sign in."""
    connection.show_sign_in(address, lambda text: print(text, file=sys.stderr))


def _resumed(plan: Plan, folder: Path, candidate: Candidate, grants: Sequence[Grant]) -> Resumed:
    """Return what goes on with the run in ``folder``, and tell what it left that could not be taken away."""
    taken = take_up(read_journal(folder), plan.test_sets, candidate, grants, plan.definitions)
    resumed, left = asyncio.run(taken)
    for place in left:
        sys.stderr.write(f"fhir-harness: {place}, which the cut-off run made, could not be deleted\n")
    return resumed
