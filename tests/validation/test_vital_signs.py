"""An Observation of a vital sign conforms to its profile, however precisely its code says what was measured."""

import pytest

from harness import Definitions, Validator
from harness.fhir.code_rules import LOINC, is_code
from harness.validation.vital_signs import VITAL_SIGNS


@pytest.fixture(scope="module")
def validator() -> Validator:
    """A validator with FHIR R4 alone."""
    return Validator(Definitions.embedded())


def test_every_code_is_one_and_every_profile_is_known(validator: Validator) -> None:
    assert not [code for code in VITAL_SIGNS if is_code(LOINC, code) is False]
    for profile in set(VITAL_SIGNS.values()):
        assert validator.judge.schema(f"http://hl7.org/fhir/StructureDefinition/{profile}") is not None


@pytest.mark.parametrize(
    ("codes", "lacks_code"),
    [(("8302-2",), False), (("8306-3",), True), (("8306-3", "8302-2"), False), (("76476-1",), True)],
)
def test_a_more_precise_code_stands_beside_that_of_the_profile(
    validator: Validator, codes: tuple[str, ...], lacks_code: bool
) -> None:
    coding = [{"system": LOINC, "code": code} for code in codes]
    found = validator.validate({"resourceType": "Observation", "status": "final", "code": {"coding": coding}}).errors
    assert any(i.rule == "slice-min" and i.expression == "Observation.code" for i in found) is lacks_code
    assert "min-cardinality" in {i.rule for i in found}


def test_other_observations_are_no_vital_signs(validator: Validator) -> None:
    coding = [{"system": LOINC, "code": "3151-8"}, {"system": "http://acme.com/cs", "code": "8302-2"}]
    observation = {"resourceType": "Observation", "status": "final", "code": {"coding": coding}}
    assert not validator.validate(observation).errors


def test_a_profile_of_a_vital_sign_says_which_precise_code_it_wants() -> None:
    url = "https://fhir.test/StructureDefinition/head"
    definitions = Definitions.embedded()
    definitions.add(
        {
            "resourceType": "StructureDefinition",
            "url": url,
            "name": "Head",
            "status": "draft",
            "kind": "resource",
            "abstract": False,
            "type": "Observation",
            "baseDefinition": "http://hl7.org/fhir/StructureDefinition/vitalsigns",
            "derivation": "constraint",
            "differential": {"element": [{"id": "Observation", "path": "Observation"}]},
        }
    )
    category = "http://terminology.hl7.org/CodeSystem/observation-category"
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": category, "code": "vital-signs"}]}],
        "code": {"coding": [{"system": LOINC, "code": "8287-5"}]},
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2024-05-01",
        "valueQuantity": {"value": 41, "unit": "cm", "system": "http://unitsofmeasure.org", "code": "cm"},
    }
    verdicts = {
        profile: Validator(definitions).validate({**observation, "meta": {"profile": [profile]}}).ok
        for profile in (url, "http://hl7.org/fhir/StructureDefinition/vitalsigns")
    }
    assert verdicts == {url: True, "http://hl7.org/fhir/StructureDefinition/vitalsigns": False}
