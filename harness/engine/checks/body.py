"""``body``: empty, of a media type, or with a digest."""

import hashlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from harness.engine.checks.evidence import Evidence, finding
from harness.engine.checks.headers import media_type
from harness.engine.events import Finding
from harness.engine.text import excerpt, inert

_SHA256 = "sha256:"


def body(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each answer whose body is not ``empty``, of the media type, or of the digest expected."""
    wanted = str(expected)
    for index, response in evidence.answers:
        if wanted == "empty":
            if response.body:
                yield finding("body.not-empty", exchange=index, expected=wanted, found=excerpt(response.body))
        elif wanted.startswith(_SHA256):
            found = _SHA256 + hashlib.sha256(response.body).hexdigest()
            if found != wanted:
                yield finding("body.digest", exchange=index, expected=wanted, found=found)
        else:
            kind = media_type(response.header("content-type") or "")
            if not response.body or not fnmatchcase(kind, wanted.lower()):
                found = inert(kind, 80) or "none" if response.body else "empty"
                yield finding("body.media-type", exchange=index, expected=wanted, found=found)
