"""``fhir-harness generate``."""

import json
from pathlib import Path

import pytest

from harness.cli import main
from harness.fhir.definitions import Definitions
from harness.validation import Validator
from harness.validation.generation import strategies

PROFILE = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient"


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["generate", "--profile", PROFILE, *arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_lines_are_valid_and_follow_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "-n", "6", "--seed", "4")
    assert code == 0
    assert "6 of 6 instances, seed 4" in err
    validator = Validator(Definitions.embedded())
    made = [json.loads(line) for line in out.splitlines()]
    assert len(made) == 6
    assert all(validator.validate(one, [PROFILE]).ok for one in made)
    assert call(capsys, "-n", "6", "--seed", "4")[1] == out


def test_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = call(capsys, "-n", "3", "--seed", "1", "--format", "files", "--out", str(tmp_path / "made"))
    assert (code, out) == (0, "")
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert names == ["patient-1.json", "patient-2.json", "patient-3.json"]
    assert json.loads((tmp_path / "made" / names[0]).read_text(encoding="utf-8"))["resourceType"] == "Patient"


def test_files_need_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "--format", "files")
    assert code == 2
    assert "--out" in err


def test_without_hypothesis(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategies, "hypothesis", None)
    code, _, err = call(capsys)
    assert code == 2
    assert "fhir-harness[generate]" in err
