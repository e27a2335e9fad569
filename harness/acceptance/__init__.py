"""The signed bundle made from a run, and what others do with it."""

from harness.acceptance.bundle import sign_run
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import Verification, verify

__all__ = ["TrustPolicy", "Verification", "sign_run", "verify"]
