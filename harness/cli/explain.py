"""``fhir-harness explain``: what a finding code means, and how to mend it."""

import difflib

import typer

from harness.cli.options import Language
from harness.engine.codes import CODES, meaning
from harness.errors import UsageError
from harness.validation.messages import RULES

app = typer.Typer(add_completion=False)
_CONFORMS = "conforms"


@app.command()
def explain(
    code: str = typer.Argument(
        "", metavar="[CODE]", help="A finding code, or a rule of the validator; none: list them."
    ),
    lang: Language = typer.Option(Language.EN, "--lang", help="Language of the text."),
) -> None:
    """Say what a finding code means and how to mend it."""
    if not code:
        for known in (*CODES, *(f"{_CONFORMS}.{rule}" for rule in RULES)):
            typer.echo(known)
        return
    code = code.strip().lower()
    name = code.removeprefix(f"{_CONFORMS}.")
    if name in RULES:
        rule = RULES[name]
        sentence = (rule.fr if lang is Language.FR else rule.en).replace("{", "‹").replace("}", "›")
        typer.echo(f"{_CONFORMS}.{name} ({rule.severity}, {rule.code})\n{sentence}")
        typer.echo(meaning(_CONFORMS, lang.value))
        return
    if code not in CODES:
        names = [*CODES, *RULES, *(f"{_CONFORMS}.{rule}" for rule in RULES)]
        near = difflib.get_close_matches(code, names, 1)
        hint = f'; did you mean "{near[0]}"?' if near else "; explain without a code lists them all"
        raise UsageError(f'no finding has the code "{code}"{hint}')
    typer.echo(f"{code}\n{meaning(code, lang.value)}")
