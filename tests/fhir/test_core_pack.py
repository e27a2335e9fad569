"""The R4 core pack: nothing that judging needs is missing, and the generator makes it."""

import io
import os
import re
import tarfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data import folder
from harness.errors import PackageError
from harness.fhir import core_pack
from harness.fhir.compact import restore, squeeze
from harness.fhir.definitions import Definitions
from harness.fhir.packages import open_package

PACK = folder("conformance") / core_pack.NAME
SOURCE_VARIABLE = "FHIR_R4_CORE_SOURCE"
# Value sets of required bindings that the official package names and does not carry.
NOT_CARRIED = {"http://loinc.org/vs/LL379-9"}


def words(names: str) -> set[str]:
    return set(names.split())


PRIMITIVES = words(
    "base64Binary boolean canonical code date dateTime decimal id instant integer markdown oid positiveInt string time "
    "unsignedInt uri url uuid xhtml"
)
COMPLEX = words(
    "Address Age Annotation Attachment CodeableConcept Coding ContactDetail ContactPoint Contributor Count "
    "DataRequirement Distance Dosage Duration ElementDefinition Expression Extension HumanName Identifier "
    "MarketingStatus Meta Money Narrative ParameterDefinition Period Population ProdCharacteristic ProductShelfLife "
    "Quantity Range Ratio Reference RelatedArtifact SampledData Signature SubstanceAmount Timing TriggerDefinition "
    "UsageContext"
)


@pytest.fixture
def definitions() -> Definitions:
    return Definitions.embedded()


@pytest.fixture(scope="module")
def structures() -> list[dict[str, Any]]:
    package = open_package(PACK, official=False)
    return [package.read(row) for row in package.rows if row.resource_type == "StructureDefinition"]


def test_all_resources_and_types_are_there(definitions: Definitions) -> None:
    types = {code["code"] for code in definitions.code_system("http://hl7.org/fhir/resource-types")["concept"]}
    assert len(types) == 148
    assert types == definitions.resource_types | {"Resource", "DomainResource"}
    assert definitions.primitive_types == PRIMITIVES
    assert definitions.complex_types == COMPLEX
    for name in types | PRIMITIVES | COMPLEX | {"Element", "BackboneElement"}:
        assert definitions.snapshot(f"http://hl7.org/fhir/StructureDefinition/{name}")[0]["path"] == name


def test_every_invariant_has_its_expression(structures: list[dict[str, Any]]) -> None:
    found: dict[str, str] = {}
    for structure in structures:
        for element in structure.get("snapshot", {}).get("element", ()):
            for constraint in element.get("constraint", ()):
                assert constraint["severity"] in ("error", "warning"), constraint
                assert constraint["human"], constraint
                found[constraint["key"]] = constraint.get("expression", "")
    assert len(found) > 230
    assert found["ele-1"] == "hasValue() or (children().count() > id.count())"
    assert found["obs-7"].startswith("value.empty() or component.code.where(")
    assert all(found.values())


def test_required_bindings_have_their_value_set(structures: list[dict[str, Any]], definitions: Definitions) -> None:
    required = {
        element["binding"]["valueSet"]
        for structure in structures
        for element in structure.get("snapshot", {}).get("element", ())
        if element.get("binding", {}).get("strength") == "required" and "valueSet" in element["binding"]
    }
    assert len(required) > 200
    missing = {url.partition("|")[0] for url in required if definitions.value_set(url) is None}
    assert missing == NOT_CARRIED
    # The official core pins v3 value sets to its own version, and publishes them under theirs.
    assert {url for url, _ in definitions.version_mismatches} <= {
        "http://terminology.hl7.org/ValueSet/v3-NullFlavor|4.0.1",
        "http://terminology.hl7.org/ValueSet/v3-EntityNameUseR2|4.0.1",
    }


def test_short_form_is_undone_for_reading(definitions: Definitions) -> None:
    status = next(
        e for e in definitions.snapshot("http://hl7.org/fhir/StructureDefinition/Slot") if e["id"] == "Slot.status"
    )
    assert status["base"] == {"path": "Slot.status", "min": 1, "max": "1"}
    assert [c["key"] for c in status["constraint"]] == ["ele-1"]
    assert status["binding"]["strength"] == "required"


