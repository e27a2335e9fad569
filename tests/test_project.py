"""What the project promises about itself."""

from pathlib import Path

import harness

ROOT = Path(__file__).resolve().parent.parent


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = "python3 -m venv .venv && .venv/bin/pip install -q tox && .venv/bin/tox run -e tests"
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_top_level_holds_nothing_else() -> None:
    expected = {"harness", "testsets", "fixtures", "conformance", "tests"}
    expected |= {"pyproject.toml", "tox.ini", "README.md", "LICENSE", "CHANGELOG.md"}
    made = {"runs", "keys", "build", "dist"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".") and path.suffix != ".egg-info"}
    assert found - made == expected


def test_every_public_name_is_there() -> None:
    assert [name for name in harness.__all__ if not hasattr(harness, name)] == []
