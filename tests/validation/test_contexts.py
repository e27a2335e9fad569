"""Where an extension may stand: by element, by FHIRPath, in another extension, and by the rules of its context."""

from typing import Any

import pytest

from harness import Definitions, Validator
from tests.validation.profiles import BASE, element, profile

PATIENT: dict[str, Any] = {"resourceType": "Patient", "name": [{"use": "official", "text": "A"}, {"text": "B"}]}


def extension(name: str, *contexts: tuple[str, str], rules: list[str] | None = None) -> dict[str, Any]:
    made = profile(
        name,
        "Extension",
        element("Extension.url", fixedUri=BASE + name),
        element("Extension.value[x]", type=[{"code": "string"}]),
    )
    made["context"] = [{"type": kind, "expression": text} for kind, text in contexts]
    return {**made, **({"contextInvariant": rules} if rules else {})}


def outer() -> dict[str, Any]:
    made = profile(
        "outer", "Extension", element("Extension.url", fixedUri=BASE + "outer"), element("Extension.value[x]", max="0")
    )
    return {**made, "context": [{"type": "element", "expression": "Patient"}]}


def told(resource: dict[str, Any], *definitions: dict[str, Any]) -> list[tuple[str, str]]:
    """(rule, place) of what is said about contexts."""
    known = Definitions.embedded()
    for each in definitions:
        known.add(each)
    issues = Validator(known).validate(resource).issues
    return [(i.rule, i.expression) for i in issues if i.rule.startswith("extension-context")]


def used(name: str) -> list[dict[str, Any]]:
    return [{"url": BASE + name, "valueString": "v"}]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("Patient.name", []),
        ("Patient.name.where(use = 'official')", [("extension-context", "Patient.name[1]")]),
        ("Patient.contact", [("extension-context", "Patient.name[0]"), ("extension-context", "Patient.name[1]")]),
        ("Patient.name.family", [("extension-context", "Patient.name[0]"), ("extension-context", "Patient.name[1]")]),
    ],
)
def test_fhirpath_selects_the_elements(expression: str, found: list[tuple[str, str]]) -> None:
    names = [{**name, "extension": used("e")} for name in PATIENT["name"]]
    assert told({**PATIENT, "name": names}, extension("e", ("fhirpath", expression))) == found


def test_fhirpath_selects_primitives_that_have_a_value() -> None:
    rule = extension("e", ("fhirpath", "Patient.birthDate"))
    other = extension("e", ("fhirpath", "Patient.gender"))
    on_a_date = {"resourceType": "Patient", "birthDate": "1980", "_birthDate": {"extension": used("e")}}
    assert told(on_a_date, rule) == []
    assert told(on_a_date, other) == [("extension-context", "Patient.birthDate")]
    del on_a_date["birthDate"]
    assert told(on_a_date, rule) == [("extension-context-undecided", "Patient.birthDate")]


def test_what_cannot_be_evaluated_is_undecided() -> None:
    rule = extension("e", ("fhirpath", "Patient.nothingLikeIt("))
    assert told({**PATIENT, "extension": used("e")}, rule) == [("extension-context-undecided", "Patient")]


def test_an_extension_that_belongs_in_another() -> None:
    inner = extension("inner", ("extension", BASE + "outer"))
    within = {"url": BASE + "outer", "extension": used("inner")}
    assert told({**PATIENT, "extension": [within]}, inner, outer()) == []
    assert told({**PATIENT, "extension": used("inner")}, inner, outer()) == [("extension-context", "Patient")]


def test_an_extension_that_belongs_in_a_part_of_another() -> None:
    inner = extension("inner", ("extension", f"{BASE}outer#part"))
    within = {"url": BASE + "outer", "extension": [{"url": "part", "extension": used("inner")}]}
    assert told({**PATIENT, "extension": [within]}, inner, outer()) == []
    beside = {"url": BASE + "outer", "extension": [{"url": "other", "extension": used("inner")}]}
    assert told({**PATIENT, "extension": [beside]}, inner, outer()) == [
        ("extension-context", "Patient.extension[0].extension[0]")
    ]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("name.exists()", []),
        ("birthDate.exists()", [("extension-context-rule", "Patient")]),
        ("%extension.value = 'v'", []),
        ("%extension.value = 'w'", [("extension-context-rule", "Patient")]),
        ("%resource.name.count() = 2", []),
        ("oops(", [("extension-context-undecided", "Patient")]),
    ],
)
def test_the_rules_of_a_context_hold_for_the_element_that_is_extended(rule: str, found: list[tuple[str, str]]) -> None:
    made = extension("e", ("element", "Patient"), rules=[rule])
    assert told({**PATIENT, "extension": used("e")}, made) == found


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("Quantity", True),
        ("Quantity.value", False),
        ("Condition.onset[x]", True),
        ("Age", True),
        ("Element", True),
        ("HumanName", False),
    ],
)
def test_what_holds_for_a_type_holds_for_those_that_build_on_it(expression: str, fits: bool) -> None:
    onset = {"value": 3, "system": "http://unitsofmeasure.org", "code": "a", "extension": used("e")}
    found = told({"resourceType": "Condition", "onsetAge": onset}, extension("e", ("element", expression)))
    assert found == ([] if fits else [("extension-context", "Condition.onset.ofType(Age)")])


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("CodeableConcept.coding", True),
        ("Coding", True),
        ("Observation.category.coding", True),
        ("DomainResource.category", False),
        ("CodeableConcept", False),
    ],
)
def test_an_element_has_a_path_from_each_type_around_it(expression: str, fits: bool) -> None:
    category = {"coding": [{"system": "http://example.org/c", "code": "x", "extension": used("e")}]}
    found = told({"resourceType": "Observation", "category": [category]}, extension("e", ("element", expression)))
    assert found == ([] if fits else [("extension-context", "Observation.category[0].coding[0]")])


@pytest.mark.parametrize(("kind", "fits"), [("CodeSystem", True), ("Patient", False)])
def test_the_name_that_r5_gives_to_conformance_resources(kind: str, fits: bool) -> None:
    found = told({"resourceType": kind, "extension": used("e")}, extension("e", ("element", "CanonicalResource")))
    assert found == ([] if fits else [("extension-context", kind)])


@pytest.mark.parametrize(
    ("bound", "release", "fits"),
    [
        ("startFhirVersion", "4.0", True),
        ("startFhirVersion", "5.0", False),
        ("endFhirVersion", "4.3", True),
        ("endFhirVersion", "3.0", False),
        ("endFhirVersion", "later", True),
    ],
)
def test_a_context_of_other_releases_is_none_here(bound: str, release: str, fits: bool) -> None:
    made = extension("e", ("element", "Patient"))
    use = "http://hl7.org/fhir/StructureDefinition/version-specific-use"
    made["context"][0]["extension"] = [{"url": use, "extension": [{"url": bound, "valueCode": release}]}]
    found = told({**PATIENT, "extension": used("e")}, made)
    assert found == ([] if fits else [("extension-context", "Patient")])
