"""The CapabilityStatement of the measures API."""

from __future__ import annotations

from typing import Any

from harness.sandbox.capabilities import instance
from harness.sandbox.measures.feed_rules import BMI
from harness.sandbox.policy import Policy

_PARAMETERS = (("code", "token"), ("date", "date"))


def statement(base: str, started: str, policy: Policy) -> dict[str, Any]:
    """The CapabilityStatement (kind ``instance``) of the measures API at ``base``."""
    parameters = [{"name": name, "type": type_} for name, type_ in _PARAMETERS]
    parameters.append({"name": policy.patient_parameter, "type": "token"})
    told = (
        f"A bearer access token, and the ID token in {policy.id_token_header}. "
        f"One measure a transaction; the body mass index ({BMI}) is computed and cannot be fed."
    )
    return {
        **instance("Sandbox of the measures API of Mon espace santé", base, started),
        "rest": [
            {
                "mode": "server",
                "security": {"cors": policy.cors, "description": told},
                "resource": [
                    {"type": "Device", "conditionalCreate": True, "referencePolicy": ["literal"]},
                    {
                        "type": "Observation",
                        "interaction": [{"code": "search-type"}],
                        "searchInclude": ["Observation:device"],
                        "searchParam": parameters,
                    },
                ],
                "interaction": [{"code": "transaction"}],
            }
        ],
    }
