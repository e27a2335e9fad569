"""Resources beside a script are found by name, or by type and id; nothing outside of the folder is ever opened."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import TestSetError
from harness.suite.testscript import CannotBeSaid, Folder


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError as problem:
        raise TestSetError(f"{path}: not JSON") from problem
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with Patients a, b and c and other things; a Patient and a link to it beside the folder."""
    here = tmp_path / "scripts"
    (here / "Patient").mkdir(parents=True)
    for name, resource in {
        "Patient/a.json": {"resourceType": "Patient", "id": "a"},
        "patient-b.json": {"resourceType": "Patient", "id": "b"},
        "patient-c.json": {"resourceType": "Patient", "id": "other"},
        "patients-of-ours.json": {"resourceType": "Patient", "id": "c"},
        "z.json": {"resourceType": "Observation", "id": "c", "subject": {"reference": "Patient/c"}},
        "no-resource.json": {"id": "c"},
        "../outside.json": {"resourceType": "Patient", "id": "outside"},
    }.items():
        (here / name).write_text(json.dumps(resource), encoding="utf-8")
    (here / "broken.json").write_text('{"Patient": "c"', encoding="utf-8")
    (here / "link.json").symlink_to(tmp_path / "outside.json")
    (here / "circle.json").symlink_to(here / "circle.json")
    return Folder(here, _read)


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("Patient/a", "a"),
        ("Patient/a.json", "a"),
        ("Patient/b", "b"),
        ("patient-b", "b"),
        ("Patient/c", "c"),
        ("Observation/c", "c"),
    ],
)
def test_a_resource_is_found_by_name_or_by_type_and_id(folder: Folder, reference: str, found: str) -> None:
    resource = folder.find(reference)
    assert resource["id"] == found
    if reference[0].isupper():
        assert resource["resourceType"] == reference.partition("/")[0]


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("../outside.json", "leads out of the folder"),
        ("Patient/../../outside", "leads out of the folder"),
        ("link", "leads out of the folder"),
        ("/etc/hostname", "stands elsewhere, and nothing is fetched"),
        ("\\\\server\\share", "stands elsewhere"),
        ("file:///etc/hostname", "stands elsewhere"),
        ("http://fhir.example/Patient/a", "stands elsewhere"),
        ("C:\\patient.json", "stands elsewhere"),
        ("circle", "no such file"),
        ("x" * 5000, "no such file"),
        ("x\x00y", "no such file"),
        (".", "no such file"),
        ("Patient/nowhere", "save it there as patient-nowhere.json"),
        ("Patient/outside", "save it there as patient-outside.json"),
        ("broken", "broken.json cannot be read"),
        ("no-resource", "holds no resource"),
    ],
)
def test_what_is_not_there_is_told_with_what_to_do(folder: Folder, reference: str, why: str) -> None:
    with pytest.raises(CannotBeSaid, match=why):
        folder.find(reference)


def test_a_large_folder_is_not_searched_to_its_end(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.suite.testscript.folder._FILES", 2)
    with pytest.raises(CannotBeSaid, match="which is large; save it as observation-c"):
        folder.find("Observation/c")
    monkeypatch.setattr("harness.suite.testscript.folder._BYTES", 0)
    with pytest.raises(CannotBeSaid, match="which is large"):
        folder.find("Patient/nowhere")


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotBeSaid, match="cannot be listed"):
        Folder(tmp_path / "no", _read).find("Patient/a")
