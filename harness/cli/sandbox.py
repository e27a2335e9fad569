"""``fhir-harness sandbox``: serve the simulated Mon espace santé."""

import typer

from harness.sandbox.assembly import make_service
from harness.sandbox.defects import DEFECTS
from harness.sandbox.server import serve
from harness.sandbox.store import Store

app = typer.Typer()


@app.command()
def sandbox(
    host: str = typer.Option(
        "127.0.0.1", "--host", help="Address to listen on; the default is for this machine alone."
    ),
    port: int = typer.Option(8080, "--port", min=0, max=65535, help="Port; 0 for a free one."),
    store: str = typer.Option("sqlite://", "--store", metavar="URL", help="sqlite:///FILE keeps what is stored."),
    defect: list[str] = typer.Option([], "--defect", metavar="NAME", help="Seed a departure. Repeatable."),
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
        make_service(Store(store), defects=defect),
        lambda base: typer.echo(f"FHIR R4 at {base} (Ctrl-C stops it)"),
    )
