"""The restated French core, PDSm, MHD, GAP and directory packs: complete, and the same as the published ones."""

import shutil
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.data import folder
from harness.fhir.definitions import Definitions
from harness.fhir.packages import open_package, write_index
from harness.fhir.terminology import Terminology, Verdict

FRCORE, PDSM, GAP, MHD = "hl7.fhir.fr.core", "ans.fhir.fr.pdsm", "ans.fhir.fr.gap", "ihe.iti.mhd"
DIRECTORY, TERMINOLOGIES, HL7 = "ans.fhir.fr.annuaire", "ans.fr.terminologies", "hl7.terminology.r4"
PACKS = (FRCORE, PDSM, GAP, MHD, DIRECTORY, TERMINOLOGIES, HL7)
OFFICIAL = Path(__file__).resolve().parents[3] / "shared" / "packages"
WITH_DEPENDENCIES = "ans.fhir.fr.pdsm-3.1.1-with-dependencies.tgz"
Facts = dict[str, Any]
Facet = tuple[str, str, str]

# What the profiles refer to and no pack has: what they say about a resource is undecided. The READMEs name them.
UNPUBLISHED = {
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Organization.description",
    "http://hl7.org/fhir/StructureDefinition/note",
}

# (id of the profile, id of the element, facet, why): where our snapshot is not the published one.
_PASSED_ON = "what is said of all items is judged for all items; the generators differ in copying it to the slices"
_TYPE_RULES = "the invariants of a resource or data type are judged where its own definition is, not copied"
_TELECOM = "cpt-2 belongs to the data type ContactPoint, whose own profile brings it"
_UNITS = "the published snapshots were built with a corrected R4 core, where the binding is extensible"
_UNFOLDED = "the generators differ in unfolding a data type whose children nothing constrains"
_NEWER_PARENT = "built on French core 2.0.1; the restated parent is 2.2.0-ballot-2"
_OLD_BUILD = "an older generator: it marks extension slicing where no profile touches it, and leaves ele-1 out of links"
_MHD_4_2_3 = "dropped or moved between MHD 4.2.0, at hand, and 4.2.3, restated"
_ONE_TYPE = "the element has one type left, so that the slicing by type is without effect"
DIFFERENCES = (
    ("fr-core-patient*", "Patient.identifier:*.type", "binding", _PASSED_ON),
    ("fr-core-practitioner", "Practitioner.identifier:*.type", "binding", _PASSED_ON),
    ("fr-core-organization-etablissement", "Organization.identifier:*.type", "binding", _PASSED_ON),
    ("fr-core-observation-*", "Observation.component*.value?x?", "binding", _UNITS),
    ("fr-core-organization", "Organization*.telecom", "constraint", _TELECOM),
    ("fr-core-practitioner*", "Practitioner*.telecom", "constraint", _TELECOM),
    ("as-*", "*.telecom*", "constraint", _TELECOM),
    ("fr-core-patient-ins", "Patient.identifier.*", "extra", _UNFOLDED),
    ("as-organization", "Organization.identifier.*", "extra", _UNFOLDED),
    ("gap-fr-*", "*.meta.profile:fr-canonical", "patternCanonical", _NEWER_PARENT),
    ("gap-fr-schedule", "Schedule.actor", "type", _NEWER_PARENT),
    ("gap-bundle-*", "Bundle.*extension", "slicing", _OLD_BUILD),
    ("gap-bundle-*", "Bundle.*link", "constraint", _OLD_BUILD),
    ("IHE.MHD.*", "Bundle.entry:*.resource", "constraint", _TYPE_RULES),
    ("IHE.MHD.*DocumentReference", "DocumentReference", "constraint", _MHD_4_2_3),
    ("IHE.MHD.FindDocumentReferences*", "Bundle.entry:DocumentReference.fullUrl", "min", _MHD_4_2_3),
    ("ihe-*", "Extension.value?x?", "slicing", _ONE_TYPE),
    ("pdsm-submissionset-comprehensive", "List.*extension:*.value?x?", "slicing", _ONE_TYPE),
    ("pdsm-submissionset-comprehensive", "List.*extension:*.value?x?:value*", "extra", _ONE_TYPE),
)


