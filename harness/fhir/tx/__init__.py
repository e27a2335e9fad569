"""Terminology servers: asked for what is not known locally, their answers recorded in a lock.

terminology = tx.open_terminology(definitions, url="https://tx.example.org/r4", lock=Path("tx.lock.json"))
validator = Validator(definitions, terminology=terminology)
...
terminology.close()          # writes the lock
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.fhir.tx.lock import AnswerLock, Locked, TxLockError
    from harness.fhir.tx.server import Question, Reply, TerminologyServer, TxLimits
    from harness.fhir.tx.terminology import RemoteTerminology, open_terminology

__all__ = [
    "AnswerLock",
    "Locked",
    "Question",
    "RemoteTerminology",
    "Reply",
    "TerminologyServer",
    "TxLimits",
    "TxLockError",
    "open_terminology",
]

_HOMES = {
    "AnswerLock": "lock",
    "Locked": "lock",
    "TxLockError": "lock",
    "Question": "server",
    "Reply": "server",
    "TerminologyServer": "server",
    "TxLimits": "server",
    "RemoteTerminology": "terminology",
    "open_terminology": "terminology",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: a command that asks nobody needs no HTTP."""
    if name not in _HOMES:
        raise AttributeError(f"module 'harness.fhir.tx' has no attribute '{name}'")
    return getattr(import_module(f"harness.fhir.tx.{_HOMES[name]}"), name)
