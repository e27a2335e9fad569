"""Is this resource what this profile says?"""

from harness.validation.outcome import Issue, Outcome
from harness.validation.validator import Validator

__all__ = ["Issue", "Outcome", "Validator"]
