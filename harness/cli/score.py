"""``fhir-harness testsets score``: what the test sets detect, and what they miss."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from harness.cli.scoring import Score, Trial, measure
from harness.cli.testsets import FIXTURES, ROOT
from harness.data import fixtures_for, folder
from harness.engine.verdict import Exit
from harness.errors import UsageError
from harness.sandbox.defects import DEFECTS, chosen

app = typer.Typer(add_completion=False)

FILE = "score.json"
"""The kept score, beside the test sets."""
_LEAST = 0.98


@app.command()
def score(
    jobs: int = typer.Option(2, "--jobs", min=1, max=64, help="Processes."),
    defect: list[str] = typer.Option([], "--defect", metavar="NAME", help="Only this defect. Repeatable."),
    shard: str = typer.Option("1/1", "--shard", metavar="N/M", help="Only every M-th defect, from the N-th on."),
    update: bool = typer.Option(False, "--update", help="Keep the score in score.json beside the test sets."),
    check: bool = typer.Option(False, "--check", help="Exit 1 when the score is not the one that is kept."),
    idle: bool = typer.Option(False, "--idle", help="List the checks that never made a difference."),
    root: Path | None = ROOT,
    fixtures: Path | None = FIXTURES,
) -> None:
    """Run the sets against a right sandbox and against one with each seeded defect; say what was detected.

    The right sandbox is tried with every test. A defect is tried with the tests that verify its requirement, and those
    that they need: only they can detect it. Exit 1 when less than 98 % is detected, or when the right sandbox fails.
    With --defect or --shard, --update keeps what was tried; which checks are decisive, the whole alone tells.
    """
    own = root or folder("testsets")
    names = [one.name for one in chosen(defect)] or _shard(shard)
    found = measure(own, fixtures or fixtures_for(own), names, jobs, _progress)
    _print(found, idle)
    file = own / FILE
    if update:
        kept = found.kept() if len(names) == len(DEFECTS) else merged(_kept(file), found)
        file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    differences = _differences(file, found) if check else []
    for line in differences:
        typer.echo(line)
    bad = differences or found.unclean or found.crashed or found.share < _LEAST
    raise typer.Exit(Exit.FAIL if bad else Exit.OK)


def _shard(text: str) -> list[str]:
    number, _, of = text.partition("/")
    if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise UsageError(f"--shard {text}: write N/M, such as 1/4, with N from 1 to M")
    return sorted(DEFECTS)[int(number) - 1 :: int(of)]


def _progress(trial: Trial) -> None:
    typer.echo(f"\r{trial.defect or 'the healthy sandbox':50}", nl=False, err=True)


def _print(found: Score, idle: bool) -> None:
    typer.echo(f"\n{'requirement':20} {'defects':>7} {'found':>6}  missed")
    rules: dict[str, list[str]] = {}
    for name, detection in found.detections.items():
        rules.setdefault(detection.requirement, []).append(name)
    for rule, names in sorted(rules.items()):
        missed = [name for name in names if name in found.missed]
        typer.echo(f"{rule:20} {len(names):7} {len(names) - len(missed):6}  {', '.join(missed)}")
    typer.echo(f"\n{'kind of check':20} {'all':>7} {'decisive':>9}")
    for kind, (whole, some) in found.kinds.items():
        typer.echo(f"{kind:20} {whole:7} {some:9}")
    if idle:
        typer.echo("\nNever made a difference:")
        for key in found.idle:
            typer.echo(f"  {key}")
    for name in found.crashed:
        typer.echo(f"A defect, and yet a crash: {name or 'the healthy sandbox'}")
    for line in found.unclean:
        typer.echo(f"Healthy, and yet {line}")
    detected = len(found.detections) - len(found.missed)
    typer.echo(f"\n{detected} of {len(found.detections)} defects detected by a test of their own requirement"
               f" ({found.share:.1%}); {len(found.unclean)} findings on the healthy sandbox")  # fmt: skip


def _kept(file: Path) -> Mapping[str, Any]:
    try:
        kept: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
        return {"defects": {**kept["defects"]}, "checks": {**kept["checks"]}}
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UsageError(f"{file}: not a kept score ({problem}); make one with --update") from None


def merged(kept: Mapping[str, Any], found: Score) -> dict[str, Any]:
    """The kept score with what was tried in place; defects that are no more are left out."""
    now = found.kept()
    defects = {name: one for name, one in {**kept["defects"], **now["defects"]}.items() if name in DEFECTS}
    checks = {
        kind: {"all": one["all"], "decisive": kept["checks"].get(kind, one)["decisive"]}
        for kind, one in now["checks"].items()
    }
    return {"defects": dict(sorted(defects.items())), "checks": checks}


def _differences(file: Path, found: Score) -> list[str]:
    """What is not as it is kept, in lines; of a shard or a selection, only what was tried."""
    kept, now = _kept(file), found.kept()
    before = kept["defects"]
    lines = [
        f"{file.name}: {name}: detected by {', '.join(one['detected-by']) or 'nothing'};"
        f" kept: {', '.join(before.get(name, {}).get('detected-by', ())) or 'nothing'}"
        for name, one in now["defects"].items()
        if before.get(name) != one
    ]
    if len(found.detections) == len(DEFECTS):
        lines += [f"{file.name}: {name}: there is no such defect any more" for name in before if name not in DEFECTS]
        lines += [
            f"{file.name}: {kind}: {now['checks'].get(kind)}; kept: {kept['checks'].get(kind)}"
            for kind in sorted({*now["checks"], *kept["checks"]})
            if now["checks"].get(kind) != kept["checks"].get(kind)
        ]
    return [*lines, f"{file.name} is not up to date: --update keeps what was found"] if lines else []
