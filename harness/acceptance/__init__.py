"""The signed bundle made from a run, and what others do with it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.acceptance.bundle import sign_run
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import Verification, verify

if TYPE_CHECKING:
    from harness.acceptance.policy_file import read_policy

__all__ = ["TrustPolicy", "Verification", "read_policy", "sign_run", "verify"]


def __getattr__(name: str) -> Any:
    """Load ``read_policy`` when it is first used: who verifies without a policy file needs no schema and no YAML."""
    if name != "read_policy":
        raise AttributeError(f"module 'harness.acceptance' has no attribute '{name}'")
    return import_module("harness.acceptance.policy_file").read_policy
