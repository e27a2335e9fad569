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
