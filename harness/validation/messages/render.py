"""The rules of the validator: each with its severity, its FHIR issue type and its sentence in English and French.

A sentence is a ``str.format`` template over the fields of an issue: ``{found} {expected} {detail} {profile}
{definition} {constraint} {expression}``. A report may give another severity than the rule's own, as invariants do.
"""

from __future__ import annotations

from typing import Protocol

from harness.validation.messages.definitions import ARTIFACTS, DEFINITIONS
from harness.validation.messages.invariants import french
from harness.validation.messages.links import BUNDLE, REFERENCES
from harness.validation.messages.profiles import EXTENSIONS, PROFILES, SLICING, TERMINOLOGY
from harness.validation.messages.resources import CODE_SYSTEMS, QUESTIONNAIRES, VALUE_SETS
from harness.validation.messages.rule import Rule
from harness.validation.messages.structure import JSON, STRUCTURE


class Finding(Protocol):
    """What a sentence is about: an issue."""

    @property
    def rule(self) -> str: ...
    @property
    def expression(self) -> str: ...
    @property
    def profile(self) -> str | None: ...
    @property
    def definition(self) -> str | None: ...
    @property
    def constraint(self) -> str | None: ...
    @property
    def found(self) -> str | None: ...
    @property
    def expected(self) -> str | None: ...
    @property
    def detail(self) -> str | None: ...
    @property
    def detail_fr(self) -> str | None: ...


RULES: dict[str, Rule] = {
    **JSON,
    **STRUCTURE,
    **SLICING,
    **TERMINOLOGY,
    **EXTENSIONS,
    **PROFILES,
    **REFERENCES,
    **BUNDLE,
    **DEFINITIONS,
    **ARTIFACTS,
    **CODE_SYSTEMS,
    **VALUE_SETS,
    **QUESTIONNAIRES,
}


def render(issue: Finding, lang: str) -> str:
    """The sentence of ``issue`` in ``lang``; an unknown language gets English."""
    rule = RULES[issue.rule]
    template, detail, words = (rule.fr, _french(issue), rule.words) if lang == "fr" else (rule.en, issue.detail, {})
    found, expected = issue.found, issue.expected
    return template.format(
        found=words.get(found, found) if found else found,
        expected=words.get(expected, expected) if expected else expected,
        detail=detail or "",
        profile=issue.profile,
        definition=issue.definition,
        constraint=issue.constraint,
        expression=issue.expression,
    )


def _french(issue: Finding) -> str | None:
    """The detail in French: as it was given, else what the constraint asks; in English where nobody has said it."""
    if issue.detail_fr is None and issue.rule == "invariant" and issue.constraint and issue.detail:
        return french(issue.constraint, issue.detail) or issue.detail
    return issue.detail if issue.detail_fr is None else issue.detail_fr
