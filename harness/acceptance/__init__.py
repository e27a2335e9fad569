"""The signed bundle made from a run, and what others do with it."""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.acceptance.bundle import Accepted, sign
    from harness.acceptance.compare import compare
    from harness.acceptance.disclosure import check_disclosure, disclose
    from harness.acceptance.policy_file import read_policy
    from harness.acceptance.recorded import Recorded, open_recorded
    from harness.acceptance.rejudge import Means, Rejudgement, rejudge
    from harness.acceptance.rerun import Rerun, plan_rerun, rerun
    from harness.acceptance.review import Review, read_chain
    from harness.acceptance.signing import load_chain, load_private_key
    from harness.acceptance.statement import Previous, Reviewer, Statement, review
    from harness.acceptance.trust import TrustPolicy
    from harness.acceptance.verify import CheckedItem, Verification, verify

__all__ = [
    "Accepted",
    "CheckedItem",
    "Means",
    "Previous",
    "Recorded",
    "Rejudgement",
    "Rerun",
    "Review",
    "Reviewer",
    "Statement",
    "TrustPolicy",
    "Verification",
    "check_disclosure",
    "compare",
    "disclose",
    "load_chain",
    "load_private_key",
    "open_recorded",
    "plan_rerun",
    "read_chain",
    "read_policy",
    "rejudge",
    "rerun",
    "review",
    "sign",
    "verify",
]

_HOMES = {
    "bundle": ("Accepted", "sign"),
    "compare": ("compare",),
    "disclosure": ("check_disclosure", "disclose"),
    "policy_file": ("read_policy",),
    "recorded": ("Recorded", "open_recorded"),
    "rejudge": ("Means", "Rejudgement", "rejudge"),
    "rerun": ("Rerun", "plan_rerun", "rerun"),
    "review": ("Review", "read_chain"),
    "signing": ("load_chain", "load_private_key"),
    "statement": ("Previous", "Reviewer", "Statement", "review"),
    "trust": ("TrustPolicy",),
    "verify": ("CheckedItem", "Verification", "verify"),
}
_HOME = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}


class _Package(ModuleType):
    """Loads a public name when it is first used: who verifies a file needs nothing of what judges one again."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; not a submodule in the place of the function that it is named after, as importing would."""
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME[name]), name)


sys.modules[__name__].__class__ = _Package
