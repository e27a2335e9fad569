"""Words that were meant, perhaps: told as long as somebody may read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.validation.scope import Scope

MOST = 1000
"""Issues. Where there are so many, nobody reads what each of them hints at, and looking for it takes minutes."""


def near(word: str, known: Callable[[], Iterable[str]], scope: Scope) -> str | None:
    """Return the known word that looks most like ``word``; None when none does, or too much is wrong already."""
    return scope.session.judge.nearest(word, known()) if wanted(scope) else None


def wanted(scope: Scope) -> bool:
    """Tell whether an issue should come with a hint."""
    return len(scope.session.issues) < MOST
