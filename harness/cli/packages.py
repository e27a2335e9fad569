"""``fhir-harness packages``: which definitions judge."""

from pathlib import Path

import typer

from harness.cli.definitions import open_definitions
from harness.fhir.lock import NAME, add_to_lock, open_locked, read_lock

app = typer.Typer(add_completion=False, no_args_is_help=True, help="List, add and check FHIR packages.")


@app.command("list")
def list_packages() -> None:
    """List the packages that judge, the strongest first."""
    for info in open_definitions([]).packages:
        kind = "official" if info.official else "embedded"
        typer.echo(f"{info.name:32} {info.version:18} {kind:9} {info.digest}")


@app.command()
def add(ref: str = typer.Argument(..., metavar="REF", help="Folder, .tgz, or id@version in ~/.fhir/packages.")) -> None:
    """Judge with this official package from now on, in this folder."""
    info = add_to_lock(Path(), ref)
    typer.echo(f"{info.name} {info.version}: locked in {NAME} with digest {info.digest}")


@app.command()
def verify() -> None:
    """Check that every locked package is what was locked."""
    entries = read_lock(Path())
    for entry in entries:
        open_locked(Path(), entry)
        typer.echo(f"{entry.name} {entry.version}: unchanged")
    if not entries:
        typer.echo(f"No package is locked here: there is no {NAME}.")
