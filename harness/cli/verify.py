"""``fhir-harness verify``: check an acceptance file, offline."""

import gc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import typer

from harness import acceptance
from harness.acceptance.signing import load_chain
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import NOT_JUDGED, Verification
from harness.acceptance.verify import verify as verify_file
from harness.cli.chain import chain_lines, check_chain
from harness.cli.options import Format, read_file
from harness.engine.verdict import Exit
from harness.errors import UsageError
from harness.report.inert import printable

app = typer.Typer(add_completion=False)

_MARKS = {"ok": "ok  ", "failed": "FAIL", "not-made": "-   "}


@app.command()
def verify(
    file: Path = typer.Argument(..., metavar="FILE", help="Acceptance file."),
    trust: list[Path] = typer.Option([], "--trust", help="Trust anchors, PEM. Repeatable."),
    policy: Path | None = typer.Option(None, "--policy", help="Trust policy, YAML; instead of the other options."),
    organization: str | None = typer.Option(None, "--organization", help="The signer must be of this organisation."),
    max_age: int | None = typer.Option(None, "--max-age", metavar="DAYS", min=0, help="Not signed longer ago."),
    require: list[str] = typer.Option([], "--require", metavar="TESTSET", help="This test set must have run."),
    review: list[Path] = typer.Option([], "--review", metavar="R.jws", help="Reviews of the file, in order."),
    review_trust: list[Path] = typer.Option([], "--review-trust", metavar="CA.pem", help="Anchors of the reviewers."),
    format: Format = typer.Option(Format.TEXT, "--format", help="text or json."),  # noqa: A002
) -> None:
    """Check an acceptance file, offline: 0 when everything holds, 1 with the first thing that does not."""
    if policy is not None and (trust or organization is not None or max_age is not None or require):
        raise UsageError("give either --policy, or --trust with its companions: one place says whom to believe")
    demands = acceptance.read_policy(policy) if policy is not None else _policy(trust, organization, max_age, require)
    now = datetime.now(UTC)
    answer = _uncollected(file, demands, now)
    reviews = check_chain(answer, review, review_trust, now) if review else []
    if format is Format.JSON:
        content = {**answer.as_json(), "reviews": [one.as_json() for one in reviews]}
        typer.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo("\n".join([_text(answer), *chain_lines(reviews, "en")]))
    raise typer.Exit(Exit.OK if answer.ok else Exit.FAIL)


def _uncollected(file: Path, policy: TrustPolicy, now: datetime) -> Verification:
    """Verify without the garbage collector: what is read is needed until the answer, so it would look in vain."""
    gc.disable()
    try:
        return verify_file(file, policy, now)
    finally:
        gc.enable()


def _policy(trust: list[Path], organization: str | None, max_age: int | None, require: list[str]) -> TrustPolicy:
    anchors = tuple(anchor for path in trust for anchor in load_chain(read_file(path, "the trust anchor"), name=path))
    age = timedelta(days=max_age) if max_age is not None else None
    return TrustPolicy(anchors, organization, age, tuple(require))


def _text(answer: Verification) -> str:
    lines = [f"{_MARKS[item.result]}  {item.name:12} {printable(item.message)}" for item in answer.checks]
    if answer.document is not None:
        lines += [f"warn  {'test sets':12} {printable(remark)}" for remark in answer.remarks]
        software = answer.document["software"]
        name = " ".join(software.get(part, "") for part in ("publisher", "product", "version")).strip()
        counts = ", ".join(f"{number} {verdict}" for verdict, number in answer.document["counts"].items())
        lines.append(f"Verified. {printable(name) or 'Software not named'}: {answer.document['verdict']} ({counts})")
        lines.append(f"Note: {NOT_JUDGED}.")
    else:
        failure = answer.failure.name if answer.failure else "?"
        lines.append(f"Not verified, by the check of the {failure}: do not rely on anything in this file.")
    return "\n".join(lines)
