# ruff: noqa: E501 (tables of values: one idea a line)
"""Random profiles on Patient and Observation, with instances that keep or break them."""

import copy
import random
from collections.abc import Iterator
from typing import Any

from instances import Shapes
from mutations import mutants

Resource = dict[str, Any]
BASE = "http://acme.com/fhir/"
UCUM = "http://unitsofmeasure.org"

PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [
        {"use": "official", "system": "http://acme.com/mrn", "value": "1"},
        {"use": "usual", "system": "http://acme.com/ssn", "value": "2", "type": {"text": "ssn"}},
        {"system": "http://acme.com/other", "value": "3"},
    ],
    "active": True,
    "name": [{"use": "official", "family": "Everyman", "given": ["Adam", "A."]}, {"use": "nickname", "text": "Ad"}],
    "telecom": [
        {"system": "phone", "value": "1", "use": "home", "rank": 1},
        {"system": "email", "value": "a@b.c", "use": "work"},
        {"system": "phone", "value": "2", "use": "work"},
    ],
    "gender": "male",
    "birthDate": "1980-05-06",
    "deceasedBoolean": False,
    "address": [{"use": "home", "city": "Lille", "line": ["1 rue A", "2 rue B"]}],
    "contact": [{"name": {"text": "B"}, "telecom": [{"system": "phone", "value": "3"}], "gender": "female"}],
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "fr"}]}, "preferred": True}],
    "managingOrganization": {"reference": "Organization/1"},
}
OBSERVATION: Resource = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "category": [
        {"coding": [{"system": "http://acme.com/cat", "code": "a"}, {"system": "http://acme.com/cat2", "code": "x"}]},
        {"coding": [{"system": "http://acme.com/cat", "code": "b"}], "text": "B"},
    ],
    "code": {"coding": [{"system": "http://acme.com/codes", "code": "c1", "display": "C1"}], "text": "code"},
    "subject": {"reference": "Patient/1", "display": "P"},
    "effectiveDateTime": "2020-01-02T10:00:00Z",
    "valueQuantity": {"value": 5.5, "unit": "kg", "system": UCUM, "code": "kg"},
    "interpretation": [{"text": "ok"}],
    "note": [{"text": "n1"}, {"text": "n2", "authorString": "me"}],
    "referenceRange": [{"low": {"value": 1}, "text": "r"}],
    "component": [
        {
            "code": {"coding": [{"system": "http://acme.com/codes", "code": "k1"}]},
            "valueQuantity": {"value": 1, "system": UCUM, "code": "mm[Hg]"},
        },
        {"code": {"coding": [{"system": "http://acme.com/codes", "code": "k2"}]}, "valueString": "x"},
        {"code": {"coding": [{"system": "http://acme.com/codes", "code": "k3"}]}, "dataAbsentReason": {"text": "none"}},
    ],
}
CODES: Resource = {
    "resourceType": "CodeSystem", "url": BASE + "CodeSystem/cs", "status": "active", "content": "complete",
    "concept": [{"code": "a", "display": "A"}, {"code": "b", "display": "B", "concept": [{"code": "b1", "display": "B1"}]}, {"code": "c"}],
}  # fmt: skip
OTHERS: list[Resource] = [
    {"resourceType": "CodeSystem", "url": "http://acme.com/" + name, "status": "active", "content": "complete", "concept": [{"code": code, "display": code.upper()} for code in codes.split()]}
    for name, codes in {"cat": "a b c", "cat2": "x y", "codes": "c1 c2 k1 k2 k3"}.items()
]  # fmt: skip
VALUES: Resource = {
    "resourceType": "ValueSet", "url": BASE + "ValueSet/vs", "status": "active",
    "compose": {"include": [{"system": "http://acme.com/cat", "concept": [{"code": "a"}, {"code": "c"}]}, {"system": "http://acme.com/codes", "concept": [{"code": "c1"}, {"code": "k1"}]},
                            {"system": UCUM, "concept": [{"code": "kg"}, {"code": "g"}]}]},
}  # fmt: skip
EXTENSION: Resource = {
    "resourceType": "StructureDefinition", "url": BASE + "StructureDefinition/ext", "name": "Ext", "status": "draft", "fhirVersion": "4.0.1", "kind": "complex-type", "abstract": False,
    "context": [{"type": "element", "expression": "Patient"}, {"type": "element", "expression": "Observation"}, {"type": "element", "expression": "HumanName"}],
    "type": "Extension", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension", "derivation": "constraint",
    "differential": {"element": [
        {"id": "Extension", "path": "Extension", "max": "1"}, {"id": "Extension.extension", "path": "Extension.extension", "max": "0"},
        {"id": "Extension.url", "path": "Extension.url", "fixedUri": BASE + "StructureDefinition/ext"},
        {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": "string"}, {"code": "Coding"}]},
    ]},
}  # fmt: skip
QUANTITY: Resource = {
    "resourceType": "StructureDefinition", "url": BASE + "StructureDefinition/qty", "name": "Qty", "status": "draft", "fhirVersion": "4.0.1", "kind": "complex-type", "abstract": False,
    "type": "Quantity", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Quantity", "derivation": "constraint",
    "differential": {"element": [{"id": "Quantity", "path": "Quantity"}, {"id": "Quantity.value", "path": "Quantity.value", "min": 1}, {"id": "Quantity.code", "path": "Quantity.code", "min": 1, "patternCode": "kg"}]},
}  # fmt: skip
Element = dict[str, Any]


def _element(path: str, **facets: Any) -> Element:
    return {"id": path, "path": path, **facets}


def _slices(
    path: str, discriminators: list[tuple[str, str]], parts: list[tuple[str, list[Element]]], rng: random.Random
) -> list[Element]:
    """A slicing of ``path``: parts are (name, elements below, by their path after the sliced one)."""
    entry: Element = {"rules": rng.choice(["open", "open", "closed", "openAtEnd"]), "ordered": rng.random() < 0.25}
    if discriminators:
        entry["discriminator"] = [{"type": kind, "path": where} for kind, where in discriminators]
    made = [_element(path, slicing=entry)]
    if rng.random() < 0.2:
        made[0]["min"] = 1
    for name, below in parts:
        bounds: Element = {"min": rng.choice([0, 0, 1])}
        if rng.random() < 0.6:
            bounds["max"] = rng.choice(["1", "2", "1"])
        made.append({"id": f"{path}:{name}", "path": path, "sliceName": name, **bounds})
        for item in below:
            tail = item["at"]
            facets = {key: value for key, value in item.items() if key != "at"}
            if tail:
                made.append({"id": f"{path}:{name}.{tail}", "path": f"{path}.{tail}", **facets})
            else:
                made[-1].update(facets)
    return made


def _code(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def patient_parts(rng: random.Random) -> list[list[Element]]:
    """Groups of elements that may be constrained together, in the order of the type."""
    tell = rng.choice([[("value", "system")], [("pattern", "system")], [("value", "system"), ("value", "use")]])
    fixed = rng.choice(["fixed", "pattern"])
    return [
        rng.choice([
            [_element("Patient.identifier", min=rng.choice([1, 2, 3, 4]))],
            _slices("Patient.identifier", [("value", "system")], [
                ("mrn", [{"at": "system", "min": 1, f"{fixed}Uri": "http://acme.com/mrn"}, {"at": "value", "min": 1, "maxLength": rng.choice([1, 5])}]),
                ("ssn", [{"at": "type", "min": rng.choice([0, 1])}, {"at": "system", "min": 1, f"{fixed}Uri": "http://acme.com/ssn"}, {"at": "value", "min": 1, "patternString": rng.choice(["2", "9"])}]),
            ], rng),
            _slices("Patient.identifier", [("exists", "type")], [("typed", [{"at": "type", "min": 1}]), ("plain", [{"at": "type", "max": "0"}])], rng),
            _slices("Patient.identifier", [("pattern", "$this")], [("m", [{"at": "", "patternIdentifier": {"system": "http://acme.com/mrn"}}]), ("o", [{"at": "", "patternIdentifier": {"use": "usual"}}])], rng),
        ]),
        rng.choice([
            [_element("Patient.name", min=1), _element("Patient.name.family", min=1), _element("Patient.name.given", max="1")],
            [_element("Patient.name", constraint=[{"key": "x-1", "severity": rng.choice(["error", "warning"]), "human": "h", "expression": rng.choice(["family.exists() or text.exists()", "given.count() < 2", "use = 'official'", "family.matches('^E')"])}])],
            _slices("Patient.name", [("value", "use")], [("off", [{"at": "use", "min": 1, f"{fixed}Code": "official"}, {"at": "family", "min": 1}]), ("nick", [{"at": "use", "min": 1, f"{fixed}Code": "nickname"}, {"at": "family", "max": "0"}])], rng),
        ]),
        rng.choice([
            _slices("Patient.telecom", tell, [
                ("phone", [{"at": "system", "min": 1, f"{fixed}Code": "phone"}, {"at": "use", f"{fixed}Code": rng.choice(["home", "work"])}]),
                ("mail", [{"at": "system", "min": 1, f"{fixed}Code": "email"}, {"at": "value", "min": 1}]),
            ], rng),
            [_element("Patient.telecom", max=rng.choice(["0", "2", "3"]))],
            [_element("Patient.telecom.rank", maxValuePositiveInt=rng.choice([1, 5])), _element("Patient.telecom.period", max="0")],
        ]),
        rng.choice([[_element("Patient.gender", min=1)], [_element("Patient.gender", fixedCode=rng.choice(["male", "female"]))], [_element("Patient.gender", max="0")], []]),
        rng.choice([[_element("Patient.birthDate", minValueDate="1900-01-01", maxValueDate=rng.choice(["1970-01-01", "2000-12-31"]))], [_element("Patient.birthDate", min=1)], []]),
        rng.choice([
            [_element("Patient.deceased[x]", type=[{"code": rng.choice(["boolean", "dateTime"])}])],
            [_element("Patient.deceased[x]", slicing={"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}), {"id": "Patient.deceased[x]:deceasedBoolean", "path": "Patient.deceased[x]", "sliceName": "deceasedBoolean", "type": [{"code": "boolean"}], "fixedBoolean": rng.choice([True, False])}],
            [],
        ]),
        rng.choice([[_element("Patient.address.line", max="1")], [_element("Patient.address", patternAddress={"city": rng.choice(["Lille", "Nice"])})], [_element("Patient.address.line", patternString="1 rue A")], [_element("Patient.address", fixedAddress={"use": "home", "city": "Lille", "line": ["1 rue A", "2 rue B"]})], []]),
        rng.choice([[_element("Patient.contact", max=rng.choice(["0", "1"]))], [_element("Patient.contact.relationship", min=1)], [_element("Patient.contact.gender", min=1), _element("Patient.contact.organization", max="0")], []]),
        rng.choice([[_element("Patient.managingOrganization", min=1), _element("Patient.managingOrganization.display", min=rng.choice([0, 1]))], [_element("Patient.managingOrganization", type=[{"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Organization"], "aggregation": [rng.choice(["contained", "referenced"])]}])], []]),
    ]  # fmt: skip


def observation_parts(rng: random.Random) -> list[list[Element]]:
    """As :func:`patient_parts`."""
    fixed = rng.choice(["fixed", "pattern"])
    strength = rng.choice(["required", "extensible", "required"])
    codes = [("value", "code")] if rng.random() < 0.5 else [("pattern", "code")]
    return [
        rng.choice([
            _slices("Observation.category", [("pattern", "$this")], [("a", [{"at": "", "patternCodeableConcept": _code("http://acme.com/cat", "a")}]), ("b", [{"at": "", "patternCodeableConcept": _code("http://acme.com/cat", "b")}])], rng),
            _slices("Observation.category", [("value", "coding.code"), ("value", "coding.system")], [("a", [{"at": "coding.system", "min": 1, f"{fixed}Uri": "http://acme.com/cat"}, {"at": "coding.code", "min": 1, f"{fixed}Code": "a"}])], rng),
            _slices("Observation.category", [("value", "$this")], [("v", [{"at": "", "binding": {"strength": "required", "valueSet": BASE + "ValueSet/vs"}}])], rng),
            _slices("Observation.category.coding", [("value", "system")], [("c1", [{"at": "system", "min": 1, f"{fixed}Uri": "http://acme.com/cat"}]), ("c2", [{"at": "system", "min": 1, f"{fixed}Uri": "http://acme.com/cat2"}, {"at": "display", "min": rng.choice([0, 1])}])], rng),
            [_element("Observation.category", binding={"strength": strength, "valueSet": BASE + "ValueSet/vs"})],
            _slices("Observation.category", [], [("t", [{"at": "text", "min": 1}]), ("n", [{"at": "text", "max": "0"}])], rng),
        ]),
        rng.choice([[_element("Observation.code", binding={"strength": strength, "valueSet": BASE + "ValueSet/vs"})], [_element("Observation.code", patternCodeableConcept=_code("http://acme.com/codes", rng.choice(["c1", "c2"])))], [_element("Observation.code", fixedCodeableConcept=_code("http://acme.com/codes", "c1"))], [_element("Observation.code.coding", min=1, max="1"), _element("Observation.code.coding.display", min=1)], [_element("Observation.code.coding.code", fixedCode=rng.choice(["c1", "c9"]))]]),
        rng.choice([[_element("Observation.subject", min=1, type=[{"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/" + rng.choice(["Patient", "Group"])]}])], [_element("Observation.subject.identifier", min=1)], [_element("Observation.subject.reference", min=1), _element("Observation.subject.display", fixedString="P")], []]),
        rng.choice([[_element("Observation.effective[x]", min=1, type=[{"code": rng.choice(["dateTime", "Period"])}])], [_element("Observation.effective[x]", type=[{"code": "dateTime"}], maxValueDateTime=rng.choice(["2019-01-01", "2021-01-01T00:00:00Z"]))], []]),
        rng.choice([
            [_element("Observation.value[x]", min=1, type=[{"code": "Quantity", "profile": [BASE + "StructureDefinition/qty"]}])],
            [_element("Observation.value[x]", type=[{"code": rng.choice(["Quantity", "string"])}, {"code": "CodeableConcept"}])],
            [_element("Observation.value[x]", type=[{"code": "Quantity"}], minValueQuantity={"value": rng.choice([1, 6]), "system": UCUM, "code": rng.choice(["kg", "g", "m"])})],
            [_element("Observation.value[x]", type=[{"code": "Quantity"}], patternQuantity={"system": UCUM, "code": rng.choice(["kg", "g"])})],
            [_element("Observation.value[x]", slicing={"discriminator": [{"type": "type", "path": "$this"}], "rules": rng.choice(["open", "closed"])}), {"id": "Observation.value[x]:valueQuantity", "path": "Observation.value[x]", "sliceName": "valueQuantity", "type": [{"code": "Quantity"}], "min": rng.choice([0, 1])}, {"id": "Observation.value[x]:valueQuantity.unit", "path": "Observation.value[x].unit", "min": 1, "fixedString": rng.choice(["kg", "g"])}],
            [_element("Observation.value[x]", type=[{"code": "Quantity"}], binding={"strength": strength, "valueSet": BASE + "ValueSet/vs"})],
            [{"id": "Observation.value[x]:valueQuantity", "path": "Observation.valueQuantity", "sliceName": "valueQuantity", "min": rng.choice([0, 1])}, {"id": "Observation.value[x]:valueQuantity.code", "path": "Observation.valueQuantity.code", "fixedCode": rng.choice(["kg", "g"])}],
            [_element("Observation.value[x]", max="0")],
        ]),
        rng.choice([[_element("Observation.note.text", maxLength=rng.choice([1, 50]))], [_element("Observation.note", min=rng.choice([1, 3]))], _slices("Observation.note", [("type", "author")], [("s", [{"at": "author[x]", "min": 1, "type": [{"code": "string"}]}])], rng), []]),
        rng.choice([[_element("Observation.referenceRange.low.value", min=1), _element("Observation.referenceRange.high", min=rng.choice([0, 1]))], [_element("Observation.referenceRange", max="0")], []]),
        rng.choice([
            _slices("Observation.component", codes, [
                ("one", [{"at": "code", f"{fixed}CodeableConcept": _code("http://acme.com/codes", "k1")}, {"at": "value[x]", "min": 1, "type": [{"code": rng.choice(["Quantity", "string"])}]}]),
                ("two", [{"at": "code", f"{fixed}CodeableConcept": _code("http://acme.com/codes", "k2")}, {"at": "dataAbsentReason", "max": rng.choice(["0", "1"])}]),
            ], rng),
            _slices("Observation.component", [("value", "code.coding.code")], [("one", [{"at": "code.coding.code", "min": 1, "fixedCode": "k1"}]), ("two", [{"at": "code.coding.code", "min": 1, "fixedCode": "k2"}])], rng),
            _slices("Observation.component", [("type", "value")], [("q", [{"at": "value[x]", "min": 1, "type": [{"code": "Quantity"}]}]), ("s", [{"at": "value[x]", "min": 1, "type": [{"code": "string"}]}])], rng),
            _slices("Observation.component", [("exists", "value")], [("with", [{"at": "value[x]", "min": 1}]), ("without", [{"at": "value[x]", "max": "0"}])], rng),
            [_element("Observation.component", max=rng.choice(["0", "2"]))],
            [_element("Observation.component.value[x]", min=1)],
            [_element("Observation.component", constraint=[{"key": "x-2", "severity": "error", "human": "h", "expression": "value.exists() or dataAbsentReason.exists()"}])],
            [],
        ]),
    ]  # fmt: skip


def _extension(kind: str, rng: random.Random) -> list[Element]:
    path = f"{kind}.extension"
    url = BASE + "StructureDefinition/ext"
    return [
        _element(
            path,
            slicing={
                "discriminator": [{"type": "value", "path": "url"}],
                "rules": rng.choice(["open", "open", "closed"]),
                "ordered": False,
            },
        ),
        {
            "id": f"{path}:ext",
            "path": path,
            "sliceName": "ext",
            "min": rng.choice([0, 1]),
            "max": rng.choice(["1", "*"]),
            "type": [{"code": "Extension", "profile": [url]}],
        },
    ]


def cases(count: int, each: int, rng: random.Random, shapes: Shapes) -> Iterator[Resource]:
    """``count`` profiles with ``each`` instances of each."""
    for number in range(count):
        kind, good, parts = (
            ("Patient", PATIENT, patient_parts) if number % 2 else ("Observation", OBSERVATION, observation_parts)
        )
        groups = parts(rng)
        chosen = sorted(rng.sample(range(len(groups)), rng.choice([1, 1, 2, 3])))
        elements = [e for index in chosen for e in groups[index]]
        if rng.random() < 0.3:
            elements = [*_extension(kind, rng), *elements]
        url = f"{BASE}StructureDefinition/made-{number}"
        profile = {
            "resourceType": "StructureDefinition", "url": url, "name": "Made", "status": "draft", "fhirVersion": "4.0.1", "kind": "resource", "abstract": False, "type": kind,
            "baseDefinition": "http://hl7.org/fhir/StructureDefinition/" + kind, "derivation": "constraint", "differential": {"element": [_element(kind), *elements]},
        }  # fmt: skip
        supporting = [CODES, *OTHERS, VALUES, EXTENSION, QUANTITY, profile]
        touched = {str(e["path"]).split(".")[1].removesuffix("[x]") for e in elements if "." in e["path"]}
        instances = [("good", copy.deepcopy(good))]
        for extension in ({"valueString": "x"}, {"valueInteger": 1}, {}, {"valueString": "x"}):
            if "extension" in touched:
                instances.append(
                    (
                        "ext",
                        {
                            **copy.deepcopy(good),
                            "extension": [{"url": BASE + "StructureDefinition/ext", **extension}] * rng.choice([1, 2]),
                        },
                    )
                )
        instances.extend(_near(good, touched, each, rng, shapes))
        for index, (done, instance) in enumerate(instances):
            yield {
                "id": f"made-{number}#{index}:{done}",
                "profiles": [url],
                "supporting": supporting,
                "resource": instance,
            }


def _near(
    good: Resource, touched: set[str], count: int, rng: random.Random, shapes: Shapes
) -> Iterator[tuple[str, Resource]]:
    """Mutants that change what the profile speaks of."""
    made = 0
    for done, changed in mutants(good, count * 12, rng, shapes):
        keys = {key for key in {*changed, *good} if changed.get(key) != good.get(key)}
        if any(key.lstrip("_").startswith(tuple(touched)) for key in keys) and touched:
            made += 1
            yield done, changed
        if made >= count // 2:
            break
    for _ in range(count - made):
        changed = copy.deepcopy(good)
        key = rng.choice(sorted(touched & changed.keys()) or ["id"])
        items = changed[key]
        if isinstance(items, list) and items:
            move = rng.choice(["reverse", "drop", "twice", "one", "swap"])
            if move == "reverse":
                items.reverse()
            elif move == "drop":
                del items[rng.randrange(len(items))]
            elif move == "twice":
                items.append(copy.deepcopy(rng.choice(items)))
            elif move == "one":
                changed[key] = [rng.choice(items)]
            else:
                rng.shuffle(items)
            if not changed[key]:
                del changed[key]
        else:
            move = "drop"
            del changed[key]
        yield f"{move}@{key}", changed
