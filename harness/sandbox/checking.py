"""Validation of what is written: the base type, ``meta.profile``, and the profiles that the policy adds."""

from __future__ import annotations

from typing import Any

from harness.fhir.definitions import Definitions
from harness.sandbox.codec import Resource
from harness.sandbox.policy import Policy
from harness.sandbox.problems import Problem, issue
from harness.sandbox.unit import Check
from harness.validation.validator import Validator

# Faults of form: what makes a body something else than FHIR JSON, rather than a resource that a rule refuses.
_FORM = ("json-", "not-a-resource", "resource-type-", "unknown-element", "primitive-format", "type-not-allowed")

_MOST_ISSUES = 200


def checker(validator: Validator, policy: Policy) -> Check:
    """A function from a resource to the issues worth telling; it refuses what is wrong.

    Its Problem is a 400 for faults of form ("failed basic FHIR validation rules") and a 422 for the rest ("violated
    applicable FHIR profiles or server business rules", https://hl7.org/fhir/R4/http.html#create).
    """
    if not policy.validate:
        return _nothing

    def check(resource: Resource) -> list[dict[str, Any]]:
        outcome = validator.validate(resource, list(_profiles(resource, policy)))
        issues = _told(outcome.operation_outcome()["issue"] if outcome.issues else [])
        if outcome.ok:
            return issues
        basic = any(issue.rule.startswith(_FORM) and issue.profile is None for issue in outcome.errors)
        raise Problem(400 if basic else 422, issues=issues)

    return check


def _told(issues: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """``issues``, the gravest first where there are too many to tell them all."""
    if len(issues) <= _MOST_ISSUES:
        return issues
    gravest = sorted(issues, key=lambda item: item["severity"] not in {"fatal", "error"})[:_MOST_ISSUES]
    more = f"{len(issues) - _MOST_ISSUES} more issues are not told."
    return [*gravest, issue("information", "informational", more)]


def server_validator(definitions: Definitions) -> Validator:
    """A validator for servers: they keep extensions that they do not know (https://hl7.org/fhir/R4/extensibility.html)."""
    return Validator(definitions, unknown_extensions="information")


def _nothing(_: Resource) -> list[dict[str, Any]]:
    return []


def _profiles(resource: Resource, policy: Policy) -> tuple[str, ...]:
    type_ = str(resource.get("resourceType"))
    found = list(policy.profiles.get(type_, ()))
    code = resource.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict):
            found += policy.profiles.get(f"{type_}?{coding.get('system', '')}|{coding.get('code', '')}", ())
    return tuple(dict.fromkeys(found))
