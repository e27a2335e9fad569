"""``fhir-harness run``: run test sets against a candidate."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import typer

from harness.cli.definitions import open_definitions
from harness.cli.options import Language
from harness.cli.session import REPORT, Plan, asking, execute, new_folder
from harness.cli.testsets import FIXTURES, ROOT, load_catalogue
from harness.connection import reached
from harness.data import fixtures_for, folder
from harness.engine import Candidate, Selection
from harness.engine.client_file import ClientFile
from harness.engine.journal import read_journal
from harness.engine.planner import Every, Named, Select, Shard
from harness.engine.results import RunResult
from harness.engine.verdict import exit_class
from harness.engine.waivers import Waivers
from harness.errors import UsageError
from harness.report.catalogue import KINDS
from harness.report.words import WORDS
from harness.suite.catalogue import Catalogue
from harness.suite.model import TestSet

app = typer.Typer(add_completion=False)
ReportKind = StrEnum("ReportKind", list(KINDS))  # type: ignore[misc]


@app.command()
def run(
    testset: list[str] = typer.Argument(None, metavar="[TESTSET…]", help="Ids, paths or folders; default: all."),
    base_url: str | None = typer.Option(None, "--base-url", metavar="URL", help="FHIR base of the candidate."),
    candidate: Path | None = typer.Option(None, "--candidate", metavar="FILE", help="Candidate file, YAML."),
    token: str | None = typer.Option(None, "--token", envvar="FHIR_HARNESS_TOKEN", help="Access token."),
    header: list[str] = typer.Option([], "--header", metavar="NAME:VALUE", help="Extra header, with --base-url."),
    endpoint: list[str] = typer.Option([], "--endpoint", metavar="NAME=URL", help="Other address, with --base-url."),
    out: Path | None = typer.Option(None, "--out", help="Folder of the run; default: a new one below runs/."),
    jobs: int = typer.Option(1, "--jobs", min=1, max=64, help="Tests of a set at the same time."),
    test: list[str] = typer.Option([], "--test", metavar="ID", help="Only this test, and what it needs. Repeatable."),
    tag: list[str] = typer.Option([], "--tag", help="Only tests with this tag. Repeatable."),
    shard: str | None = typer.Option(None, "--shard", metavar="K/N", help="Part K of N; all parts together are all."),
    fail_fast: bool = typer.Option(False, "--fail-fast", help="Begin no test after a fail or an error."),
    rerun_failed: Path | None = typer.Option(
        None,
        "--rerun-failed",
        metavar="RUN",
        help="Only what failed, was an error or undecided in that run, or was skipped because of such a test.",
    ),
    resume: Path | None = typer.Option(
        None, "--resume", metavar="RUN", help="Go on with a run that was cut off; give it the same candidate."
    ),
    waivers: Path | None = typer.Option(None, "--waivers", metavar="FILE", help="Findings that are accepted, YAML."),
    seed: int | None = typer.Option(None, "--seed", help="Seed of ${random…}; default: drawn, and recorded."),
    package: list[str] = typer.Option([], "--package", help="FHIR package: folder, .tgz or id@version. Repeatable."),
    tx_url: str | None = typer.Option(None, "--tx", help="Terminology server to ask for what is not known here."),
    tx_lock: Path | None = typer.Option(None, "--tx-lock", help="Its answers: recorded; without --tx, judged by."),
    redact_identities: bool = typer.Option(
        False, "--redact-identities", help="Record no names and identifiers of the candidate's identities."
    ),
    report: list[ReportKind] = typer.Option([], "--report", help="One more report in the run's folder. Once for each."),
    root: Path | None = ROOT,
    fixtures: Path | None = FIXTURES,
    lang: Language = typer.Option(Language.EN, "--lang", help="Language of the terminal."),
    quiet: bool = typer.Option(False, "--quiet", help="Only failures and the summary."),
) -> None:
    """Run test sets: 0 pass or warn, 1 fail, 2 wrong usage, 3 undecided, 4 error, 5 nothing ran."""
    source = source_of(base_url, candidate, token, header, endpoint)
    kind = "client" if isinstance(source, ClientFile) else "server"
    if resume is not None:
        _check_resumable(kind, testset or test or tag or shard or rerun_failed or seed is not None)
    catalogue = load_catalogue(root, fixtures)
    plan = Plan(
        catalogue,
        _chosen(catalogue, testset or [], kind, Selection(test, tag)),
        root or folder("testsets"),
        fixtures or fixtures_for(root or folder("testsets")),
        open_definitions(package),
        _select(test, tag, shard, rerun_failed),
        seed,
        jobs if kind == "server" else 1,  # a client does one thing at a time
        fail_fast,
        resume=resume,
        waivers=Waivers.from_file(waivers) if waivers else None,
    )
    out = new_folder(out, "run")
    with reached(source, lang.value, typer.echo) as (found, incoming):
        target = found.with_hidden_identities() if redact_identities else found
        with asking(plan, tx_url, tx_lock, out) as asked:
            result = execute(asked, target, out, lang.value, quiet=quiet, reports=report, incoming=incoming)
    words = WORDS[lang.value]
    typer.echo(f"{words.report}{words.colon} {out / REPORT}")
    raise typer.Exit(exit_class(result.verdict))


def _check_resumable(kind: str, choosing: object) -> None:
    """Raise UsageError when a run of such a candidate, ``choosing`` its tests, cannot go on with another one."""
    if kind == "client":
        raise UsageError("--resume is for candidates that are servers; run a client's tests anew")
    if choosing:
        raise UsageError("--resume goes on with the tests and the seed of that run; leave out what chooses others")


def _chosen(catalogue: Catalogue, names: list[str], kind: str, selection: Selection) -> list[TestSet]:
    """Return the sets for such a candidate, and tell what is selected in vain. Raises TestSetError, UsageError."""
    chosen = [found for found in catalogue.select(names) if found.candidate == kind]
    selection.check(chosen)
    for stranger in selection.strangers(chosen):
        typer.echo(f"fhir-harness: {stranger}", err=True)
    return chosen


def _select(test: list[str], tag: list[str], shard: str | None, rerun_failed: Path | None) -> Select | None:
    """Return what chooses the tests, or None for all. Raises UsageError, JournalError."""
    selects: list[Select] = [Selection(test, tag)] if test or tag else []
    if shard is not None:
        selects.append(Shard.parse(shard, "--shard"))
    if rerun_failed is not None:
        selects.append(Named(RunResult.read(read_journal(rerun_failed)).unproven))
    return Every(selects) if selects else None


def source_of(
    base_url: str | None,
    file: Path | None,
    token: str | None,
    header: list[str],
    endpoint: Sequence[str] = (),
) -> Candidate | ClientFile:
    """Return the candidate that the options name, or the file of one that is a client. Raises UsageError."""
    client = ClientFile.read(file) if file is not None and base_url is None else None
    if client is None:
        return candidate_of(base_url, file, token, header, endpoint)
    if header or endpoint:
        raise UsageError("--header and --endpoint go with --base-url; a candidate file has its own")
    return client


def candidate_of(
    base_url: str | None,
    file: Path | None,
    token: str | None,
    header: list[str],
    endpoint: Sequence[str] = (),
) -> Candidate:
    """Return the candidate that the options of a command name. Raises UsageError when they do not fit together."""
    if (base_url is None) == (file is None):
        raise UsageError("name the candidate: either --base-url URL or --candidate FILE")
    if file is not None:
        if header or endpoint:
            raise UsageError("--header and --endpoint go with --base-url; a candidate file has its own")
        return Candidate.from_file(file)
    headers = {}
    for pair in header:
        name, separator, value = pair.partition(":")
        if not separator or not name.strip():
            raise UsageError(f"--header needs NAME:VALUE, not {len(pair)} characters without a colon")
        headers[name.strip()] = value.strip()
    return Candidate.at(base_url or "", token=token, headers=headers, endpoints=_endpoints(endpoint))


def _endpoints(pairs: Sequence[str]) -> dict[str, str]:
    named = {}
    for pair in pairs:
        name, separator, url = pair.partition("=")
        if not separator or not name or not url:
            raise UsageError(f'--endpoint needs NAME=URL, such as mes-measures=https://fhir.example/mes, not "{pair}"')
        named[name] = url
    return named
