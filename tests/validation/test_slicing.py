"""Slices by value, pattern, type, exists, profile; through resolve(); order, closing, counts."""

from typing import Any

import pytest

from harness import Definitions, Validator
from tests.validation.profiles import BASE, element, errors, profile, slicing

PHONE = {"system": "phone", "value": "0100000000"}
ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
MAIL = {"system": "email", "value": "a@example.test"}


def telecom(rules: str = "open", ordered: bool = False) -> dict[str, Any]:
    return profile(
        "contact",
        "Patient",
        element("Patient.telecom", slicing=slicing(("value", "system"), rules=rules, ordered=ordered)),
        element("Patient.telecom:phone", min=1, max="1"),
        element("Patient.telecom:phone.system", min=1, fixedCode="phone"),
        element("Patient.telecom:phone.use", min=1),
        element("Patient.telecom:mail", min=0, max="1"),
        element("Patient.telecom:mail.system", min=1, fixedCode="email"),
    )


def patient(*telecoms: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Patient", **({"telecom": list(telecoms)} if telecoms else {})}


HOME = {**PHONE, "use": "home"}


@pytest.mark.parametrize(
    ("telecoms", "expected"),
    [
        ((HOME,), []),
        ((HOME, MAIL), []),
        ((), [("slice-min", "Patient")]),
        ((MAIL,), [("slice-min", "Patient")]),
        ((PHONE,), [("min-cardinality", "Patient.telecom[0]")]),
        ((HOME, MAIL, MAIL), [("slice-max", "Patient")]),
        ((HOME, {"system": "fax", "value": "1"}), []),
    ],
)
def test_value_slices(telecoms: tuple[dict[str, Any], ...], expected: list[tuple[str, str]]) -> None:
    assert errors(patient(*telecoms), telecom()) == expected


def test_closed_ordered_and_open_at_end() -> None:
    fax = {"system": "fax", "value": "1"}
    assert errors(patient(HOME, fax), telecom("closed")) == [("slice-unmatched", "Patient.telecom[1]")]
    assert errors(patient(MAIL, HOME), telecom(ordered=True)) == [("slice-order", "Patient.telecom[1]")]
    assert errors(patient(fax, HOME), telecom("openAtEnd")) == [("slice-after-open", "Patient.telecom[1]")]
    assert errors(patient(HOME, fax), telecom("openAtEnd")) == []


def test_pattern_on_the_slice_serves_a_discriminator_below_it() -> None:
    loinc = profile(
        "coded",
        "Observation",
        element("Observation.code.coding", slicing=slicing(("value", "code"), ("value", "system"))),
        element("Observation.code.coding:loinc", min=1, patternCoding={"system": "http://loinc.org", "code": "1-8"}),
    )
    good = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1-8"}]},
    }
    assert errors(good, loinc) == []
    other = {**good, "code": {"coding": [{"system": "http://loinc.org", "code": "2-6"}]}}
    assert errors(other, loinc) == [("slice-min", "Observation.code")]


