"""Rule: a kind of finding."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding: its usual severity and FHIR issue type, and its sentences."""

    severity: str
    code: str
    en: str
    fr: str
