"""Where the files that come with the harness lie: ``testsets/``, ``fixtures/``, ``conformance/``.

In a checkout they stand beside the ``harness`` folder; in an installed wheel they are carried inside it.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_data"


def folder(name: str) -> Path:
    """Return the folder ``name`` ("testsets", "fixtures" or "conformance") that came with this installation."""
    return (_INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent) / name


def fixtures_for(testsets: Path) -> Path:
    """Return the folder of fixtures for a folder of test sets: ``fixtures`` beside it, else the one that came along."""
    beside = testsets.resolve().parent / "fixtures"
    return beside if beside.is_dir() else folder("fixtures")
