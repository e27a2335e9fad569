"""``fhir-harness accept``: sign a run."""

from datetime import UTC, datetime
from pathlib import Path

import typer

from harness.acceptance.bundle import sign
from harness.acceptance.signing import load_chain, load_private_key
from harness.cli.options import read_file
from harness.report.completeness import lacking
from harness.report.inert import printable

app = typer.Typer(add_completion=False)

_SHOWN = 20


@app.command()
def accept(
    run: Path = typer.Argument(..., metavar="RUN", help="Folder of a run."),
    key: Path = typer.Option(..., "--key", help="Private key, PEM."),
    cert: Path = typer.Option(..., "--cert", help="Certificate chain, PEM, the signer's first."),
    out: Path = typer.Option(..., "--out", help="Acceptance file to write."),
) -> None:
    """Sign a run: make its acceptance file."""
    chain = load_chain(read_file(cert, "the certificate chain"), name=cert)
    accepted = sign(run, load_private_key(read_file(key, "the private key"), name=key), chain, out, datetime.now(UTC))
    counts = ", ".join(f"{number} {verdict}" for verdict, number in accepted.run.counts().items())
    typer.echo(f"{out}: signed; {counts}")
    lacks = lacking(accepted.run)
    if not lacks:
        typer.echo("Complete: every test of the test sets ran and passed, and the software is named.")
        return
    typer.echo(f"For a satisfactory file it still lacks {len(lacks)}, and its first page shows them:")
    for lack in lacks[:_SHOWN]:
        typer.echo(f"  {lack.code:11} {printable(lack.place)}: {printable(lack.message)}")
    if len(lacks) > _SHOWN:
        typer.echo(f"  … and {len(lacks) - _SHOWN} more")
