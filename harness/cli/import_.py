"""``fhir-harness testsets import``: a FHIR TestScript becomes a test set."""

import re
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer
import yaml

from harness.cli.definitions import open_definitions
from harness.cli.export import held, write
from harness.errors import HarnessError, TestSetError, UsageError
from harness.fhir.xml import from_xml
from harness.suite.loader import load_testset
from harness.suite.source import read_bytes, read_json
from harness.suite.testscript import Folder, import_testscript

app = typer.Typer(add_completion=False)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


class _Plain(yaml.SafeDumper):
    """Writes what stands twice twice: people read and change these files. Numbers are numbers as JSON has them."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    quoted = _NUMBER.fullmatch(value) is not None  # 1e5 is no number to the dumper, and one to who reads it
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="'" if quoted else None)


def _decimal(dumper: yaml.SafeDumper, value: Decimal) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:float", str(value))


_Plain.add_representer(str, _text)
_Plain.add_representer(Decimal, _decimal)


@app.command("import")
def import_(
    file: Path = typer.Argument(..., metavar="FILE", help="A TestScript of FHIR R4, JSON or XML."),
    out: Path = typer.Option(Path(), "--out", "-o", metavar="DIR", help="Folder: testsets/ and fixtures/ below it."),
    variable: list[str] = typer.Option(
        [], "--variable", metavar="NAME=VALUE", help="The value of a variable of the script. Repeatable."
    ),
) -> None:
    """Make a test set of a FHIR TestScript, and list what could not be carried over, or otherwise."""
    folder = Folder(file.parent, _read)
    try:
        imported = import_testscript(_read(file), folder.find, _values(variable))
    except TestSetError as problem:
        raise TestSetError(str(problem) if str(problem).startswith(str(file)) else f"{file}: {problem}") from problem
    name = str(imported.test_set["testset"])
    text = yaml.dump(imported.test_set, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110).encode()
    files: dict[Path, object] = {Path("testsets") / f"{name}.yaml": text}
    files |= {Path("fixtures") / name / f"{key}.json": value for key, value in imported.fixtures.items()}
    _prove(files, file)
    write({out / path: content for path, content in files.items()})
    for loss in imported.losses:
        typer.echo(f"{'carried over otherwise' if loss.kept else 'not carried over'}: {loss}")
    left = sum(not loss.kept for loss in imported.losses)
    tests, root = len(imported.test_set["tests"]), out / "testsets"
    typer.echo(f"{root / name}.yaml: {held(tests, len(imported.fixtures))}; {left} not carried over")
    typer.echo(f"Run it: fhir-harness run {name} --root {root} --fixtures {out / 'fixtures'} --base-url URL")


def _values(variables: list[str]) -> dict[str, str]:
    values = {}
    for one in variables:
        name, separator, value = one.partition("=")
        if not separator or not name:
            raise UsageError(f'--variable needs NAME=VALUE, not "{one}"')
        values[name] = value
    return values


def _prove(files: dict[Path, object], script: Path) -> None:
    """Load what is to be written, in a folder of its own: nothing that cannot be loaded is left behind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write({folder / path: content for path, content in files.items()})
        try:
            load_testset(folder / next(iter(files)), root=folder / "testsets", fixtures=folder / "fixtures")
        except TestSetError as problem:
            raise TestSetError(
                f"{script}: it comes to a test set that does not load; nothing was written:\n{problem}"
            ) from problem


def _read(file: Path) -> dict[str, Any]:
    data = read_bytes(file, str(file))
    if data.lstrip()[:1] != b"<":
        value = read_json(data, str(file))
    else:
        try:
            value = from_xml(data, open_definitions([]))
        except HarnessError as problem:
            raise TestSetError(f"{file}: {problem}") from problem
    if not isinstance(value, dict):
        raise TestSetError(f"{file}: not a resource; name a TestScript in JSON or XML")
    return value
