"""``fhir-harness validate``: judge FHIR resources by their profiles."""

import sys
import time
from enum import StrEnum
from pathlib import Path

import typer

from harness.cli import inputs
from harness.cli.judging import Judged, Setup, default_jobs, judge_all
from harness.cli.options import Format, Language
from harness.engine.verdict import Exit
from harness.errors import UsageError
from harness.fhir import tx

app = typer.Typer(add_completion=False)
_TICK = 0.2


class UnknownExtensions(StrEnum):
    """What becomes of an extension that nobody here defines."""

    ERROR = "error"
    INFORMATION = "information"
    ALLOWED = "allowed"


class UnknownCodes(StrEnum):
    """What becomes of a code whose code system is not at hand, and of which no profile speaks."""

    INFORMATION = "information"
    ALLOWED = "allowed"


_SUMMARIES = {
    "en": "{resources} resources: {valid} valid, {failed} with errors, {undecided} undecided "
    "({seconds:.1f} s, {rate:.0f}/s)",
    "fr": "{resources} ressources : {valid} valides, {failed} avec erreurs, {undecided} non décidées "
    "({seconds:.1f} s, {rate:.0f}/s)",
}


class _Tally:
    """Counts what was judged, and shows it on standard error while it goes on, when that is a terminal."""

    def __init__(self, lang: str) -> None:
        self.resources = self.failed = self.undecided = 0
        self._lang = lang
        self._begun = self._shown = time.monotonic()
        self._live = sys.stderr.isatty()

    def add(self, judged: Judged) -> None:
        self.resources += judged.resources
        self.failed += judged.failed
        self.undecided += judged.undecided
        now = time.monotonic()
        if self._live and now - self._shown > _TICK:
            self._shown = now
            sys.stderr.write(f"\r\x1b[K{self.summary()}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the progress off the terminal, before something else is written there."""
        if self._live:
            sys.stderr.write("\r\x1b[K")

    def summary(self) -> str:
        seconds = max(time.monotonic() - self._begun, 0.001)
        return _SUMMARIES[self._lang].format(
            resources=self.resources,
            valid=self.resources - self.failed - self.undecided,
            failed=self.failed,
            undecided=self.undecided,
            seconds=seconds,
            rate=self.resources / seconds,
        )


@app.command()
def validate(
    files: list[Path] = typer.Argument(
        ..., metavar="FILE…", help="JSON, XML or NDJSON files, folders, or - for standard input."
    ),
    profile: list[str] = typer.Option([], "--profile", help="Canonical URL of a profile to judge by. Repeatable."),
    package: list[str] = typer.Option([], "--package", help="FHIR package: folder, .tgz or id@version. Repeatable."),
    format: Format = typer.Option(Format.TEXT, "--format", help="text, or json: one OperationOutcome a line."),  # noqa: A002
    lang: Language = typer.Option(Language.EN, "--lang", help="Language of the messages."),
    tx_url: str | None = typer.Option(None, "--tx", help="Terminology server to ask for what is not known here."),
    tx_lock: Path | None = typer.Option(
        None, "--tx-lock", help="Record its answers here; without --tx, judge by them."
    ),
    unknown_extensions: UnknownExtensions = typer.Option(
        UnknownExtensions.ERROR,
        "--unknown-extensions",
        help="What an extension is that nobody here defines; run takes 'allowed', as FHIR does.",
    ),
    unknown_codes: UnknownCodes = typer.Option(
        UnknownCodes.INFORMATION,
        "--unknown-codes",
        help="What a code is whose code system is not at hand: undecided (information), or let be, as run does.",
    ),
    must_support: bool = typer.Option(
        False, "--must-support", help="Say which elements that a profile marks as must-support are absent."
    ),
    jobs: int = typer.Option(0, "--jobs", min=0, help="Processes; 0 stands for one a core.", show_default=False),
    executor: str | None = typer.Option(None, "--executor", help="dask://host:port: judge on a Dask cluster."),
) -> None:
    """Judge FHIR resources: 0 valid, 1 not valid, 3 not all of it could be judged."""
    inputs.check(files)
    setup = Setup(
        tuple(profile),
        tuple(package),
        lang.value,
        format is Format.JSON,
        tx_url,
        tx_lock,
        unknown_extensions.value,
        unknown_codes.value,
        must_support,
    )
    lock = tx.AnswerLock(tx_lock, must_exist=tx_url is None) if tx_lock is not None else None
    tally = _Tally(lang.value)
    for judged in judge_all(setup, inputs.read(files), jobs or default_jobs(), executor):
        tally.clear()
        typer.echo(judged.text)
        if lock is not None:
            lock.add(judged.answers)
        tally.add(judged)
    tally.clear()
    if lock is not None:
        lock.save()
    if not tally.resources:
        raise UsageError(f"{', '.join(map(str, files))}: there is no resource in it")
    if format is Format.TEXT and tally.resources > 1:
        typer.echo(tally.summary())
    raise typer.Exit(Exit.FAIL if tally.failed else Exit.UNDECIDED if tally.undecided else Exit.OK)
