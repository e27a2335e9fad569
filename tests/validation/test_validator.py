"""The one door: what is checked, where it is reported, in which words."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import Definitions, Validator
from harness.validation.messages import RULES
from tests.validation.profiles import BASE, element, profile


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(Definitions.embedded())


def patient(**changes: Any) -> dict[str, Any]:
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Example</div>'}
    return {"resourceType": "Patient", "text": text, "name": [{"family": "Exemple"}], **changes}


def places(validator: Validator, resource: Any, *profiles: str) -> list[tuple[str, str]]:
    outcome = validator.validate(resource, profiles)
    return [(issue.rule, issue.expression) for issue in outcome.issues if issue.severity in ("fatal", "error")]


def test_a_good_patient_has_no_issue(validator: Validator) -> None:
    outcome = validator.validate(patient())
    assert outcome.ok
    assert outcome.issues == ()
    assert outcome.operation_outcome()["issue"][0]["severity"] == "information"


def test_ten_faults_give_ten_errors_each_at_its_path_in_one_run(validator: Validator) -> None:
    broken = patient(
        id="not allowed",
        gender="mle",
        birthDate="2020-02-31",
        active="true",
        nme=[{"family": "X"}],
        telecom=[{"system": "phone", "value": "1"}, {"value": "no system"}],
        maritalStatus={},
        communication=[{"preferred": True}],
        managingOrganization={"reference": "Patient/1"},
        extension=[{"url": "https://example.test/unknown", "valueString": "a"}],
    )
    assert sorted(places(validator, broken)) == [
        ("binding-required", "Patient.gender"),
        ("extension-unknown", "Patient.extension[0]"),
        ("invariant", "Patient.telecom[1]"),
        ("json-empty-object", "Patient.maritalStatus"),
        ("json-kind", "Patient.active"),
        ("min-cardinality", "Patient.communication[0]"),
        ("primitive-format", "Patient.birthDate"),
        ("primitive-format", "Patient.id"),
        ("reference-target-type", "Patient.managingOrganization"),
        ("unknown-element", "Patient"),
    ]


def test_an_observation_reports_every_fault_in_the_order_of_its_elements(validator: Validator) -> None:
    broken = {
        "resourceType": "Observation",
        "status": "finished",
        "code": {"coding": [{"system": "http://loinc.org", "code": "72514-3"}]},
        "category": {"text": "exam"},
        "effectiveDateTime": "2024-13-01",
        "issued": "2024-01-01",
        "subject": {"reference": "Medication/1"},
        "valueQuantity": {"value": "3", "comparator": "=="},
        "note": [{"time": "2024-01-01"}],
        "referenceRange": [{"type": {"text": "normal"}}],
        "component": [{"valueString": "x"}],
        "unit": "1",
    }
    assert places(validator, broken) == [
        ("binding-required", "Observation.status"),
        ("json-kind", "Observation.category"),
        ("primitive-format", "Observation.effective.ofType(dateTime)"),
        ("primitive-format", "Observation.issued"),
        ("reference-target-type", "Observation.subject"),
        ("json-kind", "Observation.value.ofType(Quantity).value"),
        ("binding-required", "Observation.value.ofType(Quantity).comparator"),
        ("min-cardinality", "Observation.note[0]"),
        ("invariant", "Observation.referenceRange[0]"),
        ("min-cardinality", "Observation.component[0]"),
        ("unknown-element", "Observation"),
    ]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"\xef\xbb\xbf" + json.dumps(patient()).encode(), "json-bom"),
        (b'{"resourceType": "Patient", "active": true, "active": false}', "json-duplicate-key"),
        (b"<html>", "json-syntax"),
        (b"\xff\xfe", "json-syntax"),
        (b"[]", "not-a-resource"),
        (b"{}", "not-a-resource"),
        (b'{"resourceType": "Patent"}', "resource-type-unknown"),
        (b'{"resourceType": "Patient", "active": null}', "json-null"),
        (b'{"resourceType": "Patient", "name": []}', "json-empty-array"),
        (b'{"resourceType": "Patient", "x": ' + b"[" * 500 + b"]" * 500 + b"}", "json-depth"),
        (b"[" * 100_000, "json-depth"),
        (b'{"resourceType": "Observation", "valueQuantity": {"value": NaN}}', "json-syntax"),
    ],
)
def test_json_faults(validator: Validator, text: bytes, rule: str) -> None:
    outcome = validator.validate(text)
    assert rule in {issue.rule for issue in outcome.issues}
    assert not outcome.ok


def test_decimals_from_text_stay_exact(validator: Validator) -> None:
    outcome = validator.validate('{"resourceType": "Observation", "valueQuantity": {"value": 1.10}}')
    assert "json-kind" not in {issue.rule for issue in outcome.issues}
    assert places(validator, {"resourceType": "Patient", "multipleBirthInteger": Decimal("1.5")}) == [
        ("primitive-format", "Patient.multipleBirth.ofType(integer)")
    ]


def test_extensions_beside_primitives(validator: Validator) -> None:
    reason = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    assert places(validator, patient(_birthDate={"extension": [reason]})) == []
    paired = patient(name=[{"given": ["A", None], "_given": [None, {"extension": [reason]}]}])
    assert places(validator, paired) == []
    unpaired = patient(name=[{"given": ["A"], "_given": [None, {"extension": [reason]}]}])
    assert places(validator, unpaired) == [("json-array-length", "Patient.name[0].given")]
    assert places(validator, patient(_birthDate={"id": "a"})) == [("invariant", "Patient.birthDate")]


def test_extension_rules(validator: Validator) -> None:
    place = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
    assert places(validator, patient(extension=[{"url": place, "valueAddress": {"city": "Lyon"}}])) == []
    assert places(validator, patient(extension=[{"url": place, "valueString": "Lyon"}])) == [
        ("type-not-allowed", "Patient.extension[0]")
    ]
    wrong = patient(name=[{"family": "A", "extension": [{"url": place, "valueAddress": {"city": "Lyon"}}]}])
    assert places(validator, wrong) == [("extension-context", "Patient.name[0]")]
    assert places(validator, patient(extension=[{"url": "https://example.test/x", "valueString": "a"}])) == [
        ("extension-unknown", "Patient.extension[0]")
    ]
    assert places(validator, patient(extension=[{"valueString": "a"}]))[0] == ("extension-url", "Patient.extension[0]")


def test_unknown_extensions_can_be_left_undecided() -> None:
    lenient = Validator(Definitions.embedded(), unknown_extensions="information")
    unknown = {"url": "https://example.test/x", "valueString": "a"}
    outcome = lenient.validate(patient(extension=[unknown]))
    assert outcome.ok
    assert outcome.undecided
    assert not lenient.validate(patient(modifierExtension=[unknown])).ok


def test_contained_and_local_references(validator: Validator) -> None:
    organization = {"resourceType": "Organization", "id": "o1", "name": "Clinique d'exemple"}
    good = patient(contained=[organization], managingOrganization={"reference": "#o1"})
    assert places(validator, good) == []
    assert places(validator, patient(contained=[organization])) == [("contained-unreferenced", "Patient.contained[0]")]
    assert places(validator, patient(managingOrganization={"reference": "#o2"})) == [
        ("reference-contained", "Patient.managingOrganization")
    ]


def test_meta_profile_that_is_not_known_is_undecided_and_one_asked_for_is_an_error(validator: Validator) -> None:
    named = validator.validate(patient(meta={"profile": ["https://example.test/unknown"]}))
    assert named.ok
    assert named.undecided
    assert places(validator, patient(), "https://example.test/unknown") == [("profile-required-unknown", "Patient")]


def test_security_labels_are_a_set(validator: Validator) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    other = {**label, "code": "V"}
    found = places(validator, patient(meta={"security": [label, other, label]}))
    assert found == [("label-duplicate", "Patient.meta.security[2]")]
    assert places(validator, patient(meta={"tag": [label, label]})) == []


def test_narrative(validator: Validator) -> None:
    def rules(div: str) -> set[str | None]:
        outcome = validator.validate(patient(text={"status": "generated", "div": div}))
        return {issue.constraint or issue.rule for issue in outcome.errors}

    assert rules('<div xmlns="http://www.w3.org/1999/xhtml"><p>a&#160;b</p></div>') == set()
    assert rules('<div xmlns="http://www.w3.org/1999/xhtml"><p>a&nbsp;b</p></div>') == {"xhtml"}
    assert rules('<div xmlns="http://www.w3.org/1999/xhtml"><p><ul><li>a</li></ul></p></div>') == {"xhtml"}
    assert rules('<div xmlns="http://www.w3.org/1999/xhtml"><td>a</td></div>') == {"xhtml"}
    assert rules('<div xmlns="http://www.w3.org/1999/xhtml"><a href="#b">a</a></div>') == {"xhtml"}
    assert rules('<div xmlns="http://www.w3.org/1999/xhtml"><a href="#b">a</a><p id="b">b</p></div>') == set()
    assert rules('<div xmlns="http://www.w3.org/1999/xhtml"><script>a</script></div>') == {"txt-1"}
    assert rules('<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="a">a</p></div>') == {"txt-1"}
    assert rules('<div xmlns="http://www.w3.org/1999/xhtml"> </div>') == {"txt-2"}
    assert rules("<div>a</div>") == {"xhtml"}
    assert rules('<div xmlns="http://www.w3.org/1999/xhtml"><p>a</div>') == {"xhtml"}


def test_vital_signs_are_judged_by_their_profile(validator: Validator) -> None:
    weight = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"display": "somebody"},
        "effectiveDateTime": "2024-01-01",
        "valueQuantity": {"value": 71, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }
    assert ("min-cardinality", "Observation") in places(validator, weight)


def test_messages_are_there_in_both_languages_for_every_rule(validator: Validator) -> None:
    issue = validator.validate(patient(gender="mle")).issues[0]
    assert "is required" in issue.message
    assert "est exigé" in issue.text("fr")
    french = Validator(Definitions.embedded(), lang="fr").validate(patient(gender="mle"))
    assert french.issues[0].message == issue.text("fr")
    for rule in RULES.values():
        assert rule.en != rule.fr


def test_operation_outcome_carries_the_data(validator: Validator) -> None:
    issue = validator.validate(patient(gender="mle")).operation_outcome()["issue"][0]
    assert issue["severity"] == "error"
    assert issue["code"] == "code-invalid"
    assert issue["expression"] == ["Patient.gender"]
    assert issue["details"]["coding"][0]["code"] == "binding-required"


def test_definitions_added_later_are_used() -> None:
    definitions = Definitions.embedded()
    validator = Validator(definitions)
    profile = {
        "resourceType": "StructureDefinition",
        "url": "https://example.test/named",
        "name": "Named",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}]},
    }
    assert not validator.validate(patient(), [profile["url"]]).ok
    definitions.add(profile)
    assert places(validator, patient(), profile["url"]) == [("min-cardinality", "Patient")]
    assert places(validator, patient(birthDate="2000"), profile["url"]) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["extension", "url", "coding", "code", "reference", "contained", "id", "_id", "value", "valueCode"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["name", "contained", "extension", "_birthDate", "meta", "text", "link", "generalPractitioner"]),
    JSON,
)
def test_no_json_makes_it_crash(validator: Validator, key: str, value: Any) -> None:
    outcome = validator.validate(patient(**{key: value}))
    assert all(issue.message and issue.expression.startswith("Patient") for issue in outcome.issues)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_no_bundle_makes_it_crash(validator: Validator, value: Any) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "document",
        "entry": [{"resource": value, "fullUrl": value}],
        "link": value,
    }
    outcome = validator.validate(bundle)
    assert not outcome.ok


def test_a_guide_may_ask_a_profile_of_every_resource_of_a_type() -> None:
    definitions = Definitions.embedded()
    born = profile("born", "Patient", element("Patient.birthDate", min=1))
    definitions.add(born)
    assert places(Validator(definitions), patient()) == []
    guide = {
        "resourceType": "ImplementationGuide",
        "url": "https://example.test/ImplementationGuide/g",
        "status": "draft",
    }
    definitions.add({**guide, "global": [{"type": "Patient", "profile": born["url"]}]})
    assert places(Validator(definitions), patient()) == [("min-cardinality", "Patient")]


@pytest.mark.parametrize(
    ("asked", "found"), [("|1.0", [("min-cardinality", False)]), ("|2.0", [("profile-other-version", True)])]
)
def test_a_profile_is_not_judged_in_another_version_than_the_resource_names(
    asked: str, found: list[tuple[str, bool]]
) -> None:
    definitions = Definitions.embedded()
    definitions.add({**profile("dated", "Patient", element("Patient.birthDate", min=1)), "version": "1.0"})
    resource = {"resourceType": "Patient", "active": True, "meta": {"profile": [BASE + "dated" + asked]}}
    outcome = Validator(definitions).validate(resource)
    assert [(i.rule, i.undecided) for i in outcome.issues if i.constraint != "dom-6"] == found


def test_a_profile_that_cannot_be_used_is_an_error_when_it_is_asked_for_and_undecided_when_claimed() -> None:
    definitions = Definitions.embedded()
    derived = {**profile("derived", "Patient"), "baseDefinition": BASE + "absent"}
    definitions.add(derived)
    validator = Validator(definitions)
    asked = validator.validate(patient(), [derived["url"]])
    assert [(i.rule, i.expression, i.undecided) for i in asked.errors] == [("profile-broken", "Patient", True)]
    claimed = validator.validate(patient(meta={"profile": [derived["url"]]}))
    assert claimed.ok
    assert [i.rule for i in claimed.issues if i.undecided] == ["profile-broken"]


@pytest.mark.parametrize(
    ("version", "rules"), [("", ["min-cardinality"]), ("|1.0", ["min-cardinality"]), ("|2.0.0", [])]
)
def test_a_type_s_profile_in_a_version_that_is_not_at_hand_is_undecided(version: str, rules: list[str]) -> None:
    definitions = Definitions.embedded()
    named = {**profile("whole-name", "HumanName", element("HumanName.given", min=1)), "version": "1.0.3"}
    named["kind"] = "complex-type"
    pinned = profile(
        "pinned", "Patient", element("Patient.name", type=[{"code": "HumanName", "profile": [named["url"] + version]}])
    )
    for definition in (named, pinned):
        definitions.add(definition)
    outcome = Validator(definitions).validate(patient(), [pinned["url"]])
    assert [i.rule for i in outcome.errors] == rules
    assert [i.rule for i in outcome.issues if i.undecided] == ([] if rules else ["profile-other-version"])


def test_contained_resources_are_sliced_by_type_and_judged_by_their_slice() -> None:
    definitions = Definitions.embedded()
    named = profile("named", "Patient", element("Patient.name", min=1))
    sliced = profile(
        "holder",
        "Observation",
        element(
            "Observation.contained", slicing={"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}
        ),
        element("Observation.contained:p", min=1, max="1", type=[{"code": "Patient", "profile": [named["url"]]}]),
    )
    for definition in (named, sliced):
        definitions.add(definition)
    validator = Validator(definitions)

    def told(*contained: dict[str, Any]) -> list[tuple[str, str]]:
        links = [{"reference": f"#{part['id']}"} for part in contained]
        code = {"status": "final", "code": {"text": "x"}}
        resource = {"resourceType": "Observation", **code, "focus": links, "contained": list(contained)}
        return places(validator, resource, sliced["url"])

    good = {"resourceType": "Patient", "id": "a", "name": [{"family": "Exemple"}]}
    other = {"resourceType": "Medication", "id": "m", "status": "active"}
    assert told(good) == told(good, other) == []
    assert told(other) == [("slice-min", "Observation")]
    assert told(good, {**good, "id": "b"}) == [("slice-max", "Observation")]
    nameless = {"resourceType": "Patient", "id": "a", "active": True}
    assert told(nameless) == [("min-cardinality", "Observation.contained[0]")]


def test_a_published_snapshot_with_a_type_that_there_is_not_leaves_its_element_undecided() -> None:
    definitions = Definitions.embedded()
    made = profile("odd", "Observation")
    base = definitions.snapshot("http://hl7.org/fhir/StructureDefinition/Observation")
    made["snapshot"] = {
        "element": [{**e, "type": [{"code": "Foo"}]} if e["path"].endswith("value[x]") else dict(e) for e in base]
    }
    definitions.add(made)
    resource = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "valueFoo": {"a": 1}}
    outcome = Validator(definitions).validate(resource, [made["url"]])
    (told,) = [i for i in outcome.issues if i.undecided]
    assert (told.rule, told.expression) == ("profile-broken", "Observation.value.ofType(Foo)")
    assert "'Foo' is not known" in told.message
