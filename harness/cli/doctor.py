"""``fhir-harness doctor``: what stands between the harness and a candidate."""

import asyncio
from pathlib import Path

import orjson
import typer

from harness.cli.options import Format, Language
from harness.cli.run import candidate_of
from harness.cli.session import show_sign_in
from harness.engine.candidate import Candidate
from harness.engine.diagnosis import Diagnosis, State
from harness.engine.doctor import examine
from harness.engine.verdict import Exit

app = typer.Typer(add_completion=False)


@app.command()
def doctor(
    base_url: str | None = typer.Option(None, "--base-url", metavar="URL", help="FHIR base of the candidate."),
    candidate: Path | None = typer.Option(None, "--candidate", metavar="FILE", help="Candidate file, YAML."),
    token: str | None = typer.Option(None, "--token", envvar="FHIR_HARNESS_TOKEN", help="Access token."),
    header: list[str] = typer.Option([], "--header", metavar="NAME:VALUE", help="Extra header, with --base-url."),
    format: Format = typer.Option(Format.TEXT, "--format", help="text or json."),  # noqa: A002
    lang: Language = typer.Option(Language.EN, "--lang", help="Language of the text."),
) -> None:
    """Check name, connection, TLS, tokens and metadata of a candidate: 0 when tests can run, 1 when not."""
    found = asyncio.run(_all(candidate_of(base_url, candidate, token, header), format, lang))
    raise typer.Exit(Exit.FAIL if any(one.state is State.FAIL for one in found) else Exit.OK)


async def _all(target: Candidate, form: Format, lang: Language) -> list[Diagnosis]:
    found = []
    redactor = target.redactor()
    async for one in examine(target, show_sign_in):
        found.append(one)
        said, advice = redactor.text(one.found(lang.value)), one.advice(lang.value)
        if form is Format.JSON:
            told = {"name": one.name, "state": one.state, "code": one.code, "found": said, "advice": advice}
            typer.echo(orjson.dumps(told))
        else:
            typer.echo(f"{one.state:4}  {one.name}: {said}" + (f"\n      {advice}" if advice else ""))
    return found