def test_choice_types_are_slices() -> None:
    quantity = profile(
        "quantity",
        "Observation",
        element(
            "Observation.value[x]", slicing=slicing(("type", "$this"), rules="closed"), type=[{"code": "Quantity"}]
        ),
        element("Observation.value[x]:valueQuantity", min=1, max="1", type=[{"code": "Quantity"}]),
        element("Observation.value[x]:valueQuantity.code", min=1, fixedCode="kg"),
    )
    base = {"resourceType": "Observation", "status": "final", "code": {"text": "weight"}}
    assert (
        errors({**base, "valueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "kg"}}, quantity)
        == []
    )
    assert errors({**base, "valueQuantity": {"value": 1}}, quantity) == [
        ("min-cardinality", "Observation.value.ofType(Quantity)")
    ]
    assert errors({**base, "valueQuantity": {"code": "g", "system": "http://unitsofmeasure.org"}}, quantity) == [
        ("fixed-value", "Observation.value.ofType(Quantity).code")
    ]
    assert ("type-not-allowed", "Observation.value.ofType(string)") in errors({**base, "valueString": "1"}, quantity)


def test_a_required_slice_by_type_shuts_the_others_out() -> None:
    quantity = profile(
        "needed",
        "Observation",
        element("Observation.value[x]", slicing=slicing(("type", "$this"))),
        element("Observation.value[x]:valueQuantity", min=1, type=[{"code": "Quantity"}]),
    )
    base = {"resourceType": "Observation", "status": "final", "code": {"text": "weight"}}
    place = "Observation.value.ofType(CodeableConcept)"
    assert errors({**base, "valueCodeableConcept": {"text": "heavy"}}, quantity) == [
        ("type-not-allowed", place),
        ("element-of-refused", f"{place}.text"),
        ("min-cardinality", "Observation"),
    ]


def test_an_item_of_two_slices_is_told() -> None:
    twice = profile(
        "twice",
        "Patient",
        element("Patient.identifier", slicing=slicing(("exists", "period"), ("exists", "use"))),
        element("Patient.identifier:dated"),
        element("Patient.identifier:dated.period", min=1),
        element("Patient.identifier:used"),
        element("Patient.identifier:used.use", min=1),
    )
    dated = {"value": "1", "period": {"start": "2020"}}
    assert errors({"resourceType": "Patient", "identifier": [dated]}, twice) == []
    assert errors({"resourceType": "Patient", "identifier": [{**dated, "use": "usual"}]}, twice) == [
        ("slice-ambiguous", "Patient.identifier[0]")
    ]


def test_exists_slices() -> None:
    dated = profile(
        "dated",
        "Patient",
        element("Patient.identifier", slicing=slicing(("exists", "period"), rules="closed")),
        element("Patient.identifier:dated", max="1"),
        element("Patient.identifier:dated.period", min=1),
        element("Patient.identifier:open", max="1"),
        element("Patient.identifier:open.period", max="0"),
    )
    with_period = {"value": "1", "period": {"start": "2020"}}
    assert errors({"resourceType": "Patient", "identifier": [with_period, {"value": "2"}]}, dated) == []
    assert errors({"resourceType": "Patient", "identifier": [with_period, with_period]}, dated) == [
        ("slice-max", "Patient")
    ]


def test_extension_slices_go_by_url() -> None:
    colour = profile(
        "colour",
        "Extension",
        element("Extension.url", fixedUri=BASE + "colour"),
        element("Extension.value[x]", min=1, type=[{"code": "code"}]),
    )
    colour["context"] = [{"type": "element", "expression": "Patient"}]
    coloured = profile(
        "coloured",
        "Patient",
        element("Patient.extension:colour", min=1, max="1", type=[{"code": "Extension", "profile": [BASE + "colour"]}]),
    )
    one = {"url": BASE + "colour", "valueCode": "blue"}
    assert errors({"resourceType": "Patient", "extension": [one]}, coloured, colour) == []
    assert errors({"resourceType": "Patient"}, coloured, colour) == [("slice-min", "Patient")]
    assert errors({"resourceType": "Patient", "extension": [one, one]}, coloured, colour) == [("slice-max", "Patient")]
    two = {"url": BASE + "colour", "valueString": "blue"}
    assert errors({"resourceType": "Patient", "extension": [two]}, coloured, colour) == [
        ("type-not-allowed", "Patient.extension[0]")
    ]


def entry(resource: dict[str, Any]) -> dict[str, Any]:
    name = f"{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": f"https://example.test/fhir/{name}", "resource": resource}


def test_bundle_entries_by_type_and_by_profile() -> None:
    named = profile("named", "Patient", element("Patient.birthDate", min=1))
    for kind in ("type", "profile"):
        types = [{"code": "Patient", "profile": [BASE + "named"]}]
        bundle = profile(
            "people",
            "Bundle",
            element("Bundle.entry", slicing=slicing((kind, "resource"))),
            element("Bundle.entry:patient", min=1, max="1"),
            element("Bundle.entry:patient.resource", min=1, type=types),
        )
        born = entry({"resourceType": "Patient", "id": "a", "birthDate": "2000"})
        unborn = entry({"resourceType": "Patient", "id": "b"})
        whole: dict[str, Any] = {"resourceType": "Bundle", "type": "collection"}
        assert errors({**whole, "entry": [born]}, bundle, named) == []
        found = errors({**whole, "entry": [unborn]}, bundle, named)
        assert found == [("min-cardinality", "Bundle.entry[0].resource") if kind == "type" else ("slice-min", "Bundle")]


def test_a_reference_is_told_apart_by_the_type_it_leads_to() -> None:
    cared = profile(
        "cared",
        "Patient",
        element("Patient.generalPractitioner", slicing=slicing(("type", "resolve()"), rules="closed")),
        element(
            "Patient.generalPractitioner:doctor",
            max="1",
            type=[{"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Practitioner"]}],
        ),
    )

    def by(reference: str) -> dict[str, Any]:
        return {"resourceType": "Patient", "generalPractitioner": [{"reference": reference}]}

    assert errors(by("Practitioner/1"), cared) == []
    assert errors(by("Organization/1"), cared) == [("slice-unmatched", "Patient.generalPractitioner[0]")]


