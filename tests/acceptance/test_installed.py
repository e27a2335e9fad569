"""The catalogue here is told by its files' bytes, without reading their YAML."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.acceptance.installed import Installed, Standing, altered, remarks
from harness.data import folder
from harness.engine.events import TestSetSource
from harness.suite.catalogue import Catalogue
from harness.suite.model import TestSet
from tests.acceptance.recording import SET, catalogue


def _source(found: TestSet) -> TestSetSource:
    return TestSetSource(
        found.id, found.version, found.digest, found.path, {}, (), fixtures=dict(found.fixture_digests)
    )


def test_every_set_of_the_catalogue_is_its_own() -> None:
    loaded = Catalogue.load(folder("testsets"), folder("fixtures")).test_sets
    installed = Installed.here()
    assert {found.id: installed.standing(_source(found)) for found in loaded} == {
        found.id: Standing.SAME for found in loaded
    }
    assert remarks([_source(found) for found in loaded], installed) == ()


@pytest.mark.parametrize(
    ("change", "standing", "remark"),
    [
        ({}, Standing.SAME, ()),
        ({"digest": "0" * 64}, Standing.ALTERED, ("altered: not the records 1.0.0 of this catalogue",)),
        ({"fixtures": {"a.json": "0"}}, Standing.ALTERED, ("altered: not the records 1.0.0 of this catalogue",)),
        ({"version": "2.0.0"}, Standing.OTHER_VERSION, ("records 2.0.0: this catalogue has another version",)),
        ({"id": "own"}, Standing.UNKNOWN, ("own 1.0.0: not in this catalogue",)),
    ],
)
def test_another_set_is_told(
    change: dict[str, object], standing: Standing, remark: tuple[str, ...], tmp_path: Path
) -> None:
    (found,) = catalogue(tmp_path, SET).test_sets
    source = replace(_source(found), **change)  # type: ignore[arg-type]
    installed = Installed(tmp_path, tmp_path)
    assert installed.standing(source) is standing
    assert remarks([source], installed) == remark
    assert altered([source], installed) == (("records 1.0.0",) if standing is Standing.ALTERED else ())


def test_without_a_catalogue_no_set_is_known(tmp_path: Path) -> None:
    source = TestSetSource("records", "1.0.0", "0" * 64, "records.yaml", {}, ())
    assert Installed(tmp_path / "none", tmp_path).standing(source) is Standing.UNKNOWN
