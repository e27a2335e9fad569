"""Each assertion that asks the judge: codes, invariants, references, extensions, profiles of types."""

from typing import Any

import pytest

from harness.fhir.fhirpath import compile_expression
from harness.validation.assertions.binding import Binding, UsedBinding
from harness.validation.assertions.coding import CodingRule
from harness.validation.assertions.conformity import Conformity
from harness.validation.assertions.contained import check as check_contained
from harness.validation.assertions.extension import ExtensionRule
from harness.validation.assertions.invariant import Invariant
from harness.validation.assertions.reference import ReferenceRule
from harness.validation.location import root
from harness.validation.schema import Children, Slots
from harness.validation.scope import Settings
from tests.validation.probe import ORIGIN, embedded, findings, issues, scope

TYPES = "http://hl7.org/fhir/StructureDefinition/"
GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
GENDERS = "http://hl7.org/fhir/administrative-gender"
SNOMED = {"system": "http://snomed.info/sct", "code": "1"}


@pytest.mark.parametrize(
    ("strength", "value", "rules"),
    [
        ("required", "male", []),
        ("required", "mal", ["binding-required"]),
        ("extensible", "mal", ["binding-extensible"]),
        ("required", {"coding": [{"system": GENDERS, "code": "male"}, SNOMED]}, []),
        ("required", {"coding": [SNOMED]}, ["binding-required"]),
        ("required", {"text": "man"}, ["binding-no-code"]),
        ("extensible", {"text": "man"}, []),
        ("required", {"system": GENDERS, "code": "x"}, ["binding-required"]),
    ],
)
def test_binding(strength: str, value: Any, rules: list[str]) -> None:
    kind = "code" if isinstance(value, str) else "CodeableConcept" if "coding" in value else "Coding"
    assert [rule for rule, _ in findings(Binding(ORIGIN, strength, GENDER, kind), value)] == rules


