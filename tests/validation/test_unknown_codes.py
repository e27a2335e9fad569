"""Codes whose code system is not at hand: never silently valid; those of a grammar are judged by it."""

from typing import Any

import pytest

from harness import Definitions, Validator

SYSTEM = "https://vendor.invalid/CodeSystem/colours"


def _observation(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "colour"}, **more}


def _coded(system: str, code: str) -> dict[str, Any]:
    return _observation(code={"coding": [{"system": system, "code": code}]})


@pytest.mark.parametrize(("setting", "undecided"), [("information", True), ("allowed", False)])
def test_a_code_that_nobody_here_knows_is_said(setting: str, undecided: bool) -> None:
    outcome = Validator(Definitions.embedded(), unknown_codes=setting).validate(_coded(SYSTEM, "blue"))
    assert outcome.ok
    assert outcome.undecided is undecided
    found = [(i.rule, i.severity, i.expression) for i in outcome.issues if i.rule == "code-undecided"]
    assert found == [("code-undecided", "information", "Observation.code.coding[0]")]


def test_a_code_that_a_profile_asks_for_is_decided() -> None:
    weight = _observation(
        category=[
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
                ]
            }
        ],
        code={"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        subject={"reference": "Patient/1"},
        effectiveDateTime="2024-01-01",
        valueQuantity={"value": 71, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    )
    outcome = Validator(Definitions.embedded()).validate(weight)
    assert (outcome.ok, outcome.undecided) == (True, False)


@pytest.mark.parametrize(
    ("system", "code", "ok"),
    [
        ("http://loinc.org", "29463-7", True),
        ("http://loinc.org", "29463-8", False),
        ("http://loinc.org", "LA15920-4", True),
    ],
)
def test_loinc_has_check_digits(system: str, code: str, ok: bool) -> None:
    outcome = Validator(Definitions.embedded()).validate(_coded(system, code))
    rules = {i.rule for i in outcome.issues if i.expression.startswith("Observation.code")}
    assert ("code-unknown" in rules) is not ok


@pytest.mark.parametrize(("unit", "ok"), [("kg", True), ("mm[Hg]", True), ("kilo", False), ("KG", False)])
def test_a_unit_is_one_of_ucum(unit: str, ok: bool) -> None:
    quantity = {"value": 1, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    assert Validator(Definitions.embedded()).validate(_observation(valueQuantity=quantity)).ok is ok
