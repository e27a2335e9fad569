"""``fhir-harness testsets export``: a test set for other engines."""

from pathlib import Path

import typer
from fhir.resources.R4B.testscript import TestScript
from pydantic import ValidationError

from harness.cli.testsets import FIXTURES, ROOT, load_catalogue
from harness.engine.codec import dumps
from harness.errors import UsageError
from harness.suite.testscript import export_testset

app = typer.Typer(add_completion=False)


@app.command("export")
def export(
    testset: str = typer.Argument(..., metavar="TESTSET", help="Id or path of a test set."),
    testscript: bool = typer.Option(False, "--testscript", help="As a TestScript of FHIR R4."),
    out: Path = typer.Option(Path(), "--out", "-o", metavar="DIR", help="Folder to write to."),
    root: Path | None = ROOT,
    fixtures: Path | None = FIXTURES,
) -> None:
    """Write a test set as a FHIR TestScript, its fixtures beside it, and list what could not be carried over."""
    if not testscript:
        raise UsageError("name the format to write: --testscript")
    for found in load_catalogue(root, fixtures).select([testset]):
        exported = export_testset(found)
        try:
            TestScript.model_validate(exported.script)
        except ValidationError as problem:
            raise UsageError(
                f"{found.id}: nothing of it can be a TestScript: {problem.errors()[0]['msg']}"
            ) from problem
        file = out / f"{found.id}.json"
        write({file: exported.script, **{out / path: resource for path, resource in exported.fixtures.items()}})
        for loss in exported.losses:
            typer.echo(f"{'carried over otherwise' if loss.kept else 'not carried over'}: {loss}")
        tests, left = len(exported.script.get("test", ())), sum(not loss.kept for loss in exported.losses)
        typer.echo(f"{file}: {held(tests, len(exported.fixtures))}; {left} not carried over")


def held(tests: int, fixtures: int) -> str:
    """Return what a file holds, in words."""
    return f"{tests} test{'' if tests == 1 else 's'}, {fixtures} fixture{'' if fixtures == 1 else 's'}"


def write(files: dict[Path, object]) -> None:
    """Write JSON files, and the folders they need. Raises UsageError when one is there already, or cannot be made."""
    for path, content in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as stream:
                stream.write(content if isinstance(content, bytes) else dumps(content, indent=True))
        except FileExistsError as problem:
            raise UsageError(f"{path}: exists already; choose another -o") from problem
        except OSError as problem:
            raise UsageError(f"{path}: cannot be written: {problem.strerror}; choose another -o") from problem
