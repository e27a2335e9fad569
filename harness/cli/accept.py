"""``fhir-harness accept``: sign a run."""

from datetime import UTC, datetime
from pathlib import Path

import typer

from harness.acceptance.bundle import sign_run
from harness.acceptance.signing import load_chain, load_private_key
from harness.cli.options import read_file
from harness.engine.verdict import Verdict

app = typer.Typer()


@app.command()
def accept(
    run: Path = typer.Argument(..., metavar="RUN", help="Folder of a run."),
    key: Path = typer.Option(..., "--key", help="Private key, PEM."),
    cert: Path = typer.Option(..., "--cert", help="Certificate chain, PEM, the signer's first."),
    out: Path = typer.Option(..., "--out", help="Acceptance file to write."),
) -> None:
    """Sign a run: make its acceptance file."""
    chain = load_chain(read_file(cert, "the certificate chain"))
    accepted = sign_run(run, load_private_key(read_file(key, "the private key")), chain, out, datetime.now(UTC))
    counts = ", ".join(f"{number} {verdict}" for verdict, number in accepted.run.counts().items())
    typer.echo(f"{out}: signed; {counts}")
    unsatisfied = [test for test in accepted.run.tests if test.verdict not in (Verdict.PASS, Verdict.WARN)]
    if unsatisfied:
        typer.echo(f"Not yet proven: {len(unsatisfied)} tests neither passed nor warned, and the file shows them:")
        for test in unsatisfied[:20]:
            typer.echo(f"  {test.verdict:9} {test.started.test_set}/{test.started.test}: {test.reason}")
        if len(unsatisfied) > 20:
            typer.echo(f"  … and {len(unsatisfied) - 20} more")
