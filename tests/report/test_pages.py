"""Compiled templates are kept beside their sources, and only used for the source that they were made of."""

from pathlib import Path

import pytest

from harness.report import pages


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of templates that a test may write to."""
    package = tmp_path / f"pages_of_{tmp_path.name}"  # no two tests import the same
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "templates" / "greeting.html.j2").write_text("Hello {{ name }}", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    return package


def _fresh(package: Path, name: str) -> str:
    """Render as a new process would: with an environment of its own."""
    return pages.environment(package.name).get_template("greeting.html.j2").render(name=name)


def _kept(package: Path) -> list[Path]:
    return list(package.glob("templates/__pycache__/*"))


def test_a_template_is_kept_and_used_again(here: Path) -> None:
    assert _fresh(here, "A&B") == "Hello A&amp;B"
    (kept,) = _kept(here)
    before = kept.stat().st_mtime_ns
    assert _fresh(here, "C") == "Hello C"
    assert kept.stat().st_mtime_ns == before


def test_another_source_is_compiled_anew(here: Path) -> None:
    _fresh(here, "A")
    (here / "templates" / "greeting.html.j2").write_text("Bye {{ name }}", encoding="utf-8")
    assert _fresh(here, "A") == "Bye A"


@pytest.mark.parametrize("data", [b"", b"j2", b"\0" * 200])
def test_a_damaged_file_is_replaced(here: Path, data: bytes) -> None:
    _fresh(here, "A")
    (kept,) = _kept(here)
    whole = kept.read_bytes()
    kept.write_bytes(data)
    assert _fresh(here, "A") == "Hello A"
    assert kept.read_bytes() == whole


def test_where_nothing_can_be_kept_pages_come_all_the_same(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "templates" / "__pycache__").write_text("in the way", encoding="utf-8")
    assert _fresh(here, "A") == "Hello A"
    (here / "templates" / "__pycache__").unlink()
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert _fresh(here, "B") == "Hello B"
    assert not _kept(here)
