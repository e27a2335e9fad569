"""A complex extension has the parts that its definition slices, and no others (FHIR R4 §2.4.0.1)."""

from typing import Any

import pytest

from harness import Definitions, Validator

URL = "https://fhir.test/StructureDefinition/address-history"


def _element(path: str, **facets: Any) -> dict[str, Any]:
    return {"id": path, "path": ".".join(part.partition(":")[0] for part in path.split(".")), **facets}


def _part(path: str, name: str, deep: bool = False) -> list[dict[str, Any]]:
    whole = f"{path}:{name}"
    closing = [] if deep else [_element(f"{whole}.extension", max="0")]
    return [
        _element(whole, sliceName=name, min=0, max="1"),
        *closing,
        _element(f"{whole}.url", fixedUri=name),
        _element(f"{whole}.value[x]", **({"max": "0"} if deep else {"type": [{"code": "string"}]})),
    ]


DEFINITION: dict[str, Any] = {
    "resourceType": "StructureDefinition",
    "url": URL,
    "name": "AddressHistory",
    "status": "draft",
    "fhirVersion": "4.0.1",
    "kind": "complex-type",
    "abstract": False,
    "context": [{"type": "element", "expression": "Patient"}],
    "type": "Extension",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
    "derivation": "constraint",
    "differential": {
        "element": [
            _element("Extension"),
            *_part("Extension.extension", "town"),
            _element("Extension.extension:stay", sliceName="stay", min=0, max="1"),
            *_part("Extension.extension:stay.extension", "since"),
            _element("Extension.extension:stay.url", fixedUri="stay"),
            _element("Extension.extension:stay.value[x]", max="0"),
            _element("Extension.url", fixedUri=URL),
            _element("Extension.value[x]", max="0"),
        ]
    },
}
TOWN = {"url": "town", "valueString": "Lille"}


def parts(*inner: dict[str, Any]) -> set[str]:
    """Where a part is said to be none of the extension's."""
    definitions = Definitions.embedded()
    definitions.add(DEFINITION)
    patient = {"resourceType": "Patient", "extension": [{"url": URL, "extension": list(inner)}]}
    return {i.expression for i in Validator(definitions).validate(patient).errors if i.rule == "extension-part"}


@pytest.mark.parametrize(
    ("inner", "found"),
    [
        ([TOWN], set()),
        ([TOWN, {"url": "city", "valueString": "x"}], {"Patient.extension[0].extension[1]"}),
        ([{"url": "stay", "extension": [{"url": "since", "valueString": "x"}]}], set()),
        ([{"url": "stay", "extension": [TOWN]}], {"Patient.extension[0].extension[0].extension[0]"}),
        ([{"url": "http://acme.com/other", "valueString": "x"}], set()),
    ],
)
def test_only_the_parts_of_the_definition(inner: list[dict[str, Any]], found: set[str]) -> None:
    assert parts(*inner) == found
