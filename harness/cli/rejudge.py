"""``fhir-harness rejudge``: all checks again, on the recorded exchanges."""

import importlib
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import orjson
import typer

from harness.acceptance.attribution import Cause
from harness.acceptance.rejudge import Rejudgement, ShelfEntry, ShelfOptions, rejudge_shelf, shelf
from harness.cli.evidence import POLICY, TRUST, UNSAFE, Trust, anchors
from harness.cli.options import Format
from harness.cli.testsets import FIXTURES, ROOT
from harness.data import fixtures_for, folder
from harness.engine.journal import NAME
from harness.engine.verdict import Exit
from harness.errors import UsageError
from harness.report.inert import one_line

app = typer.Typer(add_completion=False)
_WIDTH = 80
_EXPLAINED: Mapping[str, str] = {Cause.RECORDED: "recorded (the verdict does not follow from its exchanges: altered?)"}


@app.command()
def rejudge(
    target: Path = typer.Argument(..., metavar="FILE|RUN|DIR", help="Acceptance file, run folder, or folder of such."),
    trust: list[Path] = TRUST,
    policy: Path | None = POLICY,
    unsafe: bool = UNSAFE,
    local_testsets: bool = typer.Option(
        False, "--local-testsets", help="Judge with the test sets here (--root), not with those of the file."
    ),
    local_definitions: bool = typer.Option(
        False, "--local-definitions", help="Judge with the definitions here, also where the recorded ones are at hand."
    ),
    root: Path | None = ROOT,
    fixtures: Path | None = FIXTURES,
    package: list[str] = typer.Option([], "--package", help="FHIR package: folder, .tgz or id@version. Repeatable."),
    jobs: int | None = typer.Option(
        None, "--jobs", min=1, max=256, help="Processes for a folder; default: one a core."
    ),
    executor: str | None = typer.Option(None, "--executor", metavar="dask://HOST:PORT", help="Cluster for a folder."),
    format: Format = typer.Option(Format.TEXT, "--format", help="text, or json: one object a line."),  # noqa: A002
) -> None:
    """Verify, then judge the recorded exchanges again, offline.

    0: the same verdicts; 1: others, not verified, or a test set that is not the catalogue's of its name; 2: no record.
    """
    paths = shelf(target) if target.is_dir() and not (target / NAME).is_file() else [target]
    if not Trust(trust, policy, unsafe).given and any(not path.is_dir() for path in paths):
        raise UsageError(
            "an acceptance file is only judged once it verifies: name whom you trust (--trust CA.pem or --policy), "
            "or say --unsafe-skip-verification"
        )
    sets = root or folder("testsets")
    options = ShelfOptions(
        anchors=anchors(trust),
        policy_file=str(policy.resolve()) if policy is not None else "",
        unsafe_skip_verification=unsafe,
        packages=tuple(package),
        lock_folder=str(Path.cwd()),
        testsets=(str(sets.resolve()), str((fixtures or fixtures_for(sets)).resolve())) if local_testsets else None,
        local_definitions=local_definitions,
    )
    with _executor(executor, jobs or os.cpu_count() or 1, len(paths)) as pool:
        entries = rejudge_shelf(paths, options, pool)
    for entry in entries:
        typer.echo(_json(entry) if format is Format.JSON else "\n".join(_text(entry)))
    if any(entry.unreadable for entry in entries):
        raise typer.Exit(Exit.USAGE)
    same = all(entry.result is not None and entry.result.same and not entry.result.altered for entry in entries)
    raise typer.Exit(Exit.OK if same else Exit.FAIL)


@contextmanager
def _executor(address: str | None, jobs: int, tasks: int) -> Iterator[Executor | None]:
    if address is not None:
        with _dask(address) as executor:
            yield executor
    elif min(jobs, tasks) == 1:
        yield None
    else:
        # Spawned: a fork would copy threads' locks in whatever state they are.
        with ProcessPoolExecutor(min(jobs, tasks), multiprocessing.get_context("spawn")) as pool:
            yield pool


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    scheme, _, place = address.partition("://")
    if scheme != "dask" or not place:
        raise UsageError(f"--executor {address}: write dask://HOST:PORT, the address of a Dask scheduler")
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as problem:
        raise UsageError("--executor dask://… needs Dask: pip install 'fhir-harness[dask]'") from problem
    try:
        client = distributed.Client(f"tcp://{place}", timeout="10s")
    except (OSError, ValueError, TimeoutError) as problem:
        raise UsageError(f"--executor {address}: no Dask scheduler answers there: {problem}") from problem
    try:
        yield client.get_executor()
    finally:
        client.close()


def _json(entry: ShelfEntry) -> str:
    if entry.result is None:
        return orjson.dumps({"path": str(entry.path), "problem": entry.problem}).decode()
    return orjson.dumps(entry.result.as_json()).decode()


def _text(entry: ShelfEntry) -> list[str]:
    if entry.result is None:
        return [f"NOT JUDGED {entry.problem}"]
    found = entry.result
    word = "OTHER" if not found.same else "ALTERED" if found.altered else "SAME"
    lines = [f"{word} {entry.path}", *_around(found)]
    for change in found.changes:
        lines.append(f"  {change.before} → {change.after or '–'}  {change.test_set}/{change.test}")
        lines.append(f"    cause: {_causes(change.causes)}")
        lines.append(f"    was:   {change.reason_before or change.before}")
        lines.append(f"    now:   {change.reason_after or change.after}")
    for rule in found.requirements:
        lines.append(f"  requirement {rule.requirement}: {rule.before or '–'} → {rule.after or '–'}")
        lines.append(f"    cause: {_causes(rule.causes)}")
    return [lines[0], *(_fitted(line) for line in lines[1:])]


def _around(found: Rejudgement) -> list[str]:
    unsigned = "" if found.verified else " (not verified)"
    equal = "verdicts, findings and exchanges are the same, bit for bit" if found.identical else ""
    lines = [f"  {remark}" for remark in found.remarks]
    lines.append(f"  {found.tests} tests{unsigned}: {found.verdict_before} → {found.verdict_after}")
    if equal:
        lines.append(f"  {equal}")
    if found.other_findings:
        lines.append(f"  {found.other_findings} tests: the same verdict, other findings")
    lines += [f"  not here with the recorded digest: {name}" for name in found.definitions_missing]
    lines += [f"  test set {one.id} differs: {', '.join(one.tests) or 'in no test'}" for one in found.test_sets]
    lines += [f"  {name}: {was or '–'} → {now or '–'}" for name, (was, now) in found.versions.items()]
    return lines


def _causes(causes: Sequence[str]) -> str:
    return ", ".join(_EXPLAINED.get(cause, cause) for cause in causes)


def _fitted(line: str) -> str:
    indent = len(line) - len(line.lstrip())
    return " " * indent + one_line(line, _WIDTH - indent)
