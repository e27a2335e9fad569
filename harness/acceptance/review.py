"""A testing team's signed decision on an acceptance file, bound to the file's digest and chained to the one before.

A review is a compact JWS (RFC 7515) with its payload inside: canonical JSON (RFC 8785), under a ``typ`` of its own, so
that no other signature can pass for one. Each review names the SHA-256 of the one before it.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import rfc8785
from cryptography import x509

from harness.acceptance.next_step import Decision
from harness.acceptance.path import check_revocation
from harness.acceptance.signing import PrivateKey, check_signature, sign_payload
from harness.acceptance.trust import TrustPolicy, check_age, check_path, check_signer
from harness.errors import AcceptanceError

TYPE = "fhir-harness-review+jws"
FORMAT = "fhir-harness-review"
VERSION = 1
MAX_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Review:
    """One review whose signature, signer and place in the chain hold."""

    path: Path
    digest: str
    """SHA-256 of the review file, hexadecimal."""
    signer: str
    signed_at: datetime
    content: Mapping[str, Any]
    """The payload."""

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return Decision(self.content["decision"])

    def as_json(self) -> dict[str, Any]:
        """Return the review for machines."""
        return {
            "path": str(self.path),
            "sha256": self.digest,
            "signer": self.signer,
            "signed": self.signed_at.isoformat(),
            "review": dict(self.content),
        }


def sign_review(
    content: Mapping[str, Any], key: PrivateKey, chain: Sequence[x509.Certificate], signed_at: datetime
) -> bytes:
    """Return the signed review. Raises AcceptanceError when key and certificate do not belong together."""
    payload = rfc8785.dumps(dict(content))
    protected, _, signature = sign_payload(payload, key, chain, signed_at, TYPE).split(b".")
    return b".".join((protected, base64.urlsafe_b64encode(payload).rstrip(b"="), signature))


def write_review(path: Path, data: bytes) -> None:
    """Write a review to ``path``, which must not exist yet. Raises AcceptanceError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            stream.write(data)
    except FileExistsError as problem:
        raise AcceptanceError(f"{path}: exists already; choose another --out") from problem
    except OSError as problem:
        raise AcceptanceError(f"{path}: cannot be written: {problem.strerror}; choose another --out") from problem


def read_chain(digest: str, paths: Sequence[Path], policy: TrustPolicy, now: datetime) -> list[Review]:
    """Return the reviews in ``paths``, in their order, of the file with this SHA-256.

    Every one must be signed by whom ``policy`` trusts, name this file and the review before it, and not be older than
    that. Raises AcceptanceError with the first thing that does not hold: also for a review that is left out.
    """
    found: list[Review] = []
    for path in paths:
        review = _read(path, policy, now)
        try:
            _check_place(review, digest, found)
        except AcceptanceError as problem:
            raise AcceptanceError(f"{path}: {problem}") from problem
        found.append(review)
    return found


def _check_place(review: Review, digest: str, before: Sequence[Review]) -> None:
    named = review.content["file"]["sha256"]
    if named != digest:
        raise AcceptanceError(f"is a review of another file: of {named[:16]}…, not of {digest[:16]}…")
    expected = before[-1].digest if before else None
    if review.content["sequence"] != len(before) + 1 or review.content["previous"] != expected:
        raise AcceptanceError(
            f"is review number {review.content['sequence']} of its chain and does not follow the one before it: "
            "name all reviews of the file, the first one first"
        )
    if before and review.signed_at < before[-1].signed_at:
        raise AcceptanceError("was signed before the review that it follows")


def peek(path: Path) -> Mapping[str, Any]:
    """Return what the review at ``path`` says of itself, unchecked: which file it is of. Raises AcceptanceError."""
    return _parse(_bytes(path))[0]


def _read(path: Path, policy: TrustPolicy, now: datetime) -> Review:
    try:
        data = _bytes(path)
        content, payload, detached = _parse(data)
        signature = check_signature(detached, payload, TYPE)
        chain = check_path(signature.chain, policy, signature.signed_at, now)
        signer = check_signer(chain[0], policy)
        check_age(policy, signature.signed_at, now)
        check_revocation(chain, policy.crls, now, required=policy.crls_required)
    except AcceptanceError as problem:
        raise AcceptanceError(f"{path}: {problem}") from problem
    return Review(path, hashlib.sha256(data).hexdigest(), signer, signature.signed_at, content)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as problem:
        raise AcceptanceError(f"{path}: the review cannot be read: {problem.strerror}") from problem
    if len(data) > MAX_BYTES:
        raise AcceptanceError(f"{path}: larger than {MAX_BYTES} bytes, which no review is")
    return data


def _parse(data: bytes) -> tuple[Mapping[str, Any], bytes, bytes]:
    """Return content, payload and detached signature. Raises AcceptanceError."""
    parts = data.split(b".")
    if len(parts) != 3 or not all(parts):
        raise AcceptanceError("not a review: not a compact JWS (header.payload.signature)")
    try:
        payload = base64.b64decode(parts[1] + b"=" * (-len(parts[1]) % 4), b"-_", validate=True)
        content = json.loads(payload)
        canonical = rfc8785.dumps(content)
    except (ValueError, RecursionError, binascii.Error, rfc8785.CanonicalizationError) as problem:
        raise AcceptanceError(f"not a review: its payload cannot be read: {problem}") from problem
    spelled = base64.urlsafe_b64encode(payload).rstrip(b"=")
    if canonical != payload or spelled != parts[1]:
        raise AcceptanceError("not a review: its payload is not canonical JSON (RFC 8785) in canonical base64url")
    _check_content(content)
    return content, payload, b"..".join((parts[0], parts[2]))


def _check_content(content: Any) -> None:
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
        raise AcceptanceError(f"not a review of format {FORMAT} version {VERSION}; a newer harness may read it")
    file = content.get("file")
    previous = content.get("previous")
    sound = (
        isinstance(file, dict)
        and isinstance(file.get("sha256"), str)
        and type(content.get("sequence")) is int
        and (previous is None or isinstance(previous, str))
        and content.get("decision") in set(Decision)
        and isinstance(content.get("reasons"), list)
        and isinstance(content.get("next"), dict)
    )
    if not sound:
        raise AcceptanceError("the review lacks file, sequence, previous, decision, reasons or next")
