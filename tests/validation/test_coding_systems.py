"""What a coding's system may be: a URI, of a code system, that its publisher knows (FHIR R4 datatypes, Coding)."""

from typing import Any

import pytest

from harness import Definitions, Validator

VALUE_SET = "http://hl7.org/fhir/ValueSet/administrative-gender"


@pytest.fixture(scope="module")
def validator() -> Validator:
    """A validator with FHIR R4 alone."""
    return Validator(Definitions.embedded())


def said(validator: Validator, resource: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Rule, severity and place of what is said of code systems."""
    issues = validator.validate({"resourceType": "Encounter", "status": "finished", **resource}).issues
    return [(i.rule, i.severity, i.expression) for i in issues if i.rule.startswith("coding-system")]


@pytest.mark.parametrize(
    ("system", "rule"),
    [
        ("relative", "coding-system-relative"),
        ("mailto:a@acme.com", "coding-system-relative"),
        (VALUE_SET, "coding-system-value-set"),
        ("http://hl7.org/fhir/v3/ActCode", "coding-system-unknown"),
        ("http://loinc.org/", "coding-system-unknown"),
        ("http://snomed.info/sct/900000000000207008", "coding-system-unknown"),
    ],
)
def test_a_coding_alone_needs_a_system_that_is_one(validator: Validator, system: str, rule: str) -> None:
    coding = {"system": system, "code": "x"}
    found = said(validator, {"class": {"code": "AMB"}, "meta": {"tag": [coding]}})
    assert found == [(rule, "error", "Encounter.meta.tag[0]")]


@pytest.mark.parametrize("system", ["http://loinc.org", "http://acme.com/cs", "http://hl7.org/fhir/test/x", "urn:x:y"])
def test_a_system_that_may_be_one_is_none_of_these(validator: Validator, system: str) -> None:
    assert said(validator, {"class": {"code": "AMB"}, "meta": {"tag": [{"system": system, "code": "x"}]}}) == []


def test_where_a_value_set_is_bound_it_says_what_is_unknown(validator: Validator) -> None:
    assert said(validator, {"class": {"system": "http://hl7.org/fhir/v3/ActCode", "code": "AMB"}}) == []
    assert said(validator, {"class": {"system": "relative", "code": "AMB"}}) == [
        ("coding-system-relative", "error", "Encounter.class.system")
    ]


def test_in_a_concept_others_may_say_what_is_meant(validator: Validator) -> None:
    codings = [{"system": system, "code": "x"} for system in ("relative", VALUE_SET, "http://hl7.org/fhir/v3/ActCode")]
    assert said(validator, {"class": {"code": "AMB"}, "type": [{"coding": codings}]}) == [
        ("coding-system-relative", "warning", "Encounter.type[0].coding[0].system"),
        ("coding-system-value-set", "warning", "Encounter.type[0].coding[1].system"),
    ]


@pytest.mark.parametrize(("code", "found"), [("abc", ["code-unknown"]), ("urn:x:y", []), ("https://acme.com/a", [])])
def test_a_code_that_is_a_uri_by_its_system_is_one(validator: Validator, code: str, found: list[str]) -> None:
    tag = {"system": "urn:ietf:rfc:3986", "code": code}
    issues = validator.validate({"resourceType": "Patient", "meta": {"tag": [tag]}}).errors
    assert [issue.rule for issue in issues] == found


@pytest.mark.parametrize(("coding", "found"), [((), ["binding-required"]), (("system",), [])])
def test_a_coding_of_a_concept_that_must_be_one_of_a_set_needs_its_system(
    validator: Validator, coding: tuple[str, ...], found: list[str]
) -> None:
    system = dict.fromkeys(coding, "http://terminology.hl7.org/CodeSystem/condition-clinical")
    condition = {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{**system, "code": "active"}]},
        "subject": {"reference": "Patient/1"},
    }
    assert [issue.rule for issue in validator.validate(condition).errors] == found


def test_a_fragment_that_leads_nowhere_is_doubtful_in_a_uri_and_wrong_in_a_canonical(validator: Validator) -> None:
    media = {"resourceType": "Media", "status": "completed", "content": {"url": "#x"}}
    measure = {"resourceType": "MeasureReport", "measure": "#x"}
    said = [
        [(i.severity, i.expression) for i in validator.validate(resource).issues if i.rule == "fragment-unresolved"]
        for resource in (media, measure)
    ]
    assert said == [[("warning", "Media.content.url")], [("error", "MeasureReport.measure")]]
