"""``fhir-harness disclose``: tell one redacted value of a run in a way that can be checked, and check it."""

import sys
from pathlib import Path

import orjson
import typer

from harness.acceptance.disclosure import check_disclosure
from harness.acceptance.disclosure import disclose as make_disclosure
from harness.cli.options import read_file
from harness.errors import UsageError

app = typer.Typer(add_completion=False)


@app.command()
def disclose(
    source: Path = typer.Argument(..., metavar="RUN|FILE", help="Folder of a run; with --check, an acceptance file."),
    value: Path | None = typer.Option(None, "--value-file", help="File with the value; default: standard input."),
    check: Path | None = typer.Option(None, "--check", metavar="JSON", help="Check this disclosure against FILE."),
) -> None:
    """Disclose one redacted value of a run (JSON on standard output), or check such a disclosure: 0 when it holds."""
    if check is not None:
        if value is not None:
            raise UsageError("--check takes the value from the disclosure; leave --value-file out")
        names = check_disclosure(read_file(check, "the disclosure"), source)
        typer.echo(f"The disclosure holds: the value stands in {source} as {', '.join(names)}.")
        typer.echo("Whether the file itself can be relied on, 'fhir-harness verify' says.")
        return
    data = read_file(value, "the value") if value is not None else sys.stdin.buffer.read()
    try:
        text = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as problem:
        raise UsageError("the value is not UTF-8 text") from problem
    typer.echo(orjson.dumps(make_disclosure(source, text), option=orjson.OPT_INDENT_2).decode())
