"""One file a kind of expectation: what does not hold of an answer, as findings."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import Any

from harness.engine.checks.body import body
from harness.engine.checks.conforms import conforms
from harness.engine.checks.evidence import MOST, Check, Evidence, ExpectationFault, finding
from harness.engine.checks.headers import content_type, headers
from harness.engine.checks.outcome import outcome
from harness.engine.checks.pages import pages
from harness.engine.checks.params import params, url
from harness.engine.checks.resource_type import resource_type
from harness.engine.checks.same_as import same_as
from harness.engine.checks.searchset import searchset
from harness.engine.checks.status import status
from harness.engine.checks.that import that
from harness.engine.checks.within import within
from harness.engine.events import CheckResult, Finding
from harness.engine.text import inert
from harness.engine.verdict import Verdict, combine
from harness.reason import Reason, told
from harness.suite.model import Level

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "status": status,
        "headers": headers,
        "content-type": content_type,
        "type": resource_type,
        "conforms": conforms,
        "that": that,
        "outcome": outcome,
        "searchset": searchset,
        "same-as": same_as,
        "body": body,
        "within": within,
        "pages": pages,
        "params": params,
        "url": url,
    }
)


_TOO_DEEP = Reason("the answer is nested too deeply", "la réponse est imbriquée trop profondément")


def judge(kind: str, expected: Any, level: Level, evidence: Evidence) -> CheckResult:
    """Judge one expectation, expressions replaced: a pure function of what it is given.

    A broken SHOULD or MAY is a ``warn``; an expectation that cannot be judged as it is written is an ``error``.
    """
    try:
        found = _foremost(CHECKS[kind](expected, evidence))
    except ExpectationFault as problem:
        return failed(kind, finding("expect", Verdict.ERROR, found=inert(told(problem), 300)))
    except RecursionError:
        return failed(kind, finding("expect", Verdict.UNDECIDED, found=_TOO_DEEP))
    findings = tuple(softened(replace(one, check=kind), level) for one in found)
    return CheckResult(kind, combine(one.verdict for one in findings) or Verdict.PASS, findings)


def _foremost(found: Iterable[Finding]) -> list[Finding]:
    """Return the first findings; what the others come to is one more, which no waiver of theirs touches."""
    every = iter(found)
    kept = list(islice(every, MOST))
    left = Counter(one.verdict for one in every)
    if left:
        kept.append(finding("more", combine(left) or Verdict.ERROR, found=str(left.total())))
    return kept


def softened(one: Finding, level: Level) -> Finding:
    """Return the finding as it counts at ``level``: what breaks a SHOULD or MAY is a warning."""
    return replace(one, verdict=Verdict.WARN) if level != "SHALL" and one.verdict is Verdict.FAIL else one


def failed(kind: str, *findings: Finding) -> CheckResult:
    """Return the result of something that gave these findings instead of being judged."""
    made = tuple(replace(one, check=one.check or kind) for one in findings)
    return CheckResult(kind, combine(one.verdict for one in made) or Verdict.ERROR, made)


__all__ = ["CHECKS", "MOST", "Check", "Evidence", "ExpectationFault", "failed", "finding", "judge", "softened"]
