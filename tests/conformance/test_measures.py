"""The restated measure packs: complete in themselves, and the same as the published ones."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.data import folder
from harness.fhir.definitions import Definitions
from harness.fhir.packages import Package, open_package, write_index
from harness.fhir.terminology import Terminology, Verdict

PACKS = ("ans.fhir.fr.mesures", "ans.fhir.fr.mesmesures", "hl7.fhir.uv.phd", "ans.fhir.fr.nos")
OFFICIAL = Path(__file__).resolve().parents[3] / "shared" / "packages"
MESURES = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/"
MES = "https://interop.esante.gouv.fr/ig/fhir/mesmesures/StructureDefinition/"
NOS = "https://mos.esante.gouv.fr/NOS/"
PHD_SETS = "http://hl7.org/fhir/uv/phd/ValueSet/"
MES_NAMES = "https://fhir.monespacesante.fr/ref/mesure/StructureDefinition/"
Facts = dict[str, Any]
Facet = tuple[str, str, str]

# Definitions that no package at hand has; what they say about a resource is undecided.
UNPUBLISHED = (
    "http://interopsante.org/",
    "http://www.interopsante.org/",
    "http://models.opencimi.org/",
    MESURES + "mesures-diabetis-type",
)
# (profile, element, facet) that differ from the published snapshot, and why. "*" is every profile.
UNITS = "the published snapshots were built with a corrected R4 core, where the binding is extensible"
MEAN_BP = "a fixed value in French core 2.1.0, a pattern since: the same for a code or a uri"
DIFFERENCES: dict[Facet, str] = {
    ("*", "Observation.component.value[x]", "binding"): UNITS,
    **{
        (bp, f"Observation.component:{slice_name}.value[x]", "binding"): UNITS
        for bp in (MESURES + "mesures-fr-observation-bp", MES + "MESObservationBp")
        for slice_name in ("SystolicBP", "DiastolicBP", "MeanBP")
    },
    **{
        (
            MESURES + "mesures-fr-observation-bp",
            f"Observation.component:MeanBP.code.coding:MBPCode.{part}",
            facet,
        ): MEAN_BP
        for part, kind in (("system", "Uri"), ("code", "Code"))
        for facet in (f"fixed{kind}", f"pattern{kind}")
    },
}


def restated(pack: str) -> Package:
    return open_package(folder("conformance") / pack, official=False)


def structures(pack: str) -> list[str]:
    return [row.url for row in restated(pack).rows if row.resource_type == "StructureDefinition"]


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.embedded()


PROFILES = [url for pack in PACKS for url in structures(pack)]


@pytest.mark.parametrize("pack", PACKS)
def test_pack_says_what_it_restates(pack: str) -> None:
    manifest = (folder("conformance") / pack / "package.json").read_text()
    assert '"restates": ' in manifest
    assert '"fhirVersions": [' in manifest
    assert "restated" in (folder("conformance") / pack / "README.md").read_text()


@pytest.mark.parametrize("pack", PACKS)
def test_index_is_that_of_the_files(pack: str, tmp_path: Path) -> None:
    copied = shutil.copytree(folder("conformance") / pack, tmp_path / pack)
    assert not write_index(copied)
    (copied / ".index.json").unlink()
    assert write_index(copied)


@pytest.mark.parametrize("url", PROFILES)
def test_profile_has_a_snapshot(definitions: Definitions, url: str) -> None:
    structure = definitions.structure(url)
    assert structure is not None
    assert "snapshot" not in structure
    elements = definitions.snapshot(url)
    ids = [e["id"] for e in elements]
    assert len(ids) == len(set(ids))
    assert {e["id"] for e in structure["differential"]["element"]} <= set(ids)


def _references(value: Any) -> Iterator[str]:
    """Every canonical that an ElementDefinition binds to or takes a profile from."""
    for kind in value.get("type", ()):
        yield from kind.get("profile", ())
        yield from kind.get("targetProfile", ())
    if value.get("binding", {}).get("strength") in {"required", "extensible"}:
        yield value["binding"]["valueSet"]


@pytest.mark.parametrize("url", PROFILES)
def test_what_a_profile_refers_to_is_known(definitions: Definitions, url: str) -> None:
    structure = definitions.structure(url)
    assert structure is not None
    named = {ref for element in structure["differential"]["element"] for ref in _references(element)}
    unknown = {ref for ref in named if definitions.find(ref) is None}
    assert {ref for ref in unknown if not ref.startswith(UNPUBLISHED)} == set()


def test_pinned_value_sets_are_there_in_that_version(definitions: Definitions) -> None:
    pinned = {
        ref
        for url in structures("ans.fhir.fr.mesmesures")
        for element in definitions.snapshot(url)
        for ref in _references(element)
        if "/NOS/" in ref
    }
    assert len(pinned) > 10
    for ref in pinned:
        value_set = definitions.value_set(ref)
        assert value_set is not None
        assert value_set["version"] == ref.partition("|")[2]


def test_each_mes_profile_is_found_by_the_url_that_meta_profile_must_hold(definitions: Definitions) -> None:
    names = {url for url in structures("ans.fhir.fr.mesmesures") if url.startswith(MES_NAMES)}
    fixed = set()
    for url in structures("ans.fhir.fr.mesmesures"):
        element = next(e for e in definitions.snapshot(url) if e["id"] == "Observation.meta.profile")
        fixed.add(element["fixedCanonical"])
        if url in names:
            assert element["fixedCanonical"] == url
    assert len(names) == 11
    assert fixed == names


# -- against the published packages


def _canonical(value: str) -> str:
    return value.partition("|")[0]


def _facts(element: dict[str, Any]) -> Facts:
    """What an element demands, without version pins, prose and bindings that demand nothing."""
    facts: Facts = {"min": element.get("min"), "max": element.get("max")}
    facts["type"] = sorted(
        (
            kind["code"].rpartition("/")[2],
            *sorted(map(_canonical, kind.get("profile", []) + kind.get("targetProfile", []))),
        )
        for kind in element.get("type", ())
    )
    facts["constraint"] = sorted({constraint["key"] for constraint in element.get("constraint", ())})
    for key, value in element.items():
        if key.startswith(("fixed", "pattern")):
            facts[key] = _canonical(value) if key.endswith("Canonical") else value
    binding = element.get("binding", {})
    if binding.get("strength", "example") != "example":
        facts["binding"] = (binding["strength"], _canonical(binding.get("valueSet", "")))
    if slicing := element.get("slicing"):
        paths = sorted((d["type"], d["path"]) for d in slicing.get("discriminator", ()))
        facts["slicing"] = (slicing["rules"], slicing.get("ordered", False), paths)
    return facts


def _adds_nothing(element: dict[str, Any]) -> bool:
    """Whether a published element repeats its data type, so that a snapshot may leave it folded."""
    base = element["base"]
    return (
        (element["min"], element["max"]) == (base["min"], base["max"])
        and not any(key.startswith(("fixed", "pattern")) for key in element)
        and "/NOS/" not in element.get("binding", {}).get("valueSet", "")
    )


def _differences(url: str, ours: Facts, theirs: Facts, element: str) -> set[Facet]:
    return {
        (url, element, facet)
        for facet in ours.keys() | theirs.keys()
        if ours.get(facet) != theirs.get(facet) and ("*", element, facet) not in DIFFERENCES
    }


@pytest.mark.parametrize("archive", ["ans.fhir.fr.mesures-3.1.0.tgz", "ans.fhir.fr.mesmesures-0.1.0.tgz"])
def test_snapshots_are_those_of_the_published_package(definitions: Definitions, archive: str) -> None:
    if not (OFFICIAL / archive).is_file():
        pytest.skip(f"the official package {archive} is not at hand in {OFFICIAL}")
    found: set[Facet] = set()
    compared = set()
    for published in open_package(OFFICIAL / archive).resources():
        if published["resourceType"] != "StructureDefinition":
            continue
        url = published["url"]
        compared.add(url)
        origin = definitions.origin(url)
        assert origin is not None and not origin.official
        ours = {e["id"]: _facts(e) for e in definitions.snapshot(url)}
        for element in published["snapshot"]["element"]:
            if element["id"] in ours:
                found |= _differences(url, ours[element["id"]], _facts(element), element["id"])
            elif not _adds_nothing(element):
                found.add((url, element["id"], "missing"))
    assert len(compared) >= 11
    assert found == {difference for difference in DIFFERENCES if difference[0] in compared}


# -- value sets


@pytest.mark.parametrize(
    "url", [row.url for row in restated("ans.fhir.fr.nos").rows if row.resource_type == "ValueSet"]
)
def test_nos_value_set_is_complete(definitions: Definitions, url: str) -> None:
    terminology = Terminology(definitions)
    codes = terminology.codes(url)
    assert codes
    for code in codes:
        assert terminology.member(url, code.system, code.code).verdict is Verdict.IN
        assert terminology.member(url, code.system, f"{code.code}-X").verdict is Verdict.NOT_IN
        assert terminology.member(url, "http://example.org/codes", code.code).verdict is Verdict.NOT_IN


@pytest.mark.parametrize(
    ("value_set", "system"),
    [
        (MESURES.replace("StructureDefinition", "ValueSet") + "method-glucose-vs", f"{NOS}TRE_{name}/FHIR/TRE-{name}")
        for name in ("R312-LPP", "R307-NCIT")
    ]
    + [(PHD_SETS + "ASN1attribute", PHD_SETS.replace("ValueSet", "CodeSystem") + "ASN1ToHL7")],
)
def test_codes_that_are_not_restated_are_undecided(definitions: Definitions, value_set: str, system: str) -> None:
    terminology = Terminology(definitions)
    assert terminology.member(value_set, system, "any-code").verdict is Verdict.UNDECIDED
    assert terminology.member(value_set, "http://example.org/codes", "any-code").verdict is Verdict.NOT_IN
