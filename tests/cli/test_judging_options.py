"""What ``validate`` makes of unknown extensions, unknown codes and must-support; terminology servers for ``run``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.data import folder

WEIGHT = folder("fixtures") / "observation" / "bodyweight.json"
Command = Callable[..., Any]
EXTENSION = {"url": "https://vendor.invalid/StructureDefinition/colour", "valueString": "blue"}
CODED = {"coding": [{"system": "https://vendor.invalid/CodeSystem/colours", "code": "blue"}]}


def _written(tmp_path: Path, **more: Any) -> Path:
    path = tmp_path / "resource.json"
    narrative = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A</div>'}
    path.write_bytes(orjson.dumps({"resourceType": "Patient", "text": narrative, **more}))
    return path


@pytest.mark.parametrize(("setting", "code"), [("error", 1), ("information", 3), ("allowed", 0)])
def test_unknown_extensions(command: Command, tmp_path: Path, setting: str, code: int) -> None:
    path = _written(tmp_path, extension=[EXTENSION])
    assert command("validate", path, "--unknown-extensions", setting).exit == code


@pytest.mark.parametrize(("setting", "code"), [("information", 3), ("allowed", 0)])
def test_unknown_codes(command: Command, tmp_path: Path, setting: str, code: int) -> None:
    path = _written(tmp_path, resourceType="Observation", status="final", code=CODED)
    answer = command("validate", path, "--unknown-codes", setting)
    assert answer.exit == code
    assert "colours#blue" in answer.out


def test_must_support(command: Command) -> None:
    assert "must-support" not in command("validate", WEIGHT).out
    answer = command("validate", WEIGHT, "--must-support")
    assert (answer.exit, "must-support" in answer.out) == (0, True)


def test_a_setting_that_there_is_not(command: Command) -> None:
    answer = command("validate", WEIGHT, "--unknown-extensions", "maybe")
    assert (answer.exit, answer.out) == (2, "")
    assert "maybe" in answer.err


def test_run_wants_the_lock_that_it_is_to_judge_by(command: Command, mini: Path, tmp_path: Path) -> None:
    lock = tmp_path / "none.json"
    answer = command(
        "run", "--root", mini, "--base-url", "http://127.0.0.1:9", "--out", tmp_path / "out", "--tx-lock", lock
    )
    assert (answer.exit, "no such terminology lock" in answer.err) == (2, True)