def test_what_a_profile_says_inside_an_extension_is_judged_beside_its_definition() -> None:
    place = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
    born = profile(
        "born",
        "Patient",
        element("Patient.extension:birthPlace", max="1", type=[{"code": "Extension", "profile": [place]}]),
        element("Patient.extension:birthPlace.value[x]", type=[{"code": "Address"}]),
        element("Patient.extension:birthPlace.value[x].city", min=1),
    )
    good = {"url": place, "valueAddress": {"city": "Lyon"}}
    assert errors({"resourceType": "Patient", "extension": [good]}, born) == []
    bad = {"url": place, "valueAddress": {"country": "FR"}}
    assert errors({"resourceType": "Patient", "extension": [bad]}, born) == [
        ("min-cardinality", "Patient.extension[0].value.ofType(Address)")
    ]


V2, V3 = "http://terminology.hl7.org/CodeSystem/v2-0131", "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
GENDER = "http://hl7.org/fhir/administrative-gender"


def _verdict(resource: dict[str, Any], judged: dict[str, Any]) -> tuple[list[str], bool]:
    definitions = Definitions.embedded()
    definitions.add(judged)
    outcome = Validator(definitions, unknown_codes="allowed").validate(resource, [judged["url"]])
    return [issue.rule for issue in outcome.errors], "slice-undecided" in {issue.rule for issue in outcome.issues}


@pytest.mark.parametrize(
    ("systems", "expected"),
    [
        ([(V3, "M")], ([], False)),
        ([(V2, "C")], ([], False)),
        ([(V3, "M"), (V3, "S")], (["slice-max"], False)),
    ],
)
def test_extensible_bindings_tell_slices_apart(systems: list[tuple[str, str]], expected: object) -> None:
    path = "Patient.contact.relationship"
    marital = {"strength": "extensible", "valueSet": "http://hl7.org/fhir/ValueSet/marital-status"}
    judged = profile(
        "kin",
        "Patient",
        element(path, slicing=slicing(("value", "$this"))),
        element(f"{path}:marital", min=0, max="1", binding=marital),
    )
    concepts = [{"coding": [{"system": system, "code": code}]} for system, code in systems]
    contact = {"relationship": concepts, "name": {"family": "TEST"}}
    assert _verdict({"resourceType": "Patient", "contact": [contact]}, judged) == expected


@pytest.mark.parametrize(
    ("codings", "expected"),
    [
        ([(GENDER, "male")], ([], False)),
        ([(V2, "C")], ([], False)),
        ([(GENDER, "male"), (V2, "C")], ([], True)),
    ],
)
def test_the_bindings_of_a_closed_slicing_below_tell_slices_apart(
    codings: list[tuple[str, str]], expected: object
) -> None:
    path = "Practitioner.qualification"
    gender = {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}
    judged = profile(
        "trade",
        "Practitioner",
        element(path, slicing=slicing(("value", "code.coding"))),
        element(f"{path}:trade", min=0, max="1"),
        element(f"{path}:trade.code.coding", slicing=slicing(("value", "$this"), rules="closed")),
        element(f"{path}:trade.code.coding:kind", min=0, max="1", binding=gender),
    )
    listed = [{"system": system, "code": code} for system, code in codings]
    resource = {"resourceType": "Practitioner", "qualification": [{"code": {"coding": listed}}]}
    assert _verdict(resource, judged) == expected


def test_a_closed_slicing_by_type_allows_no_other_type() -> None:
    quantity = element("Observation.value[x]:valueQuantity", min=0, type=[{"code": "Quantity"}])
    for rules, found in (("closed", [("type-not-allowed", "Observation.value.ofType(string)")]), ("open", [])):
        made = profile(
            "o",
            "Observation",
            element("Observation.value[x]", slicing=slicing(("type", "$this"), rules=rules)),
            quantity,
        )
        resource = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
        assert errors({**resource, "valueString": "a"}, made) == found
        assert errors({**resource, "valueQuantity": {"value": 1}}, made) == []


