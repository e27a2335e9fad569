"""What the README tells a new user to do, done literally."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.engine import Candidate
from tests.cli.conftest import Answer

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def _block(begins: str) -> str:
    found = re.search(rf"```yaml\n({re.escape(begins)}.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "hello.yaml").write_text(_block("# yaml-language-server"), encoding="utf-8")
    return tmp_path / "mine"


def test_the_walk_through_works(command: Callable[..., Answer], mine: Path, tmp_path: Path, sandbox: str) -> None:
    assert command("testsets", "lint", "--root", mine).out == "0 problems\n"
    answer = command("run", "--root", mine, "--base-url", sandbox, "--out", tmp_path / "run")
    assert answer.exit == 0
    assert "PASS  2 tests; 2 of 2 requirements met" in answer.out


def test_its_mistake_is_shown_as_it_says(
    command: Callable[..., Answer], mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = mine / "hello.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("read: Patient", "raed: Patient"), encoding="utf-8")
    said = re.search(r"`((?:mine/)?hello\.yaml:[^`]+)`", README)
    assert said is not None
    monkeypatch.chdir(mine.parent)
    assert said[1] in command("testsets", "lint", "--root", "mine").err


def test_the_candidate_file_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCESS_TOKEN", "a-token-for-the-test")
    (tmp_path / "candidate.yaml").write_text(_block("# candidate.yaml"), encoding="utf-8")
    candidate = Candidate.from_file(tmp_path / "candidate.yaml")
    assert candidate.software["reference"] == "CONV-0000"
    assert "a-token-for-the-test" not in str(candidate.redacted())


def test_every_command_that_it_names_exists(command: Callable[..., Answer]) -> None:
    named = set(re.findall(r"fhir-harness ([a-z]+)", README))
    listed = command("--help").out
    assert [name for name in named if not re.search(rf"\b{name}\b", listed)] == []
