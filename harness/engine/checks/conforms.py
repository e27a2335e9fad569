"""``conforms``: the answer is valid against profiles, or against its base type alone (``base``)."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

from harness.engine.checks.evidence import MOST, Evidence, as_list, entries, finding, not_fhir, resource_of
from harness.engine.events import Finding
from harness.engine.text import inert
from harness.engine.verdict import Verdict
from harness.validation.outcome import Issue

BASE = "base"
_ERRORS = ("fatal", "error")
_SHOULD = frozenset({"display-wrong"})
"""Errors of the validator that are no SHALL: French profiles fix displays of their own for codes of HL7's code systems,
and Coding.display is for people (R4 datatypes.html#Coding)."""


def conforms(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each error that the validator finds, and for each rule that it could not judge.

    A profile of another type than Bundle is judged on the matching entries of an answer that is a Bundle.
    """
    number = count()
    for profile in as_list(expected):
        structure = None if profile == BASE else evidence.structures.structure(profile)
        if profile != BASE and structure is None:
            yield finding("conforms.unknown-profile", Verdict.UNDECIDED, expected=profile)
            continue
        kind = structure.get("type") if structure else None
        for index, response in evidence.answers:
            resource = resource_of(response)
            if resource is None:
                yield not_fhir(index, response)
                continue
            judged = list(_judged(resource, kind))
            if not judged:
                yield finding("conforms.no-entry", Verdict.UNDECIDED, exchange=index, expected=kind)
            for prefix, part in judged:
                # An answer that is one resource is judged as it came: a member that stands twice is seen only there.
                content = part if prefix else response.original
                for issue in evidence.judge.validate(content, profiles=[] if profile == BASE else [profile]).issues:
                    if issue.undecided or issue.severity in _ERRORS:
                        told = next(number) < MOST  # what is left out needs no words, which take minutes
                        yield _finding(issue, prefix, index) if told else Finding(issue.rule, _verdict(issue), "")


def _judged(resource: dict[str, Any], kind: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if resource["resourceType"] != "Bundle" or kind in (None, "Bundle", "Resource"):
        yield "", resource
        return
    for position, entry in enumerate(entries(resource)):
        part = entry.get("resource")
        if isinstance(part, dict) and part.get("resourceType") == kind:
            yield f"Bundle.entry[{position}].resource.", part


def _verdict(issue: Issue) -> Verdict:
    return Verdict.UNDECIDED if issue.undecided else Verdict.WARN if issue.rule in _SHOULD else Verdict.FAIL


def _finding(issue: Issue, prefix: str, exchange: int) -> Finding:
    expression = f"{prefix}{issue.expression.partition('.')[2]}" if prefix else issue.expression
    made = finding(
        f"conforms.{issue.rule}",
        _verdict(issue),
        exchange=exchange,
        expression=inert(expression.rstrip("."), 300),
        expected=inert(issue.expected or ""),
        found=inert(issue.found or ""),
        message=inert(issue.text("en"), 400),
        message_fr=inert(issue.text("fr"), 400),
    )
    return replace(
        made,
        definition=issue.definition or "",
        profile=issue.profile or "",
        constraint=issue.constraint or "",
    )
