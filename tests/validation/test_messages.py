"""Messages that a person can act on, in English and French: slices, patterns, codes, elements, primitive values."""

from typing import Any

import pytest

from harness import Definitions, Validator
from tests.validation.profiles import BASE, element, profile, slicing

PATIENT: dict[str, Any] = {"resourceType": "Patient"}
ENTRY = {"fullUrl": "https://example.test/Patient/1", "resource": {**PATIENT, "id": "1"}}
BUNDLE = {"resourceType": "Bundle", "type": "collection", "entry": [ENTRY]}
MARITAL = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"


def said(resource: dict[str, Any], rule: str, *profiles: dict[str, Any]) -> tuple[str, str]:
    """The first message of ``rule`` on a resource, in English and in French."""
    definitions = Definitions.embedded()
    for each in profiles:
        definitions.add(each)
    outcome = Validator(definitions).validate(resource, [profiles[0]["url"]] if profiles else [])
    issue = next(issue for issue in outcome.issues if issue.rule == rule)
    return issue.text("en"), issue.text("fr")


def identifiers(rules: str) -> dict[str, Any]:
    return profile(
        "ids",
        "Patient",
        element("Patient.identifier", slicing=slicing(("value", "system"), ("exists", "period"), rules=rules)),
        element("Patient.identifier:ins", min=1),
        element("Patient.identifier:ins.system", min=1, fixedUri="urn:oid:1.2"),
        element("Patient.identifier:ins.period", max="0"),
    )


@pytest.mark.parametrize(
    ("identifier", "en", "fr"),
    [
        ({"system": "urn:oid:1.3"}, "system is 'urn:oid:1.3', not 'urn:oid:1.2'", "et non 'urn:oid:1.2'"),
        ({"value": "1"}, "system is absent, not 'urn:oid:1.2'", "system est absent, et non"),
        ({"system": "urn:oid:1.2", "period": {"start": "2020"}}, "period exists", "period existe"),
        (
            {"system": "urn:oid:1.3", "period": {"start": "2020"}},
            "system is 'urn:oid:1.3', not 'urn:oid:1.2' and period exists",
            "et period existe",
        ),
    ],
)
def test_each_slice_says_why_an_item_is_not_of_it(identifier: dict[str, Any], en: str, fr: str) -> None:
    closed = said({**PATIENT, "identifier": [identifier]}, "slice-unmatched", identifiers("closed"))
    assert f"ins: {en}" in closed[0]
    assert fr in closed[1]
    missed = said({**PATIENT, "identifier": [identifier]}, "slice-min", identifiers("open"))
    assert f"Patient.identifier[0]: {en}" in missed[0]
    assert fr in missed[1]


def test_a_slice_that_nothing_comes_near_says_what_it_is() -> None:
    en, fr = said({**PATIENT, "active": True}, "slice-min", identifiers("open"))
    assert en.endswith("at least 1 needed, 0 found (system = 'urn:oid:1.2' and period is absent)")
    assert "il en faut au moins 1" in fr


