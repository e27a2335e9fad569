"""Snapshots from differentials: by rule, and compared with those that the official packages publish."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DefinitionError, SnapshotError
from harness.fhir.definitions import Definitions
from harness.fhir.packages import open_package
from harness.fhir.snapshot import generate

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "packages"
TYPES = "http://hl7.org/fhir/StructureDefinition/"
Element = dict[str, Any]


def profile(base: str, *elements: Element, type_name: str = "Observation", **more: Any) -> dict[str, Any]:
    for element in elements:
        element.setdefault("path", ".".join(part.partition(":")[0] for part in element["id"].split(".")))
    return {
        "resourceType": "StructureDefinition", "url": "http://x/profile", "type": type_name, "kind": "resource",
        "derivation": "constraint", "baseDefinition": TYPES + base if ":" not in base else base,
        "differential": {"element": list(elements)}, **more,
    }  # fmt: skip


def made(base: str, *elements: Element, **more: Any) -> dict[str, Element]:
    definitions = more.pop("definitions", None) or Definitions.embedded()
    return {e["id"]: e for e in generate(profile(base, *elements, **more), definitions)}


def test_empty_differential_gives_the_base() -> None:
    base = [dict(e) for e in Definitions.embedded().snapshot(TYPES + "Observation")]
    for element in base:  # what a content reference means stays that of the type
        if "contentReference" in element:
            element["contentReference"] = TYPES + "Observation" + element["contentReference"]
    assert list(made("Observation").values()) == base


def test_facets_are_merged_and_the_base_stays_as_it_was() -> None:
    definitions = Definitions.embedded()
    before = [dict(e) for e in definitions.snapshot(TYPES + "Observation")]
    constraint = {"key": "x-1", "severity": "error", "human": "h", "expression": "true"}
    found = made(
        "Observation",
        {
            "id": "Observation.status",
            "binding": {"strength": "required", "valueSet": "http://x/vs"},
            "mustSupport": True,
        },
        {"id": "Observation.subject", "min": 1, "type": [{"code": "Reference", "targetProfile": [TYPES + "Patient"]}]},
        {"id": "Observation.code", "patternCodeableConcept": {"text": "t"}, "constraint": [constraint]},
    )
    status, subject, code = (found[f"Observation.{n}"] for n in ("status", "subject", "code"))
    assert (status["min"], status["mustSupport"], status["isModifier"]) == (1, True, True)
    assert status["binding"] == {"strength": "required", "valueSet": "http://x/vs"}
    assert (subject["min"], subject["max"], subject["base"]["min"]) == (1, "1", 0)
    assert subject["type"][0]["targetProfile"] == [TYPES + "Patient"]
    assert [c["key"] for c in code["constraint"]] == ["ele-1", "x-1"]
    assert list(definitions.snapshot(TYPES + "Observation")) == before


def test_slices_walk_into_their_type() -> None:
    found = made(
        "Observation",
        {
            "id": "Observation.category",
            "slicing": {"discriminator": [{"type": "value", "path": "coding.code"}], "rules": "open"},
        },
        {"id": "Observation.category:lab", "sliceName": "lab", "max": "1"},
        {"id": "Observation.category:lab.coding.code", "min": 1, "fixedCode": "laboratory"},
        {"id": "Observation.category:lab/blood", "sliceName": "lab/blood", "min": 1},
    )
    lab = found["Observation.category:lab"]
    assert (lab["min"], lab["max"], lab["sliceName"]) == (0, "1", "lab")
    assert "slicing" not in lab
    assert found["Observation.category:lab.coding.code"]["path"] == "Observation.category.coding.code"
    assert found["Observation.category:lab.coding.code"]["base"]["path"] == "Coding.code"
    assert found["Observation.category:lab/blood"]["min"] == 1
    order = list(found)
    assert order.index("Observation.category") < order.index("Observation.category:lab")
    assert order.index("Observation.category:lab.text") < order.index("Observation.category:lab/blood")
    assert order.index("Observation.category:lab/blood") < order.index("Observation.code")


def test_slice_is_made_from_the_base_not_from_this_differential() -> None:
    found = made(
        "Patient",
        {"id": "Patient.identifier", "min": 1, "mustSupport": True},
        {"id": "Patient.identifier.system", "min": 1},
        {"id": "Patient.identifier:one", "sliceName": "one"},
        {"id": "Patient.identifier:one.value", "min": 1},
        type_name="Patient",
    )
    assert "mustSupport" not in found["Patient.identifier:one"]
    assert found["Patient.identifier:one"]["min"] == 0
    assert found["Patient.identifier:one.system"]["min"] == 0
    assert found["Patient.identifier.system"]["min"] == 1


@pytest.mark.parametrize("name", ["Observation.valueQuantity", "Observation.value[x]:valueQuantity"])
def test_choice_is_narrowed_by_a_slice(name: str) -> None:
    found = made("Observation", {"id": name, "min": 1}, {"id": f"{name}.code", "fixedCode": "kg"})
    value = found["Observation.value[x]:valueQuantity"]
    assert (value["path"], value["type"], value["min"]) == ("Observation.value[x]", [{"code": "Quantity"}], 1)
    assert found["Observation.value[x]"]["slicing"]["discriminator"] == [{"type": "type", "path": "$this"}]
    assert found["Observation.value[x]:valueQuantity.code"]["fixedCode"] == "kg"
    assert found["Observation.value[x]:valueQuantity.unit"]["base"]["path"] == "Quantity.unit"


def test_choice_that_is_one_type_is_walked_into() -> None:
    found = made(
        "Observation",
        {"id": "Observation.value[x]", "type": [{"code": "Quantity"}]},
        {"id": "Observation.value[x].system", "min": 1},
    )
    assert found["Observation.value[x].system"]["min"] == 1


def test_extension_slice_takes_its_profile() -> None:
    url = TYPES + "patient-birthPlace"
    found = made(
        "Patient",
        {"id": "Patient.extension:place", "sliceName": "place", "type": [{"code": "Extension", "profile": [url]}]},
        {"id": "Patient.extension:place.value[x]", "min": 1},
        type_name="Patient",
    )
    assert found["Patient.extension"]["slicing"]["discriminator"] == [{"type": "value", "path": "url"}]
    assert found["Patient.extension:place.url"]["fixedUri"] == url
    assert found["Patient.extension:place.value[x]"]["type"] == [{"code": "Address"}]


def test_extension_slice_comes_no_more_often_than_its_definition_says() -> None:
    definitions = Definitions.embedded()
    once = profile("Extension", {"id": "Extension", "max": "1"}, type_name="Extension", url="http://x/once")
    definitions.add({**once, "kind": "complex-type"})
    typed = [{"code": "Extension", "profile": ["http://x/once"]}]
    found = made(
        "Observation",
        {"id": "Observation.extension:a", "sliceName": "a", "type": typed},
        {"id": "Observation.extension:b", "sliceName": "b", "type": typed, "max": "2"},
        definitions=definitions,
    )
    assert [found[f"Observation.extension:{name}"]["max"] for name in "ab"] == ["1", "2"]


def test_a_slice_of_a_slice_is_all_that_the_slice_is() -> None:
    typed = [{"code": "Extension", "profile": ["http://x/e"]}]
    found = made(
        "Observation",
        {"id": "Observation.extension:a", "sliceName": "a", "type": typed, "mustSupport": True},
        {"id": "Observation.extension:a/b", "sliceName": "a/b", "max": "1"},
    )
    again = found["Observation.extension:a/b"]
    assert (again["type"], again["mustSupport"], again["max"]) == (typed, True, "1")


def test_a_choice_written_with_its_type_is_its_slice_by_whatever_name() -> None:
    path = "Observation.valueQuantity"
    found = made("Observation", {"id": f"{path}:amount", "path": path, "sliceName": "amount", "min": 1})
    assert found["Observation.value[x]:amount"]["min"] == 1


QUANTITY: dict[str, Any] = {"type": [{"code": "Quantity"}]}


@pytest.mark.parametrize(
    ("elements", "rules"),
    [
        ([{"id": "Observation.value[x]:valueQuantity", **QUANTITY}], "closed"),
        ([{"id": "Observation.valueQuantity"}], "closed"),
        ([{"id": "Observation.valueQuantity.code", "min": 1}], "closed"),
        ([{"id": "Observation.value[x]"}, {"id": "Observation.value[x]:valueQuantity", **QUANTITY}], "open"),
        ([{"id": "Observation.value[x]:valueQuantity", **QUANTITY}, {"id": "Observation.value[x]"}], "open"),
        ([{"id": "Observation.value[x]:valueQuantity", "mustSupport": True}], "open"),
    ],
)
def test_types_named_without_the_choice_are_the_only_ones(elements: list[Element], rules: str) -> None:
    found = made("Observation", *[dict(element) for element in elements])
    assert found["Observation.value[x]"]["slicing"]["rules"] == rules


def test_content_reference_is_unfolded_and_stays_findable() -> None:
    found = made(
        "Questionnaire",
        {"id": "Questionnaire.item.item.item.linkId", "patternString": "deep"},
        type_name="Questionnaire",
    )
    assert found["Questionnaire.item.item.item.linkId"]["patternString"] == "deep"
    assert "contentReference" not in found["Questionnaire.item.item"]
    assert found["Questionnaire.item.item.item.item"]["contentReference"] == f"{TYPES}Questionnaire#Questionnaire.item"
    inside = made(
        "Bundle",
        {"id": "Bundle.entry.resource", "type": [{"code": "Questionnaire"}]},
        {"id": "Bundle.entry.resource.item.linkId", "patternString": "x"},
        type_name="Bundle",
    )
    reference = inside["Bundle.entry.resource.item.item"]["contentReference"]
    assert reference == TYPES + "Questionnaire#Questionnaire.item"


def test_specialization_adds_elements() -> None:
    found = made(
        "Element",
        {"id": "Thing", "min": 0},
        {"id": "Thing.part", "min": 1, "max": "1", "type": [{"code": "BackboneElement"}]},
        {"id": "Thing.part.name", "min": 0, "max": "1", "type": [{"code": "string"}]},
        type_name="Thing",
        derivation="specialization",
    )
    assert {"Thing", "Thing.id", "Thing.part", "Thing.part.name", "Thing.part.modifierExtension"} <= set(found)


def test_closed_slicing_stays_closed() -> None:
    definitions = Definitions.embedded()
    closed = {"discriminator": [{"type": "value", "path": "system"}], "rules": "closed"}
    definitions.add(
        profile("Patient", {"id": "Patient.identifier", "slicing": closed}, type_name="Patient", url="http://x/base")
    )
    found = made(
        "http://x/base",
        {"id": "Patient.identifier", "slicing": {"rules": "open"}},
        type_name="Patient",
        definitions=definitions,
    )
    assert found["Patient.identifier"]["slicing"] == closed


def test_elements_without_ids_are_placed_by_their_path() -> None:
    differential = [
        {"path": "Patient.identifier", "sliceName": "a", "min": 1},
        {"path": "Patient.identifier.system", "fixedUri": "http://a"},
        {"path": "Patient.identifier", "sliceName": "b"},
        {"path": "Patient.identifier.system", "fixedUri": "http://b"},
        {"path": "Patient.gender", "min": 1},
    ]
    structure = profile("Patient", type_name="Patient") | {"differential": {"element": differential}}
    found = {e["id"]: e for e in generate(structure, Definitions.embedded())}
    assert found["Patient.identifier:a.system"]["fixedUri"] == "http://a"
    assert found["Patient.identifier:b.system"]["fixedUri"] == "http://b"
    assert found["Patient.gender"]["min"] == 1


def test_a_slice_stays_as_needed_as_in_the_base() -> None:
    definitions = Definitions.embedded()
    sliced = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    needed: list[Element] = [{"id": "Patient.name", "slicing": sliced}, {"id": "Patient.name:a", "min": 1}]
    definitions.add(profile("Patient", *needed, type_name="Patient") | {"url": "http://x/needed"})
    found = made("http://x/needed", {"id": "Patient.name:a", "min": 0}, type_name="Patient", definitions=definitions)
    assert found["Patient.name:a"]["min"] == 1


@pytest.mark.parametrize("code", ["Quantity", "Age", "Duration"])
def test_a_type_may_become_one_that_is_derived_from_it(code: str) -> None:
    found = made("Observation", {"id": "Observation.value[x]", "type": [{"code": code}]})
    assert found["Observation.value[x]"]["type"] == [{"code": code}]


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        (
            profile("Observation", {"id": "Observation.colour"}),
            r"http://x/profile: element Observation\.colour: .*no element",
        ),
        (profile("Observation", {"id": "Observation.status.x"}), r"Observation\.status has no element x"),
        (profile("Observation", {"id": "Patient.name"}), "does not start with Observation"),
        (profile("Observation", {"id": "Observation.status", "min": 0}), "status: min is 0, but the base asks for 1"),
        (profile("Observation", {"id": "Observation.status", "max": "*"}), r"max is \*, but the base allows only 1"),
        (profile("Observation", {"id": "Observation.note", "min": "1"}), "min is '1', not a whole number"),
        (profile("Observation", {"id": "Observation.note", "max": 1}), "max is 1, neither a whole number in a string"),
        (profile("Observation", {"id": "Observation.note", "min": 3, "max": "2"}), "min is 3 and max is 2"),
        (
            profile("Observation", {"id": "Observation.value[x]", "type": [{"code": "Address"}]}),
            r"its type is Address, but the base allows only CodeableConcept \| Period",
        ),
        (
            profile("Observation", {"id": "Observation.status", "binding": {"strength": "preferred"}}),
            "its binding is preferred, but that of the base is required",
        ),
        (profile("http://x/none"), "its base http://x/none is not known"),
        (
            profile(
                "Observation", {"id": "Observation.code", "type": [{"code": "Nothing"}]}, {"id": "Observation.code.x"}
            ),
            "its type is Nothing, but the base allows only CodeableConcept",
        ),
        (
            profile("Observation") | {"differential": {"element": [{"id": "Observation"}]}},
            "not a list of ElementDefinitions",
        ),
        (profile("Observation") | {"differential": {"element": ["Observation"]}}, "not a list of ElementDefinitions"),
        (profile("Observation") | {"differential": ["Observation"]}, "not a list of ElementDefinitions"),
    ],
)
def test_wrong_differential_is_said(structure: dict[str, Any], message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        generate(structure, Definitions.embedded())


CHANGES = [
    {"id": "Patient.identifier:a", "path": "Patient.identifier", "sliceName": "a", "max": "1"},
    {"id": "Patient.identifier:a.system", "path": "Patient.identifier.system", "min": 1},
    {"id": "Patient.gender", "path": "Patient.gender", "min": 1},
    {"id": "Patient.deceasedBoolean", "path": "Patient.deceasedBoolean", "min": 1},
    {"id": "Patient.contact.name.family", "path": "Patient.contact.name.family", "min": 1},
    {"id": "Patient.contact.relationship", "path": "Patient.contact.relationship", "min": 1},
]


@given(st.permutations(CHANGES), st.booleans())
def test_order_of_the_differential_does_not_matter(changes: list[Element], twice: bool) -> None:
    definitions = Definitions.embedded()
    structure = profile("Patient", type_name="Patient")
    wanted = generate(structure | {"differential": {"element": CHANGES}}, definitions)
    given_twice = changes + changes if twice else changes
    assert generate(structure | {"differential": {"element": given_twice}}, definitions) == wanted


# --- the published snapshots -----------------------------------------------------------------------------------------

# Packages by what they were built with: these stand below each other in this order, the last on top.
WITH_DEPENDENCIES = "ans.fhir.fr.pdsm-3.1.1-with-dependencies.tgz"
BUILDS = {
    WITH_DEPENDENCIES: (),
    "hl7.fhir.fr.core-2.2.0-ballot-2.tgz": (),
    "ans.fhir.fr.mesures-3.1.0.tgz": (WITH_DEPENDENCIES,),
    "ans.fhir.fr.pdsm-3.1.1.tgz": (WITH_DEPENDENCIES,),
    "ans.fhir.fr.pdsm4dmp-0.1.0.tgz": (WITH_DEPENDENCIES,),
    "ans.fhir.fr.sas-1.1.0.tgz": (),
}
# gap and mesmesures stand on versions of their parents (fr.core 2.0.1, mesures 3.0.1, 3.2.0) that no package carries.
# mesures stands on the vital signs of fr.core 2.1.0, pdsm on mhd 4.2.3: the bundled packages carry 4.2.0 and not those.
OTHER_PARENTS = ("https://interop.esante.gouv.fr/ig/fhir/mesures/", "https://interop.esante.gouv.fr/ig/fhir/pdsm/")
PLAIN = ("min", "max", "sliceName", "maxLength", "mustSupport", "isModifier")
GENERAL = ("ele-1", "ext-1", "dom-")


def bare(canonical: str | None) -> str:
    """A canonical without the version that newer publishers pin."""
    return (canonical or "").partition("|")[0]


def facts(element: Element) -> dict[str, Any]:
    """What an element says, without what publishers write in different ways."""
    found: dict[str, Any] = {key: element.get(key) or None for key in PLAIN}
    found["contentReference"] = element.get("contentReference", "").rpartition("#")[2]
    found["types"] = [
        (t["code"], sorted(map(bare, t.get("profile", ()))), sorted(map(bare, t.get("targetProfile", ()))))
        for t in element.get("type", ())
    ]
    binding = element.get("binding") or {}
    found["binding"] = (binding.get("strength"), bare(binding.get("valueSet")))
    if not element["id"].endswith(("extension", "Extension")):
        slicing = element.get("slicing") or {}
        discriminators = [(d["type"], d["path"]) for d in slicing.get("discriminator", ())]
        found["slicing"] = (slicing.get("rules"), slicing.get("ordered") or False, discriminators)
    keys = (c["key"] for c in element.get("constraint", ()))
    found["constraints"] = sorted(key for key in keys if not key.startswith(GENERAL))
    for key, value in element.items():
        if key.startswith(("fixed", "pattern", "minValue", "maxValue")):
            found[key] = bare(value) if isinstance(value, str) else value
    return found


def reason(url: str, identity: str, facet: str, wanted: Any) -> str:
    """Why the published snapshot differs, "" if that is not known."""
    if facet == "binding" and "ucum-vitals-common" in str(wanted):
        return "another edition of the R4 core: vital signs' units are extensible there"
    if facet == "binding" and identity.endswith(".type") and "identifier" in identity:
        return "the publisher copies, or loses, the binding of the unsliced element's child in slices"
    if facet == "slicing" and "[x]" in identity:
        return "the publisher closes the slicing of a choice that has one type left"
    if facet == "constraints" and (identity.endswith((".resource", "telecom")) or "pdsm" in url):
        return "older publishers repeat the constraints of the type's profile; the version of the parent differs"
    if facet == "extra" and ".identifier." in identity:
        return "the publisher drops the unsliced element's inherited children"
    if url.startswith(OTHER_PARENTS):
        return "the parent at hand has another version"
    return ""


@cache
def comparison() -> tuple[int, int, Counter[str], list[str]]:
    """(elements, elements that agree, reason -> number, differences without a reason)."""
    total = agreed = 0
    reasons: Counter[str] = Counter()
    unexplained: list[str] = []
    for name, below in BUILDS.items():
        definitions = Definitions.embedded()
        for other in (*below, name):
            definitions.add_package(SHARED / other)
        for structure in published(name):
            try:
                ours = {e["id"]: facts(e) for e in generate(structure, definitions)}
            except DefinitionError as error:
                if "is not known" not in str(error):
                    unexplained.append(str(error))
                continue
            theirs = {e["id"]: facts(e) for e in structure["snapshot"]["element"]}
            for identity in theirs.keys() | ours.keys():
                want, got = theirs.get(identity, {"extra": True}), ours.get(identity, {"missing": True})
                total += 1
                agreed += want == got
                different = [k for k in want.keys() | got.keys() if want.get(k) != got.get(k)]
                facets = [k for k in different if k in ("extra", "missing")] or different
                for facet in facets:
                    why = reason(structure["url"], identity, facet, want.get(facet))
                    reasons[why] += 1
                    if not why:
                        unexplained.append(
                            f"{structure['url']} {identity} {facet}: {want.get(facet)} / {got.get(facet)}"
                        )
    return total, agreed, reasons, unexplained


def published(name: str) -> Iterator[dict[str, Any]]:
    for resource in open_package(SHARED / name).resources():
        views = [resource.get(view, {}).get("element") for view in ("differential", "snapshot")]
        if resource["resourceType"] == "StructureDefinition" and all(views):
            yield resource


@pytest.mark.skipif(not SHARED.is_dir(), reason="the official packages (../shared/packages) are absent")
def test_published_snapshots_agree() -> None:
    total, agreed, reasons, unexplained = comparison()
    print(f"{agreed} of {total} elements agree ({agreed / total:.2%}); {dict(reasons)}")
    assert total > 9000
    assert agreed / total > 0.98
    assert unexplained == []
