"""``fhir-harness compare``: two runs, test by test."""

from enum import StrEnum
from pathlib import Path

import typer

from harness.acceptance.compare import compare as compare_runs
from harness.cli.evidence import POLICY, TRUST, UNSAFE, Trust
from harness.cli.options import Language
from harness.errors import UsageError
from harness.report.comparison import Comparison, render_html, render_json, render_text

app = typer.Typer(add_completion=False)


class Shape(StrEnum):
    """How a comparison is written."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


@app.command()
def compare(
    first: Path = typer.Argument(..., metavar="A", help="Run folder or acceptance file."),
    second: Path = typer.Argument(..., metavar="B", help="What is held against it."),
    trust: list[Path] = TRUST,
    policy: Path | None = POLICY,
    unsafe: bool = UNSAFE,
    format: Shape = typer.Option(Shape.TEXT, "--format", help="text, json or html."),  # noqa: A002
    out: Path | None = typer.Option(None, "--out", metavar="FILE", help="Write there, not to the terminal."),
    everything: bool = typer.Option(False, "--all", help="In the text, the tests that are the same, too."),
    lang: Language = typer.Option(Language.EN, "--lang", help="Language of the text, and that the page opens in."),
) -> None:
    """Compare B to A: 0 same or better, 1 a test is worse, 3 none is worse and some cannot be compared, 5 no test."""
    trusted = Trust(trust, policy, unsafe)
    comparison = compare_runs(trusted.open(first), trusted.open(second))
    text = written(comparison, format, lang, everything=everything)
    if out is None:
        typer.echo(text)
    else:
        write(out, text)
    raise typer.Exit(comparison.exit)


def written(comparison: Comparison, shape: Shape, lang: Language, *, everything: bool = False) -> str:
    """Return the comparison in the shape that was asked for."""
    match shape:
        case Shape.JSON:
            return render_json(comparison).decode("utf-8").rstrip()
        case Shape.HTML:
            return render_html(comparison, lang.value)
        case Shape.TEXT:
            return render_text(comparison, lang.value, everything=everything)


def write(path: Path, text: str) -> None:
    """Write a comparison to a file. Raises UsageError when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"{path}: cannot be written: {problem.strerror}; choose another --out") from problem
