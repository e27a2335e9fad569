"""The synthetic measures, devices and feeds: good ones are clean, each bad one breaks exactly what its name says."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from fhir.resources.R4B import get_fhir_model_class

from harness.data import folder
from harness.fhir.definitions import Definitions
from harness.validation import Issue, Validator

FILES = {"observation": "*.json", "device": "phd-*.json", "bundle": "*measure-feed*.json"}
MEASURES = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/mesures-"
MES = "https://fhir.monespacesante.fr/ref/mesure/StructureDefinition/mes-observation-"
PHD = "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdDevice"


def fixtures(*below: str) -> list[Path]:
    return sorted(
        path for kind, names in FILES.items() for path in folder("fixtures").joinpath(kind, *below).glob(names)
    )


def expectation(path: Path) -> dict[str, str]:
    wanted: dict[str, str] = yaml.safe_load((path.parent / "expectations.yaml").read_text())[path.name]
    return wanted


def load(path: Path) -> dict[str, Any]:
    resource: dict[str, Any] = json.loads(path.read_text())
    return resource


GOOD = fixtures()
BAD = fixtures("bad")


def name(value: object) -> str:
    return value.stem if isinstance(value, Path) else ""


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(Definitions.embedded())


def from_mdc(issue: Issue) -> bool:
    """ISO/IEEE 11073-10101, which is not free to carry: no list here tells its codes for kinds of devices."""
    return issue.rule == "code-undecided" and "urn:iso:std:iso:11073:10101" in (issue.found or "")


@pytest.mark.parametrize("path", GOOD, ids=name)
def test_good_fixture_is_clean(validator: Validator, path: Path) -> None:
    outcome = validator.validate(load(path))
    assert [(issue.rule, issue.expression, issue.message) for issue in outcome.errors] == []
    assert [issue for issue in outcome.issues if issue.undecided and not from_mdc(issue)] == []


@pytest.mark.parametrize("path", GOOD, ids=name)
def test_good_fixture_is_read_by_another_library(path: Path) -> None:
    resource = load(path)
    read = get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    assert read.get_resource_type() == resource["resourceType"]


@pytest.mark.parametrize("path", BAD, ids=name)
def test_bad_fixture_gives_the_error_it_is_named_for(validator: Validator, path: Path) -> None:
    wanted = expectation(path)
    outcome = validator.validate(load(path), profiles=[wanted["profile"]])
    found = {(issue.rule, issue.expression, issue.constraint) for issue in outcome.errors}
    if "also" in wanted:  # the same defect seen from the parent: a slice or an element that is now absent
        assert {issue.rule for issue in outcome.errors} == {wanted["rule"], wanted["also"]}
        found = {finding for finding in found if finding[0] != wanted["also"]}
    assert found == {(wanted["rule"], wanted["path"], wanted.get("constraint"))}
    assert wanted.get("definition") in {None, *(issue.definition for issue in outcome.errors)}


@pytest.mark.parametrize("path", BAD, ids=name)
def test_bad_fixture_is_a_good_one_with_that_defect(path: Path) -> None:
    bad, good = load(path), load(path.parents[1] / expectation(path)["from"])
    for resource in (bad, good):
        resource.pop("text", None)
    assert bad != good
    assert len({key for key in bad.keys() | good.keys() if bad.get(key) != good.get(key)}) <= 2


def test_every_measure_profile_has_a_good_and_a_bad_fixture() -> None:
    definitions = Definitions.embedded()
    profiles = {
        url
        for url in definitions.canonicals("StructureDefinition")
        if url.startswith((MEASURES, MES, PHD)) and (definitions.structure(url) or {})["type"] != "Extension"
    }
    named = {url for path in GOOD for url in load(path).get("meta", {}).get("profile", [])}
    assert len(profiles) == 26
    assert profiles <= named
    assert profiles <= {expectation(path)["profile"] for path in BAD}
