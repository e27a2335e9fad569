"""Official examples against the packages that publish them: no error but those that are true, each with its reason."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import Definitions, Issue, Validator

PACKAGES = Path(__file__).resolve().parents[3] / "shared" / "packages"

UNDEFINED = "no package at hand, nor the publishing one, defines this extension"
DISPLAY = "the display is none of the code's in the code system of the same package (or of the restated one it uses)"
PART_OF = "R4 Location.partOf may only refer to a Location, the profile too; the example refers to an Organization"
PERIOD = "R4 organization-period has a valuePeriod and no inner extension; the example nests it in one"
FIXED = "the profile fixes the whole CodeableConcept, so the text or the display in the example is not allowed"
CONTEXT = "the extension says that it belongs on 'FRCoreOrganizationEtablissementProfile', which is no element or type"
VALUE_SET = "the code is of another code system than those of the value set that the profile binds as required"

TRUE_ERRORS: dict[tuple[str, str, str], str] = {
    ("hl7.fhir.fr.core", "Location-hopitaltest-endocrino-ch04-litF", "extension-unknown"): UNDEFINED,
    ("hl7.fhir.fr.core", "Location-hopitaltest-endocrino-ch04-litF", "reference-target-type"): PART_OF,
    ("hl7.fhir.fr.core", "Location-hopitaltest-endocrino-ch04", "reference-target-type"): PART_OF,
    ("hl7.fhir.fr.core", "Location-hopitaltest-salle-examen-01", "display-wrong"): DISPLAY,
    ("hl7.fhir.fr.core", "Location-hopitaltest-salle-examen-01", "reference-target-type"): PART_OF,
    ("hl7.fhir.fr.core", "Organization-hopitaltest-dept-11003-endocrino", "extension-unknown"): UNDEFINED,
    ("hl7.fhir.fr.core", "Organization-hopitaltest-dept-11003-endocrino", "display-wrong"): DISPLAY,
    ("hl7.fhir.fr.core", "Organization-hopitaltest-eg-4-members", "slice-max"): (
        "the profile allows one item of the slice 'members', the example has four"
    ),
    ("hl7.fhir.fr.core", "Organization-hopitaltest-eg-4-members", "extension-context"): CONTEXT,
    (
        "hl7.fhir.fr.core",
        "Organization-hopitaltest-eg-4-members",
        "reference-type-mismatch",
    ): "Reference.type says UF or SERVICE, which are no FHIR types",
    ("hl7.fhir.fr.core", "Organization-hopitaltest-uf-4420-dialyse", "reference-type-mismatch"): (
        "Reference.type says UF, which is no FHIR type"
    ),
    ("hl7.fhir.fr.core", "Organization-hopitaltest-ej-350005179", "extension-context"): CONTEXT,
    ("hl7.fhir.fr.core", "Organization-hopitaltest-pole-1150-med-spe", "extension-unknown"): UNDEFINED,
    ("hl7.fhir.fr.core", "Organization-hopitaltest-pole-1150-med-spe", "display-wrong"): DISPLAY,
    **{
        ("hl7.fhir.fr.core", f"Organization-hopitaltest-{name}", rule): reason
        for name in (
            "uac-4420-uac-01",
            "uac-4420-uac-02",
            "uf-4420-dialyse",
            "uf-4701-endocrino-diab",
            "uf-4705-nutrition",
        )
        for rule, reason in (
            ("extension-unknown", UNDEFINED),
            ("max-cardinality", PERIOD),
            ("min-cardinality", PERIOD),
            ("extension-part", PERIOD),
            ("fixed-extra", FIXED),
        )
    },
    ("ans.fhir.fr.mesures", "Observation-ExampleMesFrObservationBP001", "binding-required"): VALUE_SET,
    ("ans.fhir.fr.mesures", "Observation-ExampleMesObservationGlucose001", "binding-required"): VALUE_SET,
    ("ans.fhir.fr.sas", "Appointment-1", "extension-unknown"): UNDEFINED,
    ("ans.fhir.fr.sas", "Appointment-2", "extension-unknown"): UNDEFINED,
}
"""(package, example, rule) -> why the example is really wrong."""


def _examples(archive: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with tarfile.open(archive) as package:
        for member in package.getmembers():
            if member.name.startswith("package/example/") and member.name.endswith(".json"):
                content = package.extractfile(member)
                resource = json.load(content) if content else {}
                if "resourceType" in resource:
                    yield Path(member.name).stem, resource


@pytest.mark.parametrize(
    "file",
    ["hl7.fhir.fr.core-2.2.0-ballot-2", "ans.fhir.fr.mesures-3.1.0", "ans.fhir.fr.gap-3.0.0", "ans.fhir.fr.sas-1.1.0"],
)
def test_examples_have_no_error_but_the_true_ones(file: str) -> None:
    archive = PACKAGES / f"{file}.tgz"
    if not archive.is_file():
        pytest.skip(f"{archive} is absent")
    definitions = Definitions.embedded()
    definitions.add_package(archive)
    validator = Validator(definitions)
    package = file[: file.index("-")]
    found: dict[tuple[str, str, str], Issue] = {}
    examples = 0
    for name, resource in _examples(archive):
        examples += 1
        for issue in validator.validate(resource).errors:
            found.setdefault((package, name, issue.rule), issue)
    assert examples > 2
    unexplained = {key: (issue.expression, issue.message) for key, issue in found.items() if key not in TRUE_ERRORS}
    assert unexplained == {}
    gone = {key for key in TRUE_ERRORS if key[0] == package} - found.keys()
    assert gone == set(), "these examples are no longer wrong: take them off the list"