def test_what_has_one_type_is_of_the_type_of_its_slices() -> None:
    by_type = profile(
        "typed",
        "Communication",
        element("Communication.recipient", slicing=slicing(("type", "$this"))),
        element("Communication.recipient:one", min=1, max="1", type=[{"code": "Reference"}]),
    )
    message = {"resourceType": "Communication", "status": "completed"}
    practitioner = {"reference": "Practitioner/1"}
    assert errors({**message, "recipient": [practitioner]}, by_type) == []
    assert errors({**message, "recipient": [practitioner] * 2}, by_type) == [("slice-max", "Communication")]
    assert errors(message, by_type) == [("slice-min", "Communication")]


def test_a_published_choice_without_types_has_those_of_its_slices() -> None:
    published = profile(
        "choice",
        "Observation",
        element("Observation.value[x]", slicing=slicing(("type", "$this"), rules="closed")),
        element("Observation.value[x]:valueString", type=[{"code": "string"}]),
    )
    definitions = Definitions.embedded()
    definitions.add(published)
    elements = [dict(e) for e in definitions.snapshot(published["url"])]
    next(e for e in elements if e["id"] == "Observation.value[x]").pop("type")
    untyped = {**published, "snapshot": {"element": elements}}
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    assert errors({**observation, "valueString": "x"}, untyped) == []
    assert errors({**observation, "valueBoolean": True}, untyped) == [
        ("type-not-allowed", "Observation.value.ofType(boolean)")
    ]


def test_of_several_profiles_that_do_not_match_each_says_why() -> None:
    numbers = [
        profile(name, "Identifier", element("Identifier.system", fixedUri=f"http://acme.test/{name}"))
        for name in ("first", "second")
    ]
    either = profile(
        "either",
        "Patient",
        element("Patient.identifier", type=[{"code": "Identifier", "profile": [n["url"] for n in numbers]}]),
    )
    number = {"system": "http://acme.test/second", "value": "1"}
    patient = {"resourceType": "Patient", "identifier": [number]}
    assert errors(patient, either, *numbers) == []
    number["system"] = "http://acme.test/third"
    place = "Patient.identifier[0]"
    assert errors(patient, either, *numbers) == [
        ("profile-none-matches", place),
        ("fixed-value", f"{place}.system"),
        ("fixed-value", f"{place}.system"),
    ]


@pytest.mark.parametrize(
    ("given", "beside", "expected"),
    [
        (["A"], None, [0]),
        (["A"], [{"id": "a"}], [0]),
        (["A"], [{"extension": [ABSENT]}], []),
        (["A", "B"], [{"extension": [ABSENT]}, None], [1]),
    ],
)
def test_what_a_profile_asks_for_beside_a_value(
    given: list[str], beside: list[dict[str, Any] | None] | None, expected: list[int]
) -> None:
    said = profile("said", "Patient", element("Patient.name.given.extension", min=1))
    name = {"given": given} if beside is None else {"given": given, "_given": beside}
    found = errors({"resourceType": "Patient", "name": [name]}, said)
    assert found == [("min-cardinality", f"Patient.name[0].given[{index}]") for index in expected]


def test_what_a_profile_asks_for_beside_a_choice() -> None:
    said = profile(
        "said",
        "Patient",
        element("Patient.deceased[x]:deceasedDateTime", type=[{"code": "dateTime"}]),
        element("Patient.deceased[x]:deceasedDateTime.extension", min=1),
    )
    dead = {"resourceType": "Patient", "deceasedDateTime": "2020"}
    assert errors(dead, said) == [("min-cardinality", "Patient.deceased.ofType(dateTime)")]
    assert errors({**dead, "_deceasedDateTime": {"extension": [ABSENT]}}, said) == []


def test_a_control_character_hides_nothing() -> None:
    named = profile("named", "Patient", element("Patient.name.family", patternString="a"))
    for family, expected in (("a", []), ("a\u0007", [("pattern", "Patient.name[0].family")])):
        assert errors({"resourceType": "Patient", "name": [{"family": family}]}, named) == expected
