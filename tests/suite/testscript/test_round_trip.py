"""Scripts that come in, go out and come in again say the same: what each language has no word for is lost once."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.suite.loader import load_testset
from harness.suite.testscript import Imported, export_testset, import_testscript
from tests.suite.testscript.examples import EVERYTHING, PATIENT

SCRIPTS = Path(__file__).parent / "scripts"


def _again(found: Imported, folder: Path) -> Imported:
    """What a test set comes to that is written, loaded, exported and imported."""
    folder.mkdir()
    name = found.test_set["testset"]
    for key, resource in found.fixtures.items():
        path = folder / "fixtures" / name / f"{key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(resource, default=str), encoding="utf-8")
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(copy.deepcopy(found.test_set), sort_keys=False), encoding="utf-8")
    exported = export_testset(load_testset(file, root=folder, fixtures=folder / "fixtures"))
    return import_testscript(exported.script, exported.fixtures.get)


def _script(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCRIPTS / f"{name}.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("script", [_script("read"), _script("chain"), EVERYTHING], ids=["read", "chain", "everything"])
def test_the_second_time_nothing_changes(tmp_path: Path, script: dict[str, Any]) -> None:
    given = {"given": "Ana"} if script is EVERYTHING else {}
    second = _again(import_testscript(script, lambda _: dict(PATIENT), given), tmp_path / "one")
    third = _again(second, tmp_path / "two")
    assert third.test_set == second.test_set
    assert third.fixtures == second.fixtures


def test_tests_steps_and_expectations_stay(tmp_path: Path) -> None:
    first = import_testscript(EVERYTHING, lambda _: dict(PATIENT), {"given": "Ana"})
    second = _again(first, tmp_path / "one")
    kinds = [
        [
            (next(iter(step)), [sorted(set(block) - {"level", "of"}) for block in step.get("expect", ())])
            for test in found.test_set["tests"]
            for step in test["steps"]
            if "request" not in step
        ]
        for found in (first, second)
    ]
    spread = [[(step, [kind for kinds in expected for kind in kinds]) for step, expected in one] for one in kinds]
    assert [step for step, _ in spread[0]] == [step for step, _ in spread[1]]
    for (_, before), (_, after) in zip(*spread, strict=True):
        assert set(after) == set(before)
