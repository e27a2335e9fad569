"""Extensions that nobody here defines: as the reference validator judges them, and as FHIR lets them be."""

from typing import Any

import pytest

from harness import Definitions, Validator

URL = "https://vendor.invalid/StructureDefinition/colour"


def _patient(member: str, url: str = URL) -> dict[str, Any]:
    return {"resourceType": "Patient", "active": True, member: [{"url": url, "valueString": "blue"}]}


@pytest.mark.parametrize(
    ("setting", "member", "ok", "undecided"),
    [
        ("error", "extension", False, False),
        ("error", "modifierExtension", False, False),
        ("information", "extension", True, True),
        ("information", "modifierExtension", False, False),
        ("allowed", "extension", True, False),
        ("allowed", "modifierExtension", True, True),
    ],
)
def test_the_setting_decides(setting: str, member: str, ok: bool, undecided: bool) -> None:
    outcome = Validator(Definitions.embedded(), unknown_extensions=setting).validate(_patient(member))
    assert (outcome.ok, outcome.undecided) == (ok, undecided)


@pytest.mark.parametrize("domain", ["example.org", "vendor.example.org", "nema.org", "acme.com"])
def test_nothing_is_published_at_the_domains_for_examples(domain: str) -> None:
    url = f"http://{domain}/StructureDefinition/colour"
    validator = Validator(Definitions.embedded())
    plain, modifier = (validator.validate(_patient(member, url)) for member in ("extension", "modifierExtension"))
    assert (plain.ok, plain.undecided) == (True, True)
    assert (modifier.ok, modifier.undecided) == (True, True)


@pytest.mark.parametrize("domain", ["myexample.org", "example.com", "hl7.org/fhir/9.9"])
def test_a_domain_that_only_looks_like_one_for_examples_is_none(domain: str) -> None:
    url = f"http://{domain}/StructureDefinition/extension-colour"
    assert not Validator(Definitions.embedded()).validate(_patient("extension", url)).ok


def test_a_fixed_value_has_no_extensions_that_are_not_fixed_too() -> None:
    nothing = {"extension": [{"url": "http://acme.com/x", "valueString": "a"}]}
    url = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
    extension = {"url": url, "_url": nothing, "valueDateTime": "2020-01-01T10:00:00Z"}
    patient = {"resourceType": "Patient", "birthDate": "2020-01-01", "_birthDate": {"extension": [extension]}}
    found = [(i.rule, i.expression) for i in Validator(Definitions.embedded()).validate(patient).errors]
    assert found == [("fixed-extra", "Patient.birthDate.extension[0].url")]


@pytest.mark.parametrize(
    ("version", "rules"),
    [("4.0.1", ["resource-type-mismatch"]), ("4.0", ["resource-type-mismatch"]), ("3", ["profile-other-version"])],
)
def test_a_profile_of_another_version_is_not_known(version: str, rules: list[str]) -> None:
    profile = f"http://hl7.org/fhir/StructureDefinition/Patient|{version}"
    basic = {"resourceType": "Basic", "meta": {"profile": [profile]}, "code": {"text": "x"}}
    issues = Validator(Definitions.embedded()).validate(basic).issues
    assert [i.rule for i in issues if i.expression == "Basic.meta.profile[0]"] == rules
