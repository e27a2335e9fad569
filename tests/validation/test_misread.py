"""What is judged where the JSON of an element is of a wrong kind (FHIR R4 json §2.6.2)."""

from typing import Any

import pytest

from harness import Definitions, Validator
from harness.validation.misread import readable
from harness.validation.scope import Misread


@pytest.fixture(scope="module")
def validator() -> Validator:
    """A validator with FHIR R4 alone."""
    return Validator(Definitions.embedded())


def errors(validator: Validator, resource: dict[str, Any]) -> set[tuple[str, str]]:
    """Rule and place of each error."""
    return {(issue.rule, issue.expression) for issue in validator.validate(resource).errors}


OBSERVATION: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


@pytest.mark.parametrize("code", [[{"text": "x"}], "x", True, [None]])
def test_what_cannot_be_an_element_is_absent(validator: Validator, code: Any) -> None:
    found = errors(validator, {**OBSERVATION, "code": code})
    assert ("json-kind", "Observation.code") in found
    assert ("min-cardinality", "Observation") in found


def test_a_constraint_sees_what_a_reader_sees(validator: Validator) -> None:
    quantity = {"value": 1, "system": ["http://unitsofmeasure.org"], "code": "kg"}
    assert errors(validator, {**OBSERVATION, "valueQuantity": quantity}) == {
        ("json-kind", "Observation.value.ofType(Quantity).system"),
        ("invariant", "Observation.value.ofType(Quantity)"),
    }


def test_one_object_is_read_as_the_only_one_of_its_array(validator: Validator) -> None:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
    condition = {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": coding},
        "subject": {"reference": "#p"},
        "contained": {"resourceType": "Patient", "id": "p"},
    }
    assert errors(validator, condition) == {
        ("json-kind", "Condition.clinicalStatus.coding"),
        ("json-kind", "Condition.contained"),
    }


def test_a_companion_that_is_none_is_no_value(validator: Validator) -> None:
    found = errors(validator, {"resourceType": "Observation", "_status": "final", "code": {"text": "x"}})
    assert found == {("json-kind", "Observation.status"), ("min-cardinality", "Observation")}


def test_the_copy_leaves_the_rest_as_it_is() -> None:
    inner = {"a": 1, "b": [2]}
    resource = {"x": inner, "y": [{"c": inner}, "d"], "z": {"e": 3}}
    misread = [Misread(inner, "a", False), Misread(resource, "y", True), Misread(resource, "z", True)]
    assert readable(resource, misread) == {"x": {"b": [2]}, "y": [{"c": {"b": [2]}}], "z": [{"e": 3}]}
    assert resource["z"] == {"e": 3}
