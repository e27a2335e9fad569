"""From the choices of a candidate file, by the names of its policies, to those of this server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import UsageError
from harness.sandbox.policy import Policy

_MEMBERS = {
    "id-token-header": "id_token_header",
    "effective-period": "effective_period",
    "dotted-include": "dotted_include",
    "patient-parameter": "patient_parameter",
    "offset-unit": "offset_unit",
    "forbidden-patch": "forbidden_patch",
}
_ANYTHING = ("any", "either", "device-id")
"""Values that are met by whatever this server does."""


def policy_of(chosen: Mapping[str, Any]) -> Policy:
    """The policy of a server that keeps to ``chosen``. Raises UsageError for a choice that the sandbox cannot make."""
    members: dict[str, Any] = {
        member: chosen[name] for name, member in _MEMBERS.items() if name in chosen and chosen[name] not in _ANYTHING
    }
    members["agenda"] = chosen.get("double-booking", "refused") == "refused"
    if chosen.get("appointment-deletion") == "refused":
        members["withheld"] = frozenset({"Appointment.delete"})
    policy = Policy(**members)
    told = policy.told()
    for name, value in chosen.items():
        if name in told and told[name] != value and value not in _ANYTHING:
            raise UsageError(f"policy: {name}: the sandbox does {told[name]!r} only, not {value!r}; leave it out")
    return policy