def test_binding_to_an_unknown_value_set_is_undecided_unless_preferred() -> None:
    (told,) = issues(Binding(ORIGIN, "required", "http://x/none", "code"), "a")
    assert (told.rule, told.undecided) == ("binding-undecided", True)
    assert issues(Binding(ORIGIN, "preferred", "http://x/none", "code"), "a") == []


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"system": GENDERS, "code": "male", "display": "Male"}, []),
        ({"system": GENDERS, "code": "male", "display": "  MALE "}, []),
        ({"system": GENDERS, "code": "mal"}, [("code-unknown", "Thing.code")]),
        ({"system": GENDERS, "code": "male", "display": "Man"}, [("display-wrong", "Thing.display")]),
        ({"system": "genders", "code": "male"}, [("coding-system-relative", "Thing.system")]),
        (SNOMED, []),
        ({"code": "male"}, []),
    ],
)
def test_coding(value: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert findings(CodingRule(), value) == found


def invariant(text: str, problem: str | None = None) -> Invariant:
    expression = None if problem else compile_expression(text)
    return Invariant(ORIGIN, "x-1", "error", "it must", text, expression, "Period", problem)


def test_invariant_reports_what_is_false_and_what_cannot_be_judged() -> None:
    rule = invariant("start.exists()")
    assert findings(rule, {"start": "2020"}) == []
    (told,) = issues(rule, {"end": "2020"})
    assert (told.rule, told.constraint, told.severity, told.detail) == ("invariant", "x-1", "error", "it must")
    (open_one,) = issues(invariant("oops(", "it does not parse"), {"end": "2020"})
    assert (open_one.rule, open_one.undecided) == ("invariant-undecided", True)
    assert issues(rule, None) == []


@pytest.mark.parametrize(
    "text", ["start + 1 = 2", "start > 5", "(start | end).matches('2')", "(start | end).single() = end"]
)
def test_a_constraint_that_these_values_cannot_answer_does_not_hold(text: str) -> None:
    (told,) = issues(invariant(text), {"start": "2020", "end": "2021"})
    assert (told.rule, told.undecided) == ("invariant", False)


def test_a_constraint_that_is_no_condition_cannot_be_judged() -> None:
    (told,) = issues(invariant("start | end"), {"start": "2020", "end": "2021"})
    assert (told.rule, told.undecided) == ("invariant-undecided", True)


@pytest.mark.parametrize(
    ("value", "rules"),
    [
        ({"reference": "Patient/1"}, []),
        ({"reference": "https://x.test/fhir/Patient/1/_history/2"}, []),
        ({"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}, []),
        ({"reference": "Device/1"}, ["reference-target-type"]),
        ({"reference": "Patient/1", "type": "Device"}, ["reference-type-mismatch"]),
        ({"reference": "Patient /1"}, ["reference-whitespace"]),
        ({"reference": "#none"}, ["reference-contained"]),
        ({"reference": "patient/1"}, ["reference-format"]),
        ({"type": "Device"}, ["reference-target-type"]),
        ({"display": "somebody"}, []),
    ],
)
def test_reference(value: dict[str, Any], rules: list[str]) -> None:
    around = scope({"resourceType": "Observation"})
    assert [r for r, _ in findings(ReferenceRule(ORIGIN, (TYPES + "Patient",)), value, around)] == rules


def test_reference_that_must_be_contained() -> None:
    inside = {"resourceType": "Observation", "contained": [{"resourceType": "Patient", "id": "a"}]}
    rule = ReferenceRule(ORIGIN, (TYPES + "Patient",), ("contained",))
    assert findings(rule, {"reference": "#a"}, scope(inside)) == []
    assert findings(rule, {"reference": "Patient/1"}, scope(inside)) == [("reference-aggregation", "Thing")]


@pytest.mark.parametrize(
    ("versioning", "text", "found"),
    [
        ("specific", "Patient/1", ["reference-version-specific"]),
        ("specific", "https://x.test/Patient/1/_history/2", []),
        ("specific", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", []),
        ("independent", "Patient/1/_history/2", ["reference-version-independent"]),
        ("independent", "Patient/1", []),
        ("either", "Patient/1/_history/2", []),
    ],
)
def test_reference_names_a_version_as_the_profile_says(versioning: str, text: str, found: list[str]) -> None:
    rule = ReferenceRule(ORIGIN, (TYPES + "Patient",), (), versioning)
    around = scope({"resourceType": "Observation"})
    assert [r for r, _ in findings(rule, {"reference": text}, around)] == found


def test_contained_resources_are_used_once_each() -> None:
    resource = {
        "contained": [{"id": "a"}, {"id": "b"}, {"id": "c", "part": {"reference": "#"}}, {"id": "a"}],
        "subject": {"reference": "#a"},
    }
    around = scope(resource)
    check_contained(resource, root("Thing"), around)
    assert [(i.rule, i.expression) for i in around.session.issues] == [
        ("contained-unreferenced", "Thing.contained[1]"),
        ("contained-duplicate-id", "Thing.contained[3]"),
    ]


def extension(modifier: bool = False) -> ExtensionRule:
    nothing = Children(Slots(lambda key: None), (), frozenset(), tuple, is_resource=True)
    return ExtensionRule(ORIGIN, modifier, frozenset({"Patient"}), nothing)


BIRTH_PLACE = {"url": TYPES + "patient-birthPlace", "valueAddress": {"city": "Lyon"}}


@pytest.mark.parametrize(
    ("value", "setting", "rules"),
    [
        (BIRTH_PLACE, "error", set()),
        ({**BIRTH_PLACE, "valueAddress": {"city": 3}}, "error", {"json-kind"}),
        ({"valueString": "a"}, "error", {"extension-url", "unknown-element"}),
        ({"url": TYPES + "patient-birthPlace"}, "error", {"invariant", "min-cardinality"}),
        ({"url": "https://x.test/e", "valueCode": "a"}, "error", {"extension-unknown", "unknown-element"}),
        ({"url": "https://x.test/e", "valueCode": "a"}, "information", {"extension-undecided", "unknown-element"}),
        ({"url": "part", "valueCode": "a"}, "error", {"extension-url-relative", "unknown-element"}),
        ({"url": TYPES + "bodySite", "valueReference": {"display": "a"}}, "error", {"extension-context"}),
    ],
)
def test_extension(value: dict[str, Any], setting: str, rules: set[str]) -> None:
    around = scope({"resourceType": "Patient"}, settings=Settings(unknown_extensions=setting))
    assert {rule for rule, _ in findings(extension(), value, around)} == rules


def test_extension_that_modifies_is_kept_apart() -> None:
    around = scope({"resourceType": "Patient"})
    assert ("extension-modifier", "Thing") in findings(extension(modifier=True), BIRTH_PLACE, around)


def test_type_profile_reports_what_one_finds_or_that_none_fits() -> None:
    quantity = {"value": 1, "comparator": "<"}
    assert findings(Conformity(ORIGIN, (TYPES + "SimpleQuantity",)), quantity) != []
    assert findings(Conformity(ORIGIN, (TYPES + "SimpleQuantity", TYPES + "Quantity")), quantity) == []
    (unknown,) = issues(Conformity(ORIGIN, ("http://x/a", "http://x/b")), quantity)
    assert (unknown.rule, unknown.undecided) == ("profile-unknown", True)


def test_each_dump_names_its_kind() -> None:
    judge = embedded()
    assert judge.resource_types
    plain = Binding(ORIGIN, "required", GENDER, "code")
    assert plain.dump() == {"binding": "required", "valueSet": GENDER}
    used = UsedBinding(plain, (("Patient.gender", frozenset({(None, "male")})),))
    assert used.dump() == {"binding": "required", "valueSet": GENDER, "usage": ["Patient.gender"]}
    assert ReferenceRule(ORIGIN, ("a",), ("contained",)).dump() == {"reference": ["a"], "aggregation": ["contained"]}
    assert invariant("true").dump() == {"invariant": "x-1", "severity": "error", "expression": "true"}
    assert extension(modifier=True).dump() == {"extension": "modifier"}
