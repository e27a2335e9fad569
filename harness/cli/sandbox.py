"""``fhir-harness sandbox``: serve the simulated Mon espace santé."""

import typer

from harness.sandbox.assembly import make_service
from harness.sandbox.server import serve

app = typer.Typer()


@app.command()
def sandbox(
    host: str = typer.Option(
        "127.0.0.1", "--host", help="Address to listen on; the default is for this machine alone."
    ),
    port: int = typer.Option(8080, "--port", min=0, max=65535, help="Port; 0 for a free one."),
) -> None:
    """Serve the simulated Mon espace santé until Ctrl-C."""
    serve(host, port, make_service(), lambda base: typer.echo(f"FHIR R4 at {base} (Ctrl-C stops it)"))
