"""``fhir-harness testsets``: list, check and show test sets."""

import importlib
import json
from pathlib import Path

import typer
from typer.core import TyperGroup
from typer.main import get_command

from harness.cli.definitions import open_definitions
from harness.cli.options import Language
from harness.data import fixtures_for, folder
from harness.engine.candidate_file import schema as candidate_schema
from harness.engine.verdict import Exit
from harness.suite.catalogue import Catalogue
from harness.suite.lint import lint as lint_catalogue
from harness.suite.policies import policies, spelled
from harness.suite.requirements import coverage as cover
from harness.suite.requirements import requirements_for
from harness.suite.schema import schema_text

_LOADED = {"score": "harness.cli.score", "export": "harness.cli.export", "import": "harness.cli.import_"}


class _Group(TyperGroup):
    """Knows the commands that need more, the sandbox or FHIR's models, and loads one only when it is called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return [*super().list_commands(ctx), *_LOADED]

    def get_command(self, ctx: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def,override]
        if cmd_name not in _LOADED:
            return super().get_command(ctx, cmd_name)
        return get_command(importlib.import_module(_LOADED[cmd_name]).app)


app = typer.Typer(add_completion=False, no_args_is_help=True, cls=_Group, help="List, check and show test sets.")

ROOT = typer.Option(None, "--root", help="Folder of test sets; default: those that came with the harness.")
FIXTURES = typer.Option(None, "--fixtures", help="Folder of fixtures; default: the one beside the test sets.")
LEFT_OUT = 0.08
"""The share of the rules for servers that may go without a test, for a reason."""
LANG = typer.Option(Language.EN, "--lang", help="Language of the titles.")


def load_catalogue(root: Path | None, fixtures: Path | None) -> Catalogue:
    """Load a catalogue; the requirements are its own or else those that came with the harness. Raises TestSetError."""
    own = root or folder("testsets")
    return Catalogue.load(own, fixtures or fixtures_for(own), requirements_for(own if own.is_dir() else own.parent))


@app.command("list")
def list_sets(root: Path | None = ROOT, fixtures: Path | None = FIXTURES, lang: Language = LANG) -> None:
    """List the test sets and how many tests each holds."""
    for found in load_catalogue(root, fixtures).test_sets:
        tests = f"{len(found.tests):4} tests"
        typer.echo(f"{found.id:34} {found.version:8} {found.candidate:7} {tests}  {found.title[lang.value]}")


@app.command()
def lint(root: Path | None = ROOT, fixtures: Path | None = FIXTURES) -> None:
    """Find mistakes before any run: 0 none, 1 some."""
    definitions = open_definitions([])
    catalogue = load_catalogue(root, fixtures)
    problems = lint_catalogue(catalogue, lambda url: definitions.structure(url) is not None)
    for problem in problems:
        typer.echo(str(problem.within(catalogue.folder)))
    typer.echo(f"{len(problems)} problem{'s' * (len(problems) != 1)}")
    raise typer.Exit(Exit.FAIL if problems else Exit.OK)


@app.command()
def show(
    name: str = typer.Argument(..., metavar="TESTSET", help="Id or path of a test set."),
    root: Path | None = ROOT,
    fixtures: Path | None = FIXTURES,
    lang: Language = LANG,
) -> None:
    """Show the tests of a set and what each verifies."""
    for found in load_catalogue(root, fixtures).select([name]):
        typer.echo(f"{found.id} {found.version}: {found.title[lang.value]}")
        for test in found.tests:
            control = f"  (negative; control: {test.control})" if test.control else ""
            typer.echo(f"  {test.id}{control}\n      {test.title[lang.value]}")
            typer.echo(f"      verifies {', '.join(test.verifies) or '-'}")


@app.command()
def coverage(
    check: bool = typer.Option(
        False, "--check", help="Exit 1 when a rule for servers has neither test nor reason, or a reason is stale."
    ),
    root: Path | None = ROOT,
    fixtures: Path | None = FIXTURES,
) -> None:
    """Show which requirements have a test, by topic, and why where none."""
    catalogue = load_catalogue(root, fixtures)
    joined = cover(catalogue.test_sets, catalogue.requirements)
    typer.echo(f"{'topic':28} {'tested':>7} {'reason':>7} {'neither':>8}")
    for topic, (tested, reasoned, bare) in joined.topics().items():
        typer.echo(f"{topic:28} {tested:7} {reasoned:7} {bare:8}")
    rules = [rule for rule in catalogue.requirements.by_id.values() if rule.actor in ("server", "both")]
    reasoned = sum(rule.id in catalogue.requirements.untested for rule in rules)
    typer.echo(f"\nRules for servers: {len(rules)}; without a test, for a reason: {reasoned} (at most {LEFT_OUT:.0%})")
    clients = {one.id for one in catalogue.test_sets if one.candidate == "client"}
    own = [rule.id for rule in catalogue.requirements.by_id.values() if rule.actor in ("client", "both")]
    tried = sum(any(one in clients for one, _ in joined.tests[rule]) for rule in own)
    typer.echo(f"Rules for clients: {len(own)}; with a test for clients: {tried}")
    missing = [rule.id for rule in joined.missing if rule in rules]
    if missing:
        typer.echo(f"Neither a test nor a reason: {', '.join(missing)}")
    for name in joined.stale:
        typer.echo(f"{catalogue.requirements.locations[f'untested.{name}']}: {name} has a test now; delete this reason")
    wrong = missing or joined.stale or reasoned > LEFT_OUT * len(rules)
    raise typer.Exit(Exit.FAIL if check and wrong else Exit.OK)


@app.command("policies")
def list_policies(lang: Language = LANG) -> None:
    """List the choices of a candidate file, their values and defaults; and the ambiguities that leave none."""
    known = policies()
    for rule in known.by_name.values():
        allowed = [spelled(one.value) for one in rule.values] or [rule.pattern or f"{rule.low:g} to {rule.high:g}"]
        typer.echo(f"{rule.name}: {' | '.join(allowed)}  (default {spelled(rule.default)}; {rule.ambiguity})")
        typer.echo(f"    {rule.title[lang.value]}. {rule.changes if lang is Language.EN else ''}".rstrip())
        for one in rule.values:
            typer.echo(f"      {spelled(one.value)}: {one.says[lang.value]}")
    for name, reason in known.settled.items():
        typer.echo(f"{name}: no choice: {reason}")


@app.command()
def schema(
    candidate: bool = typer.Option(False, "--candidate", help="That of candidate files, with every policy."),
) -> None:
    """Print the JSON Schema of test sets, or of candidate files, for editors."""
    typer.echo(json.dumps(candidate_schema(), indent=2, ensure_ascii=False) if candidate else schema_text())
