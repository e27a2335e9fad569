"""Rule: a kind of finding."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding: its usual severity and FHIR issue type, and its sentences.

    ``words`` gives the French of what it may say is ``found`` or ``expected`` in words of ours.
    """

    severity: str
    code: str
    en: str
    fr: str
    words: Mapping[str, str] = field(default_factory=dict)
