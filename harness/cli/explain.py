"""``fhir-harness explain``: what a finding code means, and how to mend it."""

import difflib

import typer

from harness.cli.options import Language
from harness.engine.codes import CODES, lookup, meaning
from harness.errors import UsageError
from harness.validation.messages import RULES

app = typer.Typer(add_completion=False)
_CONFORMS = "conforms"


@app.command()
def explain(
    code: str = typer.Argument(..., metavar="CODE", help="A finding code, or a rule of the validator."),
    lang: Language = typer.Option(Language.EN, "--lang", help="Language of the text."),
) -> None:
    """Say what a finding code means and how to mend it."""
    name = code.removeprefix(f"{_CONFORMS}.")
    if name in RULES:
        rule = RULES[name]
        sentence = (rule.fr if lang is Language.FR else rule.en).replace("{", "‹").replace("}", "›")
        typer.echo(f"{_CONFORMS}.{name} ({rule.severity}, {rule.code})\n{sentence}")
        typer.echo(meaning(_CONFORMS, lang.value))
        return
    if lookup(code) is None or code.startswith(f"{_CONFORMS}."):
        known = [*CODES, *RULES, *(f"{_CONFORMS}.{rule}" for rule in RULES)]
        near = difflib.get_close_matches(code, known, 1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise UsageError(f'no finding has the code "{code}"{hint}')
    typer.echo(f"{code}\n{meaning(code, lang.value)}")
