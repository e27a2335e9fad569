"""Words that were meant, perhaps: told as long as somebody may read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.validation.scope import Scope

MOST = 1000
"""Issues. Where there are so many, nobody reads what each of them hints at, and looking for it takes minutes."""

FEW = 12
"""Names that are told rather than guessed among."""


def nearest_word(word: str, known: Callable[[], Iterable[str]], scope: Scope) -> str | None:
    """Return the known word that looks most like ``word``; None when none does, or too much is wrong already."""
    return scope.session.judge.nearest(word, known()) if hint_wanted(scope) else None


def element_meant(key: str, nearest: str | None, known: Callable[[], Iterable[str]], scope: Scope) -> tuple[str, str]:
    """Return what may be meant by an element ``key`` that there is not, in English and French.

    A choice that lacks its type is told so; where nothing is near, the few that there are.
    """
    if not hint_wanted(scope):
        return "", ""
    names = list(known())
    typed = [name for name in names if name.startswith(key) and name[len(key) : len(key) + 1].isupper()]
    if len(typed) > 1:
        return f": it is named with its type, as {typed[0]}", f" : son nom comprend son type, comme {typed[0]}"
    if nearest is not None:
        return f": {nearest}?", f" : {nearest} ?"
    listed = ", ".join(names) if len(names) <= FEW else ""
    return (f", but {listed} are", f", mais {listed} le sont") if listed else ("", "")


def hint_wanted(scope: Scope) -> bool:
    """Tell whether an issue should come with a hint."""
    return len(scope.session.issues) < MOST
