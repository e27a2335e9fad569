"""``fhir-harness keys``: development keys."""

from pathlib import Path

import typer

from harness.acceptance.keys import ANCHOR, CHAIN, KEY, new_keys

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Make development keys.")


@app.callback()
def _group() -> None:
    """Keep ``new`` a subcommand although it is the only one."""


@app.command("new")
def new(
    out: Path = typer.Option(Path("keys"), help="Folder to write to."),
    organization: str = typer.Option(
        "Development", "--organization", help="Name of the organisation in the certificate."
    ),
) -> None:
    """Make a development key, its certificate, and the trust anchor to check it with."""
    new_keys(out, organization)
    typer.echo(f"{out / KEY}    private key: keep it to yourself")
    typer.echo(f"{out / CHAIN}  certificate: for accept --cert")
    typer.echo(f"{out / ANCHOR}     trust anchor: for verify --trust")
