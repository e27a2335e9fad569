"""``fhir-harness rerun``: the submitted tests once more, against the candidate itself."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from harness.acceptance.recorded import Recorded, open_recorded
from harness.acceptance.rerun import plan_rerun
from harness.acceptance.rerun import rerun as run_again
from harness.acceptance.testset_differences import TestSetDifference
from harness.cli.compare import Shape, write, written
from harness.cli.definitions import open_definitions
from harness.cli.evidence import POLICY, TRUST, UNSAFE, Trust
from harness.cli.options import Language
from harness.cli.run import source_of
from harness.cli.session import Plan, asking, execute, new_folder
from harness.cli.testsets import FIXTURES, ROOT, load_catalogue
from harness.connection import reached
from harness.data import fixtures_for, folder
from harness.engine import Candidate
from harness.engine.planner import Select
from harness.suite.model import TestSet

app = typer.Typer(add_completion=False)


@app.command()
def rerun(
    file: Path = typer.Argument(..., metavar="FILE", help="Acceptance file, or run folder."),
    base_url: str | None = typer.Option(None, "--base-url", metavar="URL", help="FHIR base of the candidate."),
    candidate: Path | None = typer.Option(None, "--candidate", metavar="FILE", help="Candidate file, YAML."),
    token: str | None = typer.Option(None, "--token", envvar="FHIR_HARNESS_TOKEN", help="Access token."),
    header: list[str] = typer.Option([], "--header", metavar="NAME:VALUE", help="Extra header, with --base-url."),
    endpoint: list[str] = typer.Option([], "--endpoint", metavar="NAME=URL", help="Other address, with --base-url."),
    trust: list[Path] = TRUST,
    policy: Path | None = POLICY,
    unsafe: bool = UNSAFE,
    repeat: int = typer.Option(1, "--repeat", metavar="N", min=1, max=100, help="Run N times, to find flaky tests."),
    seed: int | None = typer.Option(None, "--seed", help="Seed of ${random…}; default: a new one each time."),
    jobs: int = typer.Option(1, "--jobs", min=1, max=64, help="Tests of a set at the same time."),
    package: list[str] = typer.Option([], "--package", help="FHIR package: folder, .tgz or id@version. Repeatable."),
    root: Path | None = ROOT,
    fixtures: Path | None = FIXTURES,
    out: Path | None = typer.Option(None, "--out", help="Folder of the runs; default: a new one below runs/."),
    lang: Language = typer.Option(Language.EN, "--lang", help="Language of the terminal."),
) -> None:
    """Verify, run the same tests from the test sets here, and compare: exit classes as compare."""
    recorded = Trust(trust, policy, unsafe).open(file)
    source = source_of(base_url, candidate, token, header, endpoint)
    sets = root or folder("testsets")
    catalogue = load_catalogue(root, fixtures)
    plan = plan_rerun(recorded, catalogue)
    definitions = open_definitions(package)
    out = new_folder(out, "rerun")
    for one in plan.differences:
        _show(one)

    at_once = jobs if isinstance(source, Candidate) else 1

    def perform(number: int, test_sets: Sequence[TestSet], select: Select) -> Recorded:
        place = out / str(number + 1) if repeat > 1 else out / "run"
        own = fixtures or fixtures_for(sets)
        again = Plan(catalogue, test_sets, sets, own, definitions, select, seed, at_once)
        with (
            reached(source, lang.value, typer.echo) as (target, incoming),
            asking(again, None, None, place, recorded.answers) as asked,
        ):
            execute(asked, target, place, lang.value, incoming=incoming)
        return open_recorded(place, None, datetime.now(UTC))

    found = run_again(plan, perform, repeat)
    for shape, name in ((Shape.JSON, "comparison.json"), (Shape.HTML, "comparison.html")):
        write(out / name, written(found.comparison, shape, lang))
    typer.echo("\n" + written(found.comparison, Shape.TEXT, lang))
    typer.echo(f"Comparison: {out / 'comparison.html'}")
    raise typer.Exit(found.comparison.exit)


def _show(one: TestSetDifference) -> None:
    here = f"{one.local_version} {one.local[:12]}" if one.local else "not here"
    typer.echo(f"Test set {one.id}: submitted {one.submitted_version} {one.submitted[:12]}, here {here}")
    for name, change in one.tests.items():
        typer.echo(f"  {change:8} {name}")
    if one.local and not one.tests:
        typer.echo("  no test differs in what it does and demands")
