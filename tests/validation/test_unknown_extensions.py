"""Extensions that nobody here defines: as the reference validator judges them, and as FHIR lets them be."""

from typing import Any

import pytest

from harness import Definitions, Validator

URL = "http://vendor.example.org/StructureDefinition/colour"


def _patient(member: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "active": True, member: [{"url": URL, "valueString": "blue"}]}


@pytest.mark.parametrize(
    ("setting", "member", "ok", "undecided"),
    [
        ("error", "extension", False, False),
        ("error", "modifierExtension", False, False),
        ("information", "extension", True, True),
        ("information", "modifierExtension", False, False),
        ("allowed", "extension", True, False),
        ("allowed", "modifierExtension", True, True),
    ],
)
def test_the_setting_decides(setting: str, member: str, ok: bool, undecided: bool) -> None:
    outcome = Validator(Definitions.embedded(), unknown_extensions=setting).validate(_patient(member))
    assert (outcome.ok, outcome.undecided) == (ok, undecided)
