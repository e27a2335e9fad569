"""``fhir-harness generate``: good instances of a profile, different each, the same for the same seed."""

import json
import secrets
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from harness.cli.definitions import open_definitions
from harness.engine.verdict import Exit
from harness.errors import UsageError
from harness.validation.generation.strategies import instances, sample

app = typer.Typer(add_completion=False)


class Layout(StrEnum):
    """How to hand the instances over."""

    NDJSON = "ndjson"
    FILES = "files"


@app.command()
def generate(
    profile: str = typer.Option(..., "--profile", help="Canonical URL of the profile to make instances of."),
    count: int = typer.Option(20, "-n", "--count", min=1, max=10_000, help="How many instances."),
    seed: int | None = typer.Option(None, "--seed", min=0, help="The same seed gives the same instances; else any."),
    package: list[str] = typer.Option([], "--package", help="FHIR package: folder, .tgz or id@version. Repeatable."),
    format: Layout = typer.Option(Layout.NDJSON, "--format", help="ndjson on standard output, or files."),  # noqa: A002
    out: Path | None = typer.Option(None, "--out", help="The folder for --format files."),
) -> None:
    """Make instances that are valid against a profile. Fewer come where the profile leaves no more open."""
    if (format is Layout.FILES) is (out is None):
        raise UsageError("--format files and --out DIR go together: give both, or neither")
    strategy = instances(profile, open_definitions(package))
    chosen = secrets.randbits(31) if seed is None else seed
    made = sample(strategy, count, chosen)
    if not made:
        raise UsageError(f"{profile}: no valid instance was found; its rules are perhaps too far from one another")
    if out is None:
        for instance in made:
            typer.echo(json.dumps(instance, ensure_ascii=False))
    else:
        _write(made, out)
    where = f" in {out}" if out else ""
    typer.echo(f"{len(made)} of {count} instances{where}, seed {chosen}", err=True)
    raise typer.Exit(Exit.OK)


def _write(made: list[dict[str, Any]], out: Path) -> None:
    """One file an instance, named by type and number."""
    digits = len(str(len(made)))
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number, instance in enumerate(made, 1):
            path = out / f"{instance['resourceType'].lower()}-{number:0{digits}}.json"
            path.write_text(json.dumps(instance, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"{out}: the instances cannot be written: {problem.strerror}") from problem
