"""``fhir-harness sandbox``: serve the simulated Mon espace santé."""

from pathlib import Path

import typer

from harness.sandbox.app import MEASURES_PREFIX, PREFIX
from harness.sandbox.assembly import make_service
from harness.sandbox.defects import DEFECTS
from harness.sandbox.desk import Desk, Opening
from harness.sandbox.measures.population import SOLUTION
from harness.sandbox.policy import Policy
from harness.sandbox.server import serve
from harness.sandbox.store import Store

app = typer.Typer(add_completion=False)


@app.command()
def sandbox(
    host: str = typer.Option(
        "127.0.0.1", "--host", help="Address to listen on; the default is for this machine alone."
    ),
    port: int = typer.Option(8080, "--port", min=0, max=65535, help="Port; 0 for a free one."),
    store: str = typer.Option(
        "sqlite://",
        "--store",
        metavar="URL",
        help="Where it keeps what is stored: sqlite:///FILE, postgresql://USER@HOST/DB.",
    ),
    defect: list[str] = typer.Option([], "--defect", metavar="NAME", help="Seed a departure. Repeatable."),
    public_url: str | None = typer.Option(
        None, "--public-url", metavar="URL", help="The address that others use, where it is another than --host."
    ),
    redirect_uri: list[str] = typer.Option(
        [], "--redirect-uri", metavar="URL", help="Where a sign-in may return to, beyond this machine. Repeatable."
    ),
    client_key: Path | None = typer.Option(
        None, "--client-key", metavar="FILE", help="Public key (PEM) of a client that signs its assertions."
    ),
    cors: list[str] = typer.Option(
        [],
        "--cors",
        metavar="ORIGIN",
        help="Let scripts of this origin call the sandbox; none can by default. Repeatable.",
    ),
    rate: float | None = typer.Option(
        None,
        "--rate",
        min=0,
        metavar="N",
        help="Requests a second from one address, 0 for any; 100 by default where --host is not this machine alone.",
    ),
    list_defects: bool = typer.Option(False, "--list-defects", help="List the departures that can be seeded."),
) -> None:
    """Serve the simulated Mon espace santé until Ctrl-C."""
    if list_defects:
        for known in DEFECTS.values():
            typer.echo(f"{known.name:36} {known.requirement:16} {known.summary}")
        return
    serve(
        host,
        port,
        make_service(Store(store), policy=Policy(cors=bool(cors)), defects=defect),
        _tell,
        opening=Opening(public_url, tuple(redirect_uri), tuple(cors), client_key),
        rate=rate,
    )


def _tell(desk: Desk) -> None:
    client = desk.authorization.clients[SOLUTION.client_id]
    typer.echo(f"FHIR R4               {desk.address}{PREFIX}")
    typer.echo(f"Measures API          {desk.address}{MEASURES_PREFIX}")
    typer.echo(f"Page for testers      {desk.page_url}")
    typer.echo(f"Authorization server  {desk.discovery_url}")
    typer.echo(f"Client                {SOLUTION.client_id}, secret {client.new_secret()} (or none, with PKCE)")
    if desk.unnamed:
        typer.echo("These addresses hold on this machine alone: say which one others use with --public-url.")
    typer.echo("Ctrl-C stops it.")
