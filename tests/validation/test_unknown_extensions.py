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
