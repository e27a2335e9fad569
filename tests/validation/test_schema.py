"""The compiled form: lazy, dumpable, and the same each time."""

import json

from harness import Definitions, Validator
from harness.validation.compile.tree import build
from tests.validation.profiles import BASE, element, profile, slicing

WEIGHT = "http://hl7.org/fhir/StructureDefinition/bodyweight"


def test_a_schema_dumps_to_json_with_its_assertions() -> None:
    definitions = Definitions.embedded()
    phone = profile(
        "phone",
        "Patient",
        element("Patient.telecom", slicing=slicing(("value", "system"), rules="closed")),
        element("Patient.telecom:phone", min=1, max="1"),
        element("Patient.telecom:phone.system", fixedCode="phone"),
        element("Patient.birthDate", min=1, minValueDate="1900-01-01"),
        element("Patient.maritalStatus", max="0"),
    )
    definitions.add(phone)
    schema = Validator(definitions).judge.schema(BASE + "phone")
    assert schema is not None
    dumped = json.loads(json.dumps(schema.dump()))
    assert dumped["type"] == "Patient"
    assert {"cardinality": "1..1", "element": "Patient.birthDate"} in dumped["children"]["groups"]
    assert {"cardinality": "0..0", "element": "Patient.maritalStatus"} in dumped["children"]["groups"]
    slots = dumped["children"]["slots"]
    assert slots["birthDate"]["assertions"] == [{"minValue": "1900-01-01"}]
    assert slots["telecom"]["slicing"] == {
        "rules": "closed",
        "ordered": False,
        "slices": [{"slice": "phone", "cardinality": "1..1", "matches": "system = 'phone'"}],
    }
    assert slots["gender"]["assertions"] == [
        {"binding": "required", "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1"}
    ]
    assert {"invariant": "dom-6", "severity": "warning", "expression": "text.`div`.exists()"} in dumped["assertions"]


def test_every_core_type_compiles_and_dumps() -> None:
    judge = Validator(Definitions.embedded()).judge
    for name in sorted(judge.resource_types):
        schema = judge.type_schema(name)
        assert schema is not None
        assert json.dumps(schema.dump())


def test_only_what_an_instance_holds_is_compiled() -> None:
    validator = Validator(Definitions.embedded())
    validator.validate({"resourceType": "Patient", "active": True})
    schema = validator.judge.type_schema("Patient")
    assert schema is not None
    assert schema.children is not None
    assert set(schema.children.slots) == {"active"}


def test_the_tree_of_a_snapshot_puts_slices_beside_what_they_slice() -> None:
    root = build(Definitions.embedded().snapshot(WEIGHT), WEIGHT)
    category = root.children["category"]
    assert [part.slice_name for part in category.slices] == ["VSCat"]
    assert "coding" in category.slices[0].children
    assert "coding" not in category.children
    assert [part.slice_name for part in root.children["value[x]"].slices] == ["valueQuantity"]
