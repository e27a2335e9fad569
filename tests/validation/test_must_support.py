"""Elements that a profile marks as must-support: told where they are absent, when that is asked for."""

from harness import Definitions, Validator

PROFILE = {
    "resourceType": "StructureDefinition",
    "url": "https://example.test/StructureDefinition/supported",
    "type": "Patient",
    "kind": "resource",
    "derivation": "constraint",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
    "differential": {
        "element": [
            {"id": "Patient.gender", "path": "Patient.gender", "mustSupport": True},
            {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1, "mustSupport": True},
            {"id": "Patient.deceased[x]", "path": "Patient.deceased[x]", "mustSupport": True},
            {"id": "Patient.photo", "path": "Patient.photo", "max": "0", "mustSupport": True},
        ]
    },
}
PATIENT = {"resourceType": "Patient", "birthDate": "2000-01-01", "deceasedBoolean": False}


def _told(must_support: bool) -> list[tuple[str, str | None, str]]:
    definitions = Definitions.embedded()
    definitions.add(PROFILE)
    outcome = Validator(definitions, must_support=must_support).validate(PATIENT, [str(PROFILE["url"])])
    assert outcome.ok
    assert not outcome.undecided
    return [(i.severity, i.definition, i.message) for i in outcome.issues if i.rule == "must-support"]


def test_what_is_absent_is_information() -> None:
    (told,) = _told(True)
    assert told[:2] == ("information", "Patient.gender")
    assert "gender is absent" in told[2]


def test_nothing_is_said_unasked() -> None:
    assert _told(False) == []
