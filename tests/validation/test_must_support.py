"""Elements that a profile marks as must-support: told where they are absent, when that is asked for."""

from typing import Any

import pytest

from harness import Definitions, Validator
from tests.validation.profiles import BASE, element, profile, slicing

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


def _sliced() -> dict[str, Any]:
    return profile(
        "sliced",
        "Observation",
        element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}], mustSupport=True),
        element("Observation.category", slicing=slicing(("value", "text")), mustSupport=True),
        element("Observation.category:a", min=0, mustSupport=True, slicing=slicing(("value", "id"))),
        element("Observation.category:a.text", min=1, fixedString="a"),
        {**element("Observation.category:a/b", min=0, mustSupport=True), "sliceName": "a/b"},
        element("Observation.category:a/b.id", min=1, fixedString="b"),
        element("Observation.category:c", min=1, mustSupport=True),
        element("Observation.category:c.text", min=1, fixedString="c"),
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"valueQuantity": {"value": 1}}, ["category"]),
        ({"valueString": "x"}, ["category", "value[x]:valueQuantity"]),
        ({"category": [{"text": "c"}]}, ["category:a", "value[x]:valueQuantity"]),
        ({"category": [{"text": "c"}, {"text": "a"}]}, ["category:a/b", "value[x]:valueQuantity"]),
        ({"category": [{"text": "a", "id": "b"}], "valueQuantity": {"value": 1}}, []),
    ],
)
def test_slices_are_told_too_unless_they_must_be_there_or_their_element_is_absent(
    more: dict[str, Any], told: list[str]
) -> None:
    definitions = Definitions.embedded()
    definitions.add(_sliced())
    resource = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **more}
    outcome = Validator(definitions, must_support=True).validate(resource, [BASE + "sliced"])
    assert sorted(str(i.found) for i in outcome.issues if i.rule == "must-support") == told
