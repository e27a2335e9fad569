"""What the client was asked to do: the step of the harness, as it stands in the environment."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_VARIABLE = "FHIR_HARNESS_STEP"


@dataclass(frozen=True)
class Task:
    """One task: ``action`` in a word, what it is about, for whom, and with which credentials."""

    action: str
    base: str
    credentials: Mapping[str, str] = field(default_factory=dict)
    caller: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)

    @property
    def now(self) -> str:
        """This second, with its offset."""
        return datetime.now(UTC).isoformat(timespec="seconds")

    @property
    def patient(self) -> dict[str, str]:
        """The pair that names the patient: the system of the authority, and the identifier given at pairing."""
        return dict(self.caller["identifier"])

    @property
    def source(self) -> str:
        """Where the measures of this client come from: its OID."""
        return str(self.caller["solution"]["source"])

    @property
    def consents(self) -> frozenset[str]:
        """What the patient let this client do: ``read``, ``write``."""
        return frozenset(self.caller.get("consents", ()))


def from_environment(action: str, base: str) -> Task:
    """Return the task that the harness gave; ``base``, when not empty, is the address to use."""
    step = json.loads(os.environ.get(_VARIABLE, "{}"))
    return Task(
        action or step.get("action", ""),
        base or step.get("base-url", ""),
        step.get("credentials", {}),
        step.get("caller", {}),
        step.get("data", {}),
        step.get("policy", {}),
    )
