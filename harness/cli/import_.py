"""``fhir-harness testsets import``: a FHIR TestScript becomes a test set."""

from pathlib import Path
from typing import Any

import typer
import yaml

from harness.cli.definitions import open_definitions
from harness.cli.export import write
from harness.errors import HarnessError, TestSetError
from harness.fhir.xml import from_xml
from harness.suite.loader import load_testset
from harness.suite.source import read_bytes, read_json
from harness.suite.testscript import import_testscript

app = typer.Typer(add_completion=False)


class _Plain(yaml.SafeDumper):
    """Writes what stands twice twice: people read and change these files."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


@app.command("import")
def import_(
    file: Path = typer.Argument(..., metavar="FILE", help="A TestScript of FHIR R4, JSON or XML."),
    out: Path = typer.Option(Path(), "--out", "-o", metavar="DIR", help="Folder: testsets/ and fixtures/ below it."),
) -> None:
    """Make a test set of a FHIR TestScript, and list what could not be carried over."""
    script = _read(file)
    imported = import_testscript(script, lambda reference: _referenced(file.parent, reference))
    name = str(imported.test_set["testset"])
    target, fixtures = out / "testsets" / f"{name}.yaml", out / "fixtures"
    text = yaml.dump(imported.test_set, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    files: dict[Path, object] = {fixtures / name / f"{key}.json": value for key, value in imported.fixtures.items()}
    write({**files, target: text.encode()})
    for loss in imported.losses:
        typer.echo(f"not carried over: {loss}")
    load_testset(target, root=target.parent, fixtures=fixtures)
    tests = len(imported.test_set["tests"])
    typer.echo(f"{target}: {tests} tests, {len(imported.fixtures)} fixtures; {len(imported.losses)} not carried over")
    typer.echo(f"Run it: fhir-harness run {name} --root {target.parent} --fixtures {fixtures} --base-url URL")


def _read(file: Path) -> dict[str, Any]:
    data = read_bytes(file, str(file))
    value = from_xml(data, open_definitions([])) if data.lstrip()[:1] == b"<" else read_json(data, str(file))
    if not isinstance(value, dict):
        raise TestSetError(f"{file}: not a resource; name a TestScript in JSON or XML")
    return value


def _referenced(folder: Path, reference: str) -> dict[str, Any] | None:
    """Return the resource of a relative reference, where it lies in the folder of the script or below it."""
    if "://" in reference:
        return None
    for name in (reference, f"{reference}.json", f"{reference}.xml", f"{reference.replace('/', '-').lower()}.json"):
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            try:
                return _read(path)
            except HarnessError:
                return None
    return None
