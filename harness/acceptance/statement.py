"""What a reviewer states about an acceptance file, and what the review then holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from harness import __version__
from harness.acceptance.container import load
from harness.acceptance.next_step import Decision, next_step, unmet, unproven
from harness.acceptance.recorded import Recorded, recorded_in
from harness.acceptance.review import FORMAT, VERSION, Review, read_chain, sign_review
from harness.acceptance.signing import PrivateKey
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import CheckedItem, verify
from harness.engine.verdict import Verdict
from harness.errors import AcceptanceError

_NOT_AGAINST = (Verdict.PASS, Verdict.WARN, Verdict.SKIP)


@dataclass(frozen=True)
class Statement:
    """What a reviewer states about a file."""

    decision: Decision
    reasons: tuple[str, ...]
    add: tuple[str, ...] = ()
    """Tests or test sets that the publisher has to add."""
    despite_failures: bool = False
    """Satisfactory although tests did not pass: only said on purpose."""


@dataclass(frozen=True)
class Reviewer:
    """Who reviews: the key, and the certificate chain that begins with the key's own."""

    key: PrivateKey
    chain: Sequence[x509.Certificate]


@dataclass(frozen=True)
class Previous:
    """The reviews of a file before this one, the first one first, and whose reviews are believed."""

    paths: Sequence[Path]
    policy: TrustPolicy


def review(
    file: Path,
    policy: TrustPolicy,
    statement: Statement,
    reviewer: Reviewer,
    now: datetime,
    *,
    previous: Previous | None = None,
) -> tuple[dict[str, Any], bytes]:
    """Return what the next review of the acceptance file ``file`` holds, and the signed review.

    The file is checked against ``policy`` first; that it does not verify is stated, not raised. Raises AcceptanceError
    when the decision does not fit the file, or a previous review does not hold.
    """
    answer = verify(file, policy, now)
    recorded = recorded_in(file, answer.data or load(file), verified=answer.ok)
    before = read_chain(recorded.digest, previous.paths, previous.policy, now) if previous else []
    content = content_of(recorded, answer.failure, statement, before)
    return content, sign_review(content, reviewer.key, reviewer.chain, now)


def content_of(
    recorded: Recorded, failure: CheckedItem | None, statement: Statement, previous: Sequence[Review]
) -> dict[str, Any]:
    """Return the payload of the next review of ``recorded`` (an acceptance file), after those in ``previous``.

    ``failure`` is the first check of the file that did not hold. Raises AcceptanceError when the decision does not fit
    the file: satisfactory for one that does not verify, or holds tests that did not pass.
    """
    _check_statement(recorded, failure, statement)
    run = recorded.run
    return {
        "format": FORMAT,
        "version": VERSION,
        "file": {"sha256": recorded.digest, "name": recorded.path.name},
        "run": run.started.run,
        "software": dict(run.started.software),
        "verified": failure is None,
        "failure": {"check": failure.name, "message": failure.message} if failure else None,
        "verdict": run.verdict.value if run.verdict else None,
        "counts": run.counts(),
        "decision": statement.decision.value,
        "reasons": list(statement.reasons),
        "despiteFailures": statement.despite_failures,
        "unmet": unmet(run),
        "next": next_step(run, statement.decision, statement.add, failure.message if failure else ""),
        "sequence": len(previous) + 1,
        "previous": previous[-1].digest if previous else None,
        "harness": __version__,
    }


def _check_statement(recorded: Recorded, failure: CheckedItem | None, statement: Statement) -> None:
    if not any(reason.strip() for reason in statement.reasons):
        raise AcceptanceError("a review needs reasons: say why (--reasons …)")
    decision = statement.decision
    if decision is Decision.SATISFACTORY and failure is not None:
        raise AcceptanceError(f"a file that does not verify cannot be satisfactory: {failure.name}: {failure.message}")
    failed = [test for test in recorded.run.tests if test.verdict not in _NOT_AGAINST]
    if decision is Decision.SATISFACTORY and failed and not statement.despite_failures:
        first = f"{failed[0].started.test_set}/{failed[0].started.test}"
        raise AcceptanceError(
            f"{len(failed)} tests did not pass ({first}, …): decide unsatisfactory, or say --despite-failures, which "
            "the review then shows"
        )
    if decision is Decision.MORE_TESTS and not statement.add and not unproven(recorded.run):
        raise AcceptanceError("every test of the file was proven: name the tests to add (--add TESTSET[/TEST])")
