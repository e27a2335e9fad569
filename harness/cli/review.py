"""``fhir-harness review``: a testing team's signed decision on an acceptance file."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson
import typer

from harness.acceptance.next_step import Decision
from harness.acceptance.review import write_review
from harness.acceptance.shelf import ShelfRow, overview
from harness.acceptance.signing import load_chain, load_private_key
from harness.acceptance.statement import Previous, Reviewer, Statement
from harness.acceptance.statement import review as review_file
from harness.acceptance.trust import TrustPolicy
from harness.cli.chain import next_lines
from harness.cli.evidence import POLICY, TRUST, Trust, anchors
from harness.cli.options import Format, Language, read_file
from harness.engine.codes import Language as Spoken
from harness.errors import UsageError
from harness.report.inert import one_line
from harness.report.words import WORDS

app = typer.Typer(add_completion=False)
_WIDTH = 80
_REASON = 200
_COLUMNS = (22, 18, 12, 10, 14)
_SAID: Mapping[Spoken, Mapping[str, str]] = {
    "en": {
        "signed": "{}: signed; {}, number {} for {}",
        "failure": "The file does not verify, and the review says so: {}",
        "reviews": "reviews: {}",
        "file": "file",
        "software": "software",
        "signature": "signature",
        "verdict": "verdict",
        "decision": "decision",
        "verified": "verified",
        "not checked": "not checked",
        "refused": "REFUSED",
        "not held": "not held",
        **{decision.value: decision.value for decision in Decision},
    },
    "fr": {
        "signed": "{} : signée ; {}, numéro {} pour {}",
        "failure": "Le dossier ne se vérifie pas, et la revue le dit : {}",
        "reviews": "revues : {}",
        "file": "dossier",
        "software": "logiciel",
        "signature": "signature",
        "verdict": "verdict",
        "decision": "décision",
        "verified": "vérifiée",
        "not checked": "non vérifiée",
        "refused": "REFUSÉE",
        "not held": "ne tient pas",
        Decision.SATISFACTORY.value: "satisfaisant",
        Decision.UNSATISFACTORY.value: "insatisfaisant",
        Decision.MORE_TESTS.value: "à compléter",
    },
}


@app.command()
def review(
    file: Path | None = typer.Argument(None, metavar="FILE", help="Acceptance file."),
    decision: Decision | None = typer.Option(None, "--decision", help="What was decided."),
    reasons: list[str] = typer.Option([], "--reasons", metavar="TEXT", help="Why. Repeatable."),
    add: list[str] = typer.Option([], "--add", metavar="TESTSET[/TEST]", help="To run as well. Repeatable."),
    despite: bool = typer.Option(False, "--despite-failures", help="Satisfactory although tests did not pass."),
    trust: list[Path] = TRUST,
    policy: Path | None = POLICY,
    previous: list[Path] = typer.Option([], "--previous", metavar="R.jws", help="Reviews before this one, in order."),
    review_trust: list[Path] = typer.Option([], "--review-trust", metavar="CA.pem", help="Anchors of the reviewers."),
    key: Path | None = typer.Option(None, "--key", help="The reviewer's private key, PEM."),
    cert: Path | None = typer.Option(None, "--cert", help="The reviewer's certificate chain, PEM."),
    out: Path | None = typer.Option(None, "--out", metavar="REVIEW.jws", help="Review to write."),
    shelf: Path | None = typer.Option(None, "--list", metavar="DIR", help="Show the files and reviews of a folder."),
    format: Format = typer.Option(Format.TEXT, "--format", help="text or json."),  # noqa: A002
    lang: Language = typer.Option(Language.EN, "--lang", help="Language of the text."),
) -> None:
    """Sign a decision on FILE, bound to its digest and to the reviews before it; or --list a shelf."""
    now = datetime.now(UTC)
    demands = Trust(trust, policy).policy()
    reviewers = TrustPolicy(load_chain(anchors(review_trust))) if review_trust else None
    if shelf is not None:
        if file is not None or decision is not None:
            raise UsageError("--list DIR shows a shelf and reviews nothing: leave FILE and --decision out")
        _list(overview(_folder(shelf), demands, reviewers, now), format, lang.value)
        return
    if file is None or decision is None or key is None or cert is None or out is None:
        raise UsageError(
            "a review needs FILE, --decision, --reasons, --key, --cert and --out; a table needs --list DIR"
        )
    if demands is None:
        raise UsageError(
            "only what was checked can be reviewed: name whom you trust for FILE (--trust CA.pem or --policy)"
        )
    if previous and reviewers is None:
        raise UsageError("--previous needs --review-trust CA.pem: whose reviews are believed")
    statement = Statement(decision, tuple(reasons), tuple(add), despite)
    chain = load_chain(read_file(cert, "the certificate chain"), name=cert)
    reviewer = Reviewer(load_private_key(read_file(key, "the private key"), name=key), chain)
    before = Previous(previous, reviewers) if reviewers else None
    content, signed = review_file(file, demands, statement, reviewer, now, previous=before)
    write_review(out, signed)
    if format is Format.JSON:
        typer.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())
        return
    said = _SAID[lang.value]
    typer.echo(said["signed"].format(out, said[decision.value], content["sequence"], file.name))
    if content["failure"]:
        why = one_line(f"{content['failure']['check']}: {content['failure']['message']}", _REASON)
        typer.echo(said["failure"].format(why))
    typer.echo("\n".join(next_lines(content["next"], lang.value)))


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise UsageError(f"{path}: no such folder; --list needs one that holds acceptance files")
    return path


def _list(rows: Sequence[ShelfRow], shape: Format, language: Spoken) -> None:
    said = _SAID[language]
    if shape is Format.JSON:
        typer.echo(orjson.dumps([row.as_json() for row in rows], option=orjson.OPT_INDENT_2).decode())
        return
    typer.echo(_cells([said[head] for head in ("file", "software", "signature", "verdict", "decision")]))
    for row in rows:
        software = " ".join((row.software or {}).get(part, "") for part in ("product", "version")).strip() or "–"
        decision = said[row.decision] if row.decision else said["not held"] if row.reviews else "–"
        verdict = WORDS[language].verdicts[row.verdict] if row.verdict else "–"
        known = row.signature in ("verified", "not checked")
        signature = said[row.signature if known else "refused"]
        typer.echo(_cells((row.path.name, software, signature, verdict, decision)))
        if not known:
            typer.echo(f"  {one_line(row.signature, _WIDTH - 2)}")
        if row.review_state not in ("", "verified"):
            state = said.get(row.review_state, row.review_state)
            typer.echo(f"  {one_line(said['reviews'].format(state), _WIDTH - 2)}")


def _cells(cells: Sequence[str]) -> str:
    shown = (one_line(cell, width) for cell, width in zip(cells, _COLUMNS, strict=True))
    return " ".join(f"{cell:{width}}" for cell, width in zip(shown, _COLUMNS, strict=True)).rstrip()
