"""What the validator answers: :class:`Issue` and :class:`Outcome`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.validation.messages.render import render

_ERRORS = frozenset({"fatal", "error"})
_NONE, _NONE_FR = "No issues detected", "Aucun problème détecté"


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding about one element.

    ``severity`` and ``code`` are FHIR's (issue-severity, issue-type); ``expression`` is the FHIRPath of the element,
    with indexes. ``rule`` is a stable code of the harness (``min-cardinality``), ``constraint`` the key of the
    invariant that failed, ``profile`` the canonical that asked for it, ``definition`` the element id in that profile.
    ``undecided`` says that the rule could not be judged, which is never the same as satisfied.
    """

    rule: str
    severity: str
    code: str
    expression: str
    profile: str | None = None
    definition: str | None = None
    constraint: str | None = None
    found: str | None = None
    expected: str | None = None
    undecided: bool = False
    detail: str | None = None
    detail_fr: str | None = field(default=None, compare=False)
    """``detail`` in French, where it is a sentence."""
    lang: str = field(default="en", compare=False)

    @property
    def message(self) -> str:
        """The finding in words, in the language the validator was asked for."""
        return self.text(self.lang)

    def text(self, lang: str) -> str:
        """The finding in words, in ``lang`` ("en" or "fr")."""
        return render(self, lang)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The issues of one validation, in the order in which the elements stand in the resource."""

    issues: tuple[Issue, ...] = ()

    @property
    def ok(self) -> bool:
        """True when no issue is fatal or an error."""
        return not any(issue.severity in _ERRORS for issue in self.issues)

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The issues that are fatal or errors."""
        return tuple(issue for issue in self.issues if issue.severity in _ERRORS)

    @property
    def undecided(self) -> bool:
        """True when something could not be judged."""
        return any(issue.undecided for issue in self.issues)

    def operation_outcome(self, lang: str = "en") -> dict[str, Any]:
        """The same as a FHIR OperationOutcome; with no issue it holds one ``information`` issue that says so.

        ``lang`` is the language of that one; the issues are in the one that the validator was asked for.
        """
        if not self.issues:
            said = _NONE_FR if lang == "fr" else _NONE
            return {
                "resourceType": "OperationOutcome",
                "issue": [{"severity": "information", "code": "informational", "diagnostics": said}],
            }
        return {"resourceType": "OperationOutcome", "issue": [_operation_outcome_issue(issue) for issue in self.issues]}


def _operation_outcome_issue(issue: Issue) -> dict[str, Any]:
    coding = {"system": "urn:fhir-harness:rule", "code": issue.rule}
    return {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"coding": [coding], "text": issue.message},
        "diagnostics": "; ".join(
            f"{name}: {value}"
            for name, value in (
                ("constraint", issue.constraint),
                ("profile", issue.profile),
                ("definition", issue.definition),
                ("found", issue.found),
                ("expected", issue.expected),
                ("undecided", "true" if issue.undecided else None),
            )
            if value
        )
        or issue.rule,
        "expression": [issue.expression],
    }
