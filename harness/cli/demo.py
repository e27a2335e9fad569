"""``fhir-harness demo``: everything, against the embedded sandbox."""

from datetime import UTC, datetime
from pathlib import Path

import typer

from harness import __version__
from harness.acceptance.bundle import sign
from harness.acceptance.keys import ANCHOR, CHAIN, KEY, new_keys
from harness.acceptance.signing import load_chain, load_private_key
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import verify
from harness.cli.definitions import open_definitions
from harness.cli.options import Language
from harness.cli.session import REPORT, Plan, execute, new_folder
from harness.cli.testsets import load_catalogue
from harness.data import folder
from harness.engine import Candidate
from harness.engine.verdict import Exit, exit_class
from harness.sandbox.process import sandbox_process

app = typer.Typer(add_completion=False)

_SOFTWARE = {"publisher": "fhir-harness", "product": "sandbox", "version": __version__, "reference": "demo"}


@app.command()
def demo(
    out: Path | None = typer.Option(None, "--out", help="Folder to write to; default: a new one below runs/."),
    lang: Language = typer.Option(Language.EN, "--lang", help="Language of the terminal."),
) -> None:
    """Run every server test set against the embedded sandbox, sign the acceptance file, and verify it."""
    out = new_folder(out, "demo")
    with sandbox_process() as sandbox:  # it gets ready while the test sets are read
        catalogue = load_catalogue(None, None)
        server_sets = [found for found in catalogue.test_sets if found.candidate == "server"]
        plan = Plan(catalogue, server_sets, folder("testsets"), folder("fixtures"), open_definitions([]), jobs=4)
        content = sandbox()
        typer.echo(f"Sandbox: {content['base-url']}")
        # What was recorded is let go: it is read again to be signed.
        verdict = execute(plan, Candidate.of({**content, "software": _SOFTWARE}), out, lang.value).verdict
    file = out / "acceptance.zip"
    new_keys(out / "keys", "Demonstration")
    key, chain, anchors = ((out / "keys" / name).read_bytes() for name in (KEY, CHAIN, ANCHOR))
    sign(out, load_private_key(key), load_chain(chain), file, datetime.now(UTC))
    answer = verify(file, TrustPolicy(load_chain(anchors)), datetime.now(UTC))
    typer.echo(f"Report:          {out / REPORT}")
    typer.echo(f"Acceptance file: {file}")
    typer.echo("Verified." if answer.ok else f"Not verified: {answer.failure}")
    raise typer.Exit(exit_class(verdict) if answer.ok else Exit.ERROR)
