"""``headers`` and ``content-type``: present, absent, an exact value, or a regular expression between slashes."""

import re
from collections.abc import Iterator
from typing import Any

from harness.engine.checks.evidence import Evidence, ExpectationFault, finding
from harness.engine.events import Finding
from harness.engine.text import inert

_FORMATS = {"json": "application/fhir+json", "xml": "application/fhir+xml"}
_SHOWN = 120
_MATCHED = 8192
"""Characters of a value that a regular expression is tried on: a candidate cannot make it run for ever."""


def headers(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    r"""Yield a finding for each header of each answer that is not as expected: a mapping from name to value.

    To a regular expression an absent header is an empty text: ``/^(W\/"1")?$/`` is for one that need not be there.
    """
    for index, response in evidence.answers:
        for name, wanted in expected.items():
            found = response.header(name)
            shown = inert(found or "", _SHOWN)
            if wanted == "absent":
                if found is not None:
                    yield finding("header.present", exchange=index, name=name, expected="absent", found=shown)
            elif found is None:
                if is_pattern(str(wanted)) and value_matches(str(wanted), ""):
                    continue
                yield finding("header.missing", exchange=index, name=name, expected=wanted, found="absent")
            elif wanted != "present" and not value_matches(str(wanted), found):
                yield finding("header.value", exchange=index, name=name, expected=wanted, found=shown)


def content_type(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each answer of another media type; parameters such as charset are not compared."""
    wanted = _FORMATS.get(str(expected), str(expected))
    for index, response in evidence.answers:
        found = response.header("content-type") or ""
        compared = found if is_pattern(wanted) else media_type(found)
        if not value_matches(wanted if is_pattern(wanted) else wanted.lower(), compared):
            yield finding("content-type", exchange=index, expected=wanted, found=inert(found, _SHOWN) or "absent")


def media_type(value: str) -> str:
    """Return the media type of a Content-Type, lower-case, without its parameters."""
    return value.partition(";")[0].strip().lower()


def is_pattern(text: str) -> bool:
    """Tell whether ``text`` is a regular expression between slashes."""
    return len(text) > 2 and text.startswith("/") and text.endswith("/")


def value_matches(wanted: str, found: str) -> bool:
    """Tell whether ``found`` is ``wanted``, or matches it when it is between slashes. Raises ExpectationFault."""
    if not is_pattern(wanted):
        return found == wanted
    try:
        return re.search(wanted[1:-1], found[:_MATCHED]) is not None
    except re.error as problem:
        raise ExpectationFault(
            f"{wanted} is not a regular expression: {problem}",
            f"{wanted} n'est pas une expression régulière : {problem}",
        ) from problem