def bundles(kind: str, *others: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """A profile on Bundle whose only slice of entries is told apart by ``kind``, and the profiles that it names."""
    named = {"code": "Observation"} if kind == "type" else {"code": "Patient", "profile": [BASE + "dated"]}
    made = profile(
        "entries",
        "Bundle",
        element("Bundle.entry", slicing=slicing((kind, "resource"), rules="closed")),
        element("Bundle.entry:one"),
        element("Bundle.entry:one.resource", min=1, type=[named]),
    )
    return made, *others


def test_a_slice_by_type_or_profile_says_what_it_met() -> None:
    en, fr = said(BUNDLE, "slice-unmatched", *bundles("type"))
    assert en.endswith("one: resource is Patient, not Observation")
    assert fr.endswith("one : resource est de type Patient, et non Observation")
    dated = profile("dated", "Patient", element("Patient.birthDate", min=1))
    en, fr = said(BUNDLE, "slice-unmatched", *bundles("profile", dated))
    assert en.endswith("does not conform to https://example.test/StructureDefinition/dated "
                       "(Patient.birthDate: at least 1 needed, 0 found)")  # fmt: skip
    assert "n'est pas conforme à" in fr
    assert "il en faut au moins 1" in fr


def test_a_slice_without_discriminator_says_its_first_error() -> None:
    made = profile(
        "named",
        "Patient",
        element("Patient.name", slicing={"rules": "closed"}),
        element("Patient.name:full"),
        element("Patient.name:full.family", min=1),
    )
    en, fr = said({**PATIENT, "name": [{"text": "A"}]}, "slice-unmatched", made)
    assert "does not conform to the slice (Patient.name:full.family: at least 1 needed" in en
    assert "n'est pas conforme à la tranche (Patient.name:full.family : il en faut" in fr


PATTERN = {"coding": [{"system": "urn:oid:1.5", "code": "a", "display": "A"}], "text": "T"}


@pytest.mark.parametrize(
    ("value", "en", "fr"),
    [
        (
            {"coding": [{"system": "urn:oid:1.5", "code": "b"}], "text": "T"},
            ": coding[0].code is b, not a, coding[0].display lacks A",
            " : coding[0].code vaut b, et non a, coding[0].display n'a pas A",
        ),
        (
            {"coding": [{"code": "z"}, {"system": "urn:oid:1.5", "code": "a", "display": "B"}], "text": "T"},
            ": coding[1].display is B, not A",
            " : coding[1].display vaut B, et non A",
        ),
        ({"coding": PATTERN["coding"], "text": "U"}, "must contain T, found U", "doit contenir T, trouvé U"),
        ({"coding": PATTERN["coding"]}, "must contain T, and nothing is there", "doit contenir T, et il n'y a rien"),
    ],
)
def test_a_pattern_says_the_part_that_differs(value: dict[str, Any], en: str, fr: str) -> None:
    made = profile("patterned", "Patient", element("Patient.maritalStatus", patternCodeableConcept=PATTERN))
    found = said({**PATIENT, "maritalStatus": value}, "pattern", made)
    assert found[0].endswith(en)
    assert found[1].endswith(fr)


def test_a_fixed_value_says_the_part_that_differs() -> None:
    fixed = {"coding": [{"system": "urn:oid:1.5", "code": "a"}]}
    made = profile("fixed", "Patient", element("Patient.maritalStatus", fixedCodeableConcept=fixed))
    value = {"coding": [{"system": "urn:oid:1.5", "code": "b"}]}
    en, fr = said({**PATIENT, "maritalStatus": value}, "fixed-value", made)
    assert en.endswith("must be exactly a, found b")
    assert fr.endswith("exactement a, trouvé b")
    more = {"coding": [*fixed["coding"], {"code": "c"}]}
    en, _ = said({**PATIENT, "maritalStatus": more}, "fixed-value", made)
    assert en.endswith('found [{"system": "urn:oid:1.5", "code": "a"}, {"code": "c"}]')


@pytest.mark.parametrize(
    ("resource", "rule", "en", "fr"),
    [
        ({"birthdate": "2000"}, "unknown-element", "here: birthDate?", "ici : birthDate ?"),
        ({"deceased": True}, "unknown-element", "as deceasedBoolean", "comme deceasedBoolean"),
        (
            {"active": [True]},
            "json-kind",
            "a JSON single value, not a JSON array",
            "une valeur unique en JSON, et non un",
        ),
        (
            {"name": {"text": "a"}},
            "json-kind",
            "a JSON array, not a JSON object",
            "un tableau en JSON, et non un objet",
        ),
        ({"name": [{"x": 1}]}, "unknown-element", "but id, extension, use, text, ", "mais id, extension, "),
        ({"zzzzzz": 1}, "unknown-element", "is not an element here", "n'est pas un élément ici"),
        ({"birthDate": "2000-13-01"}, "primitive-format", "(YYYY, YYYY-MM or", "(AAAA, AAAA-MM ou"),
        ({"birthDate": "2001-02-29"}, "primitive-format", "(there is no such day)", "(ce jour n'existe pas)"),
        ({"id": ""}, "primitive-format", "(it is empty: leave", "(il est vide : omettre"),
        ({"multipleBirthInteger": 2**31}, "primitive-format", "(from -2,147,483,648", "(de -2 147 483 648"),
        ({"gender": "Male"}, "binding-required", "(female, male, other, unknown)", "dont un code est exigé (female, "),
        (
            {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script/>a</div>'}},
            "xhtml",
            "the element 'script' is not allowed",
            "l'élément « script » n'est pas admis",
        ),
        (
            {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">a<b></div>'}},
            "xhtml",
            "mismatched tag: line 1, column",
            "ne correspond pas à celle qui est ouverte (ligne 1, colonne",
        ),
        ({"name": [{"id": "a"}]}, "invariant", "must have a value or children", "a une valeur ou des enfants"),
        (
            {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"}]},
            "invariant",
            "neither a value nor extensions",
            "une extension n'a ni valeur ni extensions",
        ),
    ],
)
def test_what_to_change_is_said(resource: dict[str, Any], rule: str, en: str, fr: str) -> None:
    found = said({**PATIENT, **resource}, rule)
    assert en in found[0]
    assert fr in found[1]


def test_a_code_of_another_system_is_told_with_the_right_one() -> None:
    value_set = "http://hl7.org/fhir/ValueSet/marital-status"
    made = profile(
        "bound", "Patient", element("Patient.maritalStatus", binding={"strength": "required", "valueSet": value_set})
    )
    concept = {"coding": [{"system": "urn:oid:1.5", "code": "M"}]}
    assert f"({MARITAL}#M?)" in said({**PATIENT, "maritalStatus": concept}, "binding-required", made)[0]
    other_case = {"coding": [{"system": MARITAL, "code": "m"}]}
    assert said({**PATIENT, "maritalStatus": other_case}, "code-unknown")[0].endswith("(M?)")


def test_what_is_not_known_is_told_in_both_languages() -> None:
    made = profile(
        "open",
        "Patient",
        element("Patient.maritalStatus", binding={"strength": "required", "valueSet": "urn:oid:1.7"}),
    )
    concept = {"coding": [{"system": "urn:oid:1.5", "code": "M"}]}
    en, fr = said({**PATIENT, "maritalStatus": concept}, "binding-undecided", made)
    assert en.endswith("is not known here: the value set urn:oid:1.7 is not known here")
    assert fr.endswith("n'est pas connue ici : le jeu de valeurs urn:oid:1.7 n'est pas connu ici")
    tagged = {**PATIENT, "meta": {"tag": [{"system": "urn:oid:1.5", "code": "M"}]}}
    en, fr = said(tagged, "code-undecided")
    assert en.endswith("urn:oid:1.5|M is not known here")
    assert fr.endswith("urn:oid:1.5|M n'est pas connu ici")
