"""Paths of names as FHIRPath."""

import pytest

from harness.fhir.fhirpath import compile_expression
from harness.suite.testscript import CannotBeSaid
from harness.suite.testscript.xpath import fhirpath_of
from tests.suite.testscript.examples import PATIENT

BUNDLE = {
    "resourceType": "Bundle",
    "total": 1,
    "entry": [{"resource": {"resourceType": "Observation", "valueQuantity": {"value": 7}}}, {"resource": PATIENT}],
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("fhir:Bundle/fhir:total/@value", [1]),
        ("/Bundle/total", [1]),
        ("f:Bundle/f:entry/f:resource/f:Patient/f:name/f:family/@value", ["ESSAI", "TEST"]),
        ("Bundle/entry[2]/resource/Patient/name[1]/given[2]/@value", ["Lou"]),
        ("Bundle/entry/resource/Observation/valueQuantity/value", [7]),
        ("$.entry[1].resource.id", ["example"]),
        ("$.entry[*].resource.name[0].family", ["ESSAI"]),
        ("Bundle/link/relation", []),
    ],
)
def test_a_path_gives_what_it_names(path: str, values: list[object]) -> None:
    assert list(compile_expression(fhirpath_of(path)).evaluate(BUNDLE)) == values


@pytest.mark.parametrize(
    "path", [".//fhir:id", "//Patient[id='1']", "Patient[1]/id", "count(Patient/name)", "$..id", "a b", "", "Patient/"]
)
def test_any_other_path_is_refused(path: str) -> None:
    with pytest.raises(CannotBeSaid, match="write it as FHIRPath"):
        fhirpath_of(path)