def test_prose_is_left_out() -> None:
    content = (PACK / "structures.jsonl").read_text(encoding="utf-8")
    for key in ("definition", "comment", "requirements", "mapping", "div"):
        assert f'"{key}":' not in content


def test_pack_is_small() -> None:
    assert sum(file.stat().st_size for file in PACK.iterdir()) < 8_000_000


def test_generator_reproduces_the_pack(tmp_path: Path) -> None:
    source = os.environ.get(SOURCE_VARIABLE, "")
    if not Path(source).is_file():
        pytest.skip(f"set {SOURCE_VARIABLE} to the wheel of {core_pack.SOURCE} to compare")
    core_pack.generate(Path(source), tmp_path)
    for file in sorted(PACK.iterdir()):
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


ELEMENTS = st.fixed_dictionaries(
    {
        "path": st.from_regex(r"[A-Z][a-z]{1,5}(\.[a-z]{1,5}){0,2}", fullmatch=True),
        "min": st.integers(0, 1),
        "max": st.just("1"),
    }
).flatmap(
    lambda e: st.builds(
        lambda identity, base, keys: {
            "id": identity, **e, "base": base, "constraint": [{"key": k, "human": "h" * len(k)} for k in keys],
        },
        st.sampled_from([e["path"], e["path"] + ":slice"]),
        st.sampled_from([dict(e), {"path": "Other.path", "min": 0, "max": "*"}]),
        st.lists(st.sampled_from(["ele-1", "ext-1", "x-1"]), unique=True),
    )
)  # fmt: skip


@given(element=ELEMENTS)
def test_squeezing_loses_nothing(element: dict[str, Any]) -> None:
    shared = {"ele-1": {"key": "ele-1", "human": "hhhhh"}, "ext-1": {"key": "ext-1", "human": "another wording"}}
    small = {"snapshot": {"element": [squeeze(element, shared)]}}
    assert restore(small, shared)["snapshot"]["element"] == [element]


def synthetic_source(path: Path, version: str = core_pack.VERSION) -> Path:
    """Write a tiny package that calls itself the R4 core."""
    files = {
        "package.json": {"name": core_pack.NAME, "version": version},
        "StructureDefinition-Thing.json": {
            "resourceType": "StructureDefinition", "url": "http://x/Thing", "type": "Thing", "kind": "resource",
            "text": {"div": "prose"}, "description": "prose",
            "snapshot": {"element": [
                {"id": "Thing", "path": "Thing", "definition": "prose", "min": 0, "max": "*", "isModifier": False},
                {"id": "Thing.a", "path": "Thing.a", "min": 1, "max": "1", "patternIdentifier": {"definition": "kept"}},
            ]},
        },
        "CodeSystem-c.json": {
            "resourceType": "CodeSystem", "url": "http://x/c", "content": "complete",
            "concept": [{"code": "b", "definition": "prose", "property": [{"code": "internal", "valueString": "x"}]}],
        },
        "Patient-p.json": {"resourceType": "Patient"},
    }  # fmt: skip
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            data = orjson.dumps(content)
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_generator_keeps_facts_and_is_deterministic(tmp_path: Path) -> None:
    source = synthetic_source(tmp_path / "core.tgz")
    counts = core_pack.generate(source, tmp_path / "one")
    core_pack.generate(source, tmp_path / "two")
    assert counts["StructureDefinition"] == counts["CodeSystem"] == 1
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
        assert (
            not re.search(rb"prose|internal", file.read_bytes().replace(b"without its prose", b""))
            or file.suffix == ".md"
        )
    package = open_package(tmp_path / "one")
    thing = next(r for r in package.resources() if r.get("type") == "Thing")
    assert thing["snapshot"]["element"][1]["patternIdentifier"] == {"definition": "kept"}


def test_another_version_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = synthetic_source(tmp_path / "core.tgz", version="5.0.0")
    with pytest.raises(PackageError, match=r"is hl7\.fhir\.r4\.core 5\.0\.0, not"):
        core_pack.generate(source, tmp_path / "out")
    assert core_pack.main([str(source), str(tmp_path / "out")]) == 2
    assert "not hl7.fhir.r4.core 4.0.1" in capsys.readouterr().err
    assert core_pack.main([]) == 2
