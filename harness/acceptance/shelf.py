"""A shelf: a folder of acceptance files and their reviews, in one table."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.acceptance.recorded import Recorded, open_recorded
from harness.acceptance.review import Review, peek, read_chain
from harness.acceptance.trust import TrustPolicy
from harness.engine.verdict import Verdict
from harness.errors import AcceptanceError, HarnessError


@dataclass(frozen=True)
class ShelfRow:
    """One acceptance file."""

    path: Path
    signature: str
    """``verified``, ``not checked``, or why it does not verify."""
    digest: str = ""
    software: Mapping[str, str] | None = None
    verdict: Verdict | None = None
    counts: Mapping[str, int] | None = None
    started: str = ""
    reviews: int = 0
    decision: str = ""
    """Of the last review; empty when there is none."""
    review_state: str = ""
    """``verified``, ``not checked``, or why the chain does not hold; empty when there is no review."""

    def as_json(self) -> dict[str, Any]:
        """Return the row for machines."""
        return {
            "path": str(self.path),
            "signature": self.signature,
            "sha256": self.digest,
            "software": dict(self.software) if self.software is not None else None,
            "verdict": self.verdict,
            "counts": dict(self.counts) if self.counts is not None else None,
            "started": self.started,
            "reviews": self.reviews,
            "decision": self.decision or None,
            "reviewState": self.review_state or None,
        }


def overview(folder: Path, policy: TrustPolicy | None, reviewers: TrustPolicy | None, now: datetime) -> list[ShelfRow]:
    """Return a row for each ``*.zip`` in ``folder``, with its reviews among the ``*.jws`` there.

    Without ``policy`` the signatures of the files, and without ``reviewers`` those of the reviews are not checked, and
    the rows say so. Raises AcceptanceError when there is no acceptance file.
    """
    files = sorted(folder.glob("*.zip"))
    if not files:
        raise AcceptanceError(f"{folder}: holds no acceptance file (.zip)")
    reviews = _reviews(folder)
    return [_row(path, reviews, policy, reviewers, now) for path in files]


def _reviews(folder: Path) -> dict[str, list[tuple[int, Path, str]]]:
    """Return digest of a file to (place in the chain, path, decision) of what calls itself a review of it."""
    found: dict[str, list[tuple[int, Path, str]]] = {}
    for path in sorted(folder.glob("*.jws")):
        with suppress(AcceptanceError):
            content = peek(path)
            found.setdefault(content["file"]["sha256"], []).append((content["sequence"], path, content["decision"]))
    return {digest: sorted(chain) for digest, chain in found.items()}


def _row(
    path: Path,
    reviews: Mapping[str, Sequence[tuple[int, Path, str]]],
    policy: TrustPolicy | None,
    reviewers: TrustPolicy | None,
    now: datetime,
) -> ShelfRow:
    try:
        recorded = open_recorded(path, policy, now, unsafe_skip_verification=policy is None)
    except HarnessError as problem:
        return ShelfRow(path, str(problem).removeprefix(f"{path}: "))
    chain = reviews.get(recorded.digest, ())
    decision, state = _chain(recorded, chain, reviewers, now)
    return ShelfRow(
        path=path,
        signature="verified" if recorded.verified else "not checked",
        digest=recorded.digest,
        software=dict(recorded.run.started.software),
        verdict=recorded.run.verdict,
        counts=recorded.run.counts(),
        started=recorded.run.started.started,
        reviews=len(chain),
        decision=decision,
        review_state=state,
    )


def _chain(
    recorded: Recorded, chain: Sequence[tuple[int, Path, str]], reviewers: TrustPolicy | None, now: datetime
) -> tuple[str, str]:
    if not chain:
        return "", ""
    if reviewers is None:
        return chain[-1][2], "not checked"
    try:
        checked: list[Review] = read_chain(recorded.digest, [path for _, path, _ in chain], reviewers, now)
    except AcceptanceError as problem:
        return "", str(problem)
    return checked[-1].decision.value, "verified"
