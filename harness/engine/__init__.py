"""Runs a suite against a candidate."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.engine.candidate import Candidate
    from harness.engine.planner import Selection
    from harness.engine.replay import Replay
    from harness.engine.runner import run, run_sync

__all__ = ["Candidate", "Replay", "Selection", "run", "run_sync"]

_HOMES = {
    "Candidate": "harness.engine.candidate",
    "Replay": "harness.engine.replay",
    "Selection": "harness.engine.planner",
    "run": "harness.engine.runner",
    "run_sync": "harness.engine.runner",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: who only reads journals needs neither HTTP nor a validator."""
    if name not in _HOMES:
        raise AttributeError(f"module 'harness.engine' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
