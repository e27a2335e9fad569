"""Runs a suite against a candidate."""

from harness.engine.candidate import Candidate
from harness.engine.planner import Selection
from harness.engine.replay import Replay
from harness.engine.runner import run, run_sync

__all__ = ["Candidate", "Replay", "Selection", "run", "run_sync"]
