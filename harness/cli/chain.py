"""The reviews of an acceptance file, as ``verify`` shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.acceptance.review import Review, read_chain
from harness.acceptance.signing import load_chain
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import CheckedItem, Verification
from harness.cli.options import read_file
from harness.errors import AcceptanceError, UsageError
from harness.report.inert import one_line

_REASON = 200


def check_chain(answer: Verification, reviews: Sequence[Path], trust: Sequence[Path], now: datetime) -> list[Review]:
    """Return the checked reviews of the file that was verified, and add what came of them to ``answer``: ``reviews``.

    ``trust`` holds the anchors of the testing team: those of the file do not count, for whoever may sign the file may
    not judge it. A chain that does not hold takes the answer's document away. Raises UsageError without anchors.
    """
    if not trust:
        raise UsageError("--review needs --review-trust CA.pem: the anchors of the testing team, not of the publisher")
    if not answer.ok:
        message = "not asked, because the file itself does not verify"
        answer.checks.append(CheckedItem("reviews", False, message, made=False))
        return []
    anchors = tuple(anchor for path in trust for anchor in load_chain(read_file(path, "the trust anchor"), name=path))
    try:
        found = read_chain(answer.digest, reviews, TrustPolicy(anchors), now)
    except AcceptanceError as problem:
        answer.checks.append(CheckedItem("reviews", False, str(problem)))
        answer.document = None
        return []
    last = found[-1]
    message = f"{len(found)}, the last {last.decision.value}, by {last.signer}"
    answer.checks.append(CheckedItem("reviews", True, message))
    return found


def chain_lines(reviews: Sequence[Review], language: str) -> list[str]:
    """Return who decided what and why, and the next step of the last review, for people."""
    lines = []
    for one in reviews:
        number, when = one.content["sequence"], one.signed_at.isoformat()
        lines.append(f"Review {number}: {one.decision.value}, {when}, {one_line(one.signer, _REASON)}")
        lines += [f"  {one_line(str(reason), _REASON)}" for reason in one.content["reasons"]]
    return [*lines, *next_lines(reviews[-1].content["next"], language)] if reviews else []


def next_lines(step: Mapping[str, Any], language: str) -> list[str]:
    """Return the next step of a review for people, with what it speaks of."""
    return [one_line(str(step.get(language, "")), 2 * _REASON), *(f"  {item}" for item in step.get("items", ()))]