@cache
def _rows(pack: str) -> tuple[tuple[str, str, str], ...]:
    """(resource type, canonical with version, id) of each definition of a pack."""
    rows = open_package(folder("conformance") / pack, official=False).rows
    return tuple((row.resource_type, f"{row.url}|{row.version}", row.id) for row in rows)


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.embedded()


PROFILES = [canonical for pack in PACKS for kind, canonical, _ in _rows(pack) if kind == "StructureDefinition"]


@pytest.mark.parametrize("pack", PACKS)
def test_pack_says_what_it_restates(pack: str) -> None:
    root = folder("conformance") / pack
    package = open_package(root, official=False)
    assert package.info.name == pack
    assert package.info.fhir_versions == ("4.0.1",)
    assert f'"restates": "{pack}#{package.info.version}"' in (root / "package.json").read_text()
    assert "restated" in (root / "README.md").read_text()


@pytest.mark.parametrize("pack", PACKS)
def test_index_is_that_of_the_files(pack: str, tmp_path: Path) -> None:
    copied = shutil.copytree(folder("conformance") / pack, tmp_path / pack)
    assert not write_index(copied)


def test_no_canonical_is_restated_twice() -> None:
    counted = Counter(canonical for pack in PACKS for _, canonical, _ in _rows(pack))
    assert [canonical for canonical, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("canonical", PROFILES)
def test_profile_has_a_snapshot(definitions: Definitions, canonical: str) -> None:
    structure = definitions.structure(canonical)
    assert structure is not None
    assert "snapshot" not in structure
    ids = [e["id"] for e in definitions.snapshot(canonical)]
    assert len(ids) == len(set(ids))


def _references(element: dict[str, Any]) -> Iterator[str]:
    for kind in element.get("type", ()):
        yield from kind.get("profile", ())
        yield from kind.get("targetProfile", ())
    if element.get("binding", {}).get("strength") in {"required", "extensible"}:
        yield element["binding"]["valueSet"]


@pytest.mark.parametrize("canonical", PROFILES)
def test_what_a_profile_refers_to_is_known(definitions: Definitions, canonical: str) -> None:
    structure = definitions.structure(canonical)
    assert structure is not None
    named = {ref for element in structure["differential"]["element"] for ref in _references(element)}
    named.add(structure["baseDefinition"])
    assert {ref for ref in named if definitions.find(ref) is None} - UNPUBLISHED == set()


def test_value_sets_draw_on_known_code_systems(definitions: Definitions) -> None:
    systems = {
        part["system"]
        for pack in PACKS
        for kind, canonical, _ in _rows(pack)
        if kind == "ValueSet"
        for part in (definitions.value_set(canonical) or {}).get("compose", {}).get("include", ())
        if "system" in part and "concept" not in part
    }
    assert len(systems) > 30
    assert {s for s in systems if definitions.code_system(s) is None} == set()


def test_the_newest_version_answers_where_none_is_asked(definitions: Definitions) -> None:
    url = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-organization"
    newest, older = definitions.structure(url), definitions.structure(f"{url}|2.1.0")
    assert newest is not None and older is not None
    assert (newest["version"], older["version"]) == ("2.2.0-ballot-2", "2.1.0")


@pytest.mark.parametrize(
    ("resource_type", "code"),
    [
        ("Appointment", "created"),
        ("Appointment", "priority"),
        ("Slot", "start"),
        ("DocumentReference", "creation"),
        ("DocumentReference", "isArchived"),
        ("List", "isArchived"),
        ("List", "authorOrg"),
        ("List", "sourceId"),
    ],
)
def test_search_parameters_are_found_by_code(definitions: Definitions, resource_type: str, code: str) -> None:
    parameter = definitions.search_parameters(resource_type)[code]
    assert resource_type in parameter["base"]
    assert parameter["expression"]


_NOS = "https://mos.esante.gouv.fr/NOS/"
_SPECIALTIES = _NOS + "TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
_TOWNS = _NOS + "TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
_VISIBILITY = _NOS + "TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument"
_FRCORE_LISTS = "https://hl7.fr/ig/fhir/core/ValueSet/fr-core-vs-"
_USES = "http://hl7.org/fhir/identifier-use"


@pytest.mark.parametrize(
    ("value_set", "system", "code", "verdict"),
    [
        (_FRCORE_LISTS + "practitioner-specialty", _SPECIALTIES, "SM54", Verdict.IN),
        (_FRCORE_LISTS + "practitioner-specialty", _SPECIALTIES, "SM999", Verdict.NOT_IN),
        (_FRCORE_LISTS + "patient-gender", "http://hl7.org/fhir/administrative-gender", "other", Verdict.NOT_IN),
        (_FRCORE_LISTS + "patient-identifier-use-pi", _USES, "usual", Verdict.IN),
        (_FRCORE_LISTS + "patient-identifier-use-pi", _USES, "official", Verdict.NOT_IN),
        (_FRCORE_LISTS + "insee-code", _TOWNS, "63113", Verdict.IN),
        (_FRCORE_LISTS + "insee-code", _TOWNS, "01001", Verdict.UNDECIDED),
        (_FRCORE_LISTS + "insee-code", "https://hopital.example/villes", "63113", Verdict.NOT_IN),
        (
            _NOS + "JDV_J08-XdsConfidentialityCode-CISIS/FHIR/JDV-J08-XdsConfidentialityCode-CISIS",
            _VISIBILITY,
            "MASQUE_PS",
            Verdict.IN,
        ),
        (
            _NOS + "JDV_J08-XdsConfidentialityCode-CISIS/FHIR/JDV-J08-XdsConfidentialityCode-CISIS",
            _VISIBILITY,
            "MASQUE_PT",
            Verdict.UNDECIDED,
        ),
        ("http://terminology.hl7.org/ValueSet/v3-Country", "urn:iso:std:iso:3166", "FRA", Verdict.IN),
        ("http://terminology.hl7.org/ValueSet/v3-Country", "urn:iso:std:iso:3166", "FR", Verdict.NOT_IN),
    ],
)
def test_value_sets_answer(definitions: Definitions, value_set: str, system: str, code: str, verdict: Verdict) -> None:
    assert Terminology(definitions).member(value_set, system, code).verdict is verdict


# -- against the published packages


def _canonical(value: str) -> str:
    return value.partition("|")[0]


def _facts(element: dict[str, Any]) -> Facts:
    """What an element demands, without version pins of references and without prose."""
    facts: Facts = {"min": element.get("min"), "max": element.get("max")}
    facts["type"] = sorted(
        (
            kind["code"].rpartition("/")[2],
            *sorted(map(_canonical, kind.get("profile", []))),
            *sorted(map(_canonical, kind.get("targetProfile", []))),
            *kind.get("aggregation", ()),
        )
        for kind in element.get("type", ())
    )
    facts["constraint"] = sorted({constraint["key"] for constraint in element.get("constraint", ())})
    facts.update({key: value for key, value in element.items() if key.startswith(("fixed", "pattern"))})
    if binding := element.get("binding"):
        facts["binding"] = (binding["strength"], _canonical(binding.get("valueSet", "")))
    if slicing := element.get("slicing"):
        paths = sorted((d["type"], d["path"]) for d in slicing.get("discriminator", ()))
        facts["slicing"] = (slicing["rules"], slicing.get("ordered", False), paths)
    return facts


def _compare(name: str, ours: dict[str, Facts], theirs: dict[str, Facts]) -> Iterator[Facet]:
    for element in ours.keys() | theirs.keys():
        if element not in theirs:
            yield name, element, "extra"
        elif element not in ours:
            yield name, element, "missing"
        else:
            one, other = ours[element], theirs[element]
            yield from (
                (name, element, facet) for facet in one.keys() | other.keys() if one.get(facet) != other.get(facet)
            )


def _explained(facet: Facet) -> int | None:
    for number, (profile, element, kind, _) in enumerate(DIFFERENCES):
        if facet[2] == kind and fnmatchcase(facet[0], profile) and fnmatchcase(facet[1], element):
            return number
    return None


def _published(archive: str) -> Iterator[dict[str, Any]]:
    for resource in open_package(OFFICIAL / archive).resources():
        if resource["resourceType"] == "StructureDefinition" and (
            archive != WITH_DEPENDENCIES
            or resource["url"].startswith(ONLY_AS_DEPENDENCY)
            or (resource["version"] == "2.1.0" and f"{resource['url']}|2.1.0" in PROFILES)
        ):
            yield resource


# That archive also holds an earlier build of PDSm 3.1.1, and the French core 2.1.0 of which six definitions are kept.
ONLY_AS_DEPENDENCY = ("https://profiles.ihe.net/ITI/MHD/", "https://interop.esante.gouv.fr/ig/fhir/annuaire/")
ARCHIVES = {
    "hl7.fhir.fr.core-2.2.0-ballot-2.tgz": 62,
    "ans.fhir.fr.pdsm-3.1.1.tgz": 9,
    "ans.fhir.fr.gap-3.0.0.tgz": 5,
    WITH_DEPENDENCIES: 50,
}


def test_snapshots_are_those_of_the_published_packages(definitions: Definitions) -> None:
    absent = [archive for archive in ARCHIVES if not (OFFICIAL / archive).is_file()]
    if absent:
        pytest.skip(f"the official packages {', '.join(absent)} are not at hand in {OFFICIAL}")
    unexplained: set[Facet] = set()
    used: set[int | None] = set()
    for archive, least in ARCHIVES.items():
        compared = 0
        for published in _published(archive):
            canonical = f"{published['url']}|{published['version']}"
            origin = definitions.origin(canonical)
            assert origin is not None and not origin.official, canonical
            compared += 1
            ours = {e["id"]: _facts(e) for e in definitions.snapshot(canonical)}
            theirs = {e["id"]: _facts(e) for e in published["snapshot"]["element"]}
            for facet in _compare(published["id"], ours, theirs):
                used.add(_explained(facet))
                if _explained(facet) is None:
                    unexplained.add(facet)
        assert compared >= least, archive
    assert unexplained == set()
    assert {DIFFERENCES[n] for n in range(len(DIFFERENCES)) if n not in used} == set()


@pytest.mark.parametrize("archive", ARCHIVES)
def test_code_lists_are_those_of_the_published_packages(definitions: Definitions, archive: str) -> None:
    if not (OFFICIAL / archive).is_file():
        pytest.skip(f"the official package {archive} is not at hand in {OFFICIAL}")
    ours = {canonical for pack in PACKS for _, canonical, _ in _rows(pack)}
    for published in open_package(OFFICIAL / archive).resources():
        canonical = f"{published.get('url')}|{published.get('version')}"
        if published["resourceType"] not in {"CodeSystem", "ValueSet"} or canonical not in ours:
            continue
        restated = definitions.find(canonical)
        assert restated is not None
        if published["resourceType"] == "ValueSet":
            assert _codes(restated) == _codes(published), canonical
        elif restated["content"] == "complete":
            assert _concepts(restated.get("concept", ())) == _concepts(published.get("concept", ())), canonical


def _concepts(concepts: Any) -> set[tuple[str, str | None]]:
    found = {(c["code"], c.get("display")) for c in concepts}
    return found.union(*(_concepts(c["concept"]) for c in concepts if "concept" in c))


def _codes(value_set: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (kind, part.get("system", ""), code)
        for kind in ("include", "exclude")
        for part in value_set["compose"].get(kind, ())
        for code in [c["code"] for c in part.get("concept", ())] or [str(part.get("filter", ""))]
    }
