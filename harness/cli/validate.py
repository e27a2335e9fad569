"""``fhir-harness validate``: judge FHIR resources by their profiles."""

import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import typer

from harness.cli.options import Format, Language, open_definitions, read_file
from harness.engine.verdict import Exit
from harness.errors import UsageError
from harness.validation.outcome import Outcome
from harness.validation.validator import Validator

app = typer.Typer()
_MARKS = {"fatal": "✗", "error": "✗", "warning": "!", "information": "·"}


@app.command()
def validate(
    files: list[Path] = typer.Argument(..., metavar="FILE…", help="JSON files, folders, or - for standard input."),
    profile: list[str] = typer.Option([], "--profile", help="Canonical URL of a profile to judge by. Repeatable."),
    package: list[str] = typer.Option([], "--package", help="FHIR package: folder, .tgz or id@version. Repeatable."),
    format: Format = typer.Option(Format.TEXT, "--format", help="text, or json: one OperationOutcome a line."),  # noqa: A002
    lang: Language = typer.Option(Language.EN, "--lang", help="Language of the messages."),
) -> None:
    """Judge FHIR resources: 0 valid, 1 not valid, 3 not all of it could be judged."""
    validator = Validator(open_definitions(package), lang=lang.value)
    failed = undecided = False
    for name, data in _sources(files):
        outcome = validator.validate(data, profiles=profile)
        failed |= not outcome.ok
        undecided |= outcome.undecided
        if format is Format.JSON:
            typer.echo(orjson.dumps(outcome.operation_outcome()).decode("utf-8"))
        else:
            typer.echo(_text(name, outcome))
    raise typer.Exit(Exit.FAIL if failed else Exit.UNDECIDED if undecided else Exit.OK)


def _sources(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        if str(path) == "-":
            yield "standard input", sys.stdin.buffer.read()
        elif path.is_dir():
            inside = sorted(path.rglob("*.json"))
            if not inside:
                raise UsageError(f"{path}: this folder holds no .json file")
            yield from ((str(file), read_file(file, "the resource")) for file in inside)
        else:
            yield str(path), read_file(path, "the resource")


def _text(name: str, outcome: Outcome) -> str:
    errors = len(outcome.errors)
    word = f"{errors} error{'s' * (errors != 1)}" if errors else "undecided" if outcome.undecided else "valid"
    lines = [f"{name}: {word}"]
    for issue in outcome.issues:
        rule = f"{issue.rule}/{issue.constraint}" if issue.constraint else issue.rule
        lines.append(f"  {_MARKS[issue.severity]} {issue.expression}  [{rule}]")
        lines.append(f"      {issue.message}")
        if issue.profile:
            lines.append(f"      profile: {issue.profile}")
    return "\n".join(lines)
