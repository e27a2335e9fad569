"""Connection tests for FHIR R4 services, with signed evidence that anybody can check and re-judge."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.fhir.definitions import Definitions
    from harness.validation import Issue, Outcome, Validator

__version__ = "0.1.0"
__all__ = ["Definitions", "Issue", "Outcome", "Validator"]

_HOMES = {
    "Definitions": "harness.fhir.definitions",
    "Issue": "harness.validation.outcome",
    "Outcome": "harness.validation.outcome",
    "Validator": "harness.validation.validator",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that ``import harness`` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'harness' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
