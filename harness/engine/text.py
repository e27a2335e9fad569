"""Text that a candidate sent, made fit to be shown: short, on one line, and inert in a terminal."""

from typing import Any, overload

from harness.engine.wire import dumps
from harness.reason import Reason

EXCERPT = 160
"""Characters of an answer that a message may quote."""
_EMPTY = Reason("(empty)", "(vide)")


@overload
def inert(text: Reason, limit: int = EXCERPT) -> Reason: ...
@overload
def inert(text: str, limit: int = EXCERPT) -> str: ...
def inert(text: str, limit: int = EXCERPT) -> str:
    """Return ``text`` on one line, without control or other unprintable characters, cut after ``limit`` characters.

    A Reason keeps its French, made fit in the same way.
    """
    if isinstance(text, Reason):
        return Reason(inert(str(text), limit), inert(text.fr, limit))
    cut = " ".join(text[: 4 * limit].split())
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)
    return shown if len(shown) <= limit and len(text) <= 4 * limit else shown[:limit].rstrip() + "…"


def shown(value: Any, limit: int = EXCERPT) -> str:
    """Return a JSON value as it would be written, for a message."""
    try:
        return inert(dumps(value), limit)
    except (TypeError, RecursionError):
        return inert(type(value).__name__, limit)


def excerpt(body: bytes, limit: int = EXCERPT) -> str:
    """Return the beginning of a body for a message; ``(empty)`` when there is none."""
    return inert(body[: 16 * limit].decode("utf-8", "replace"), limit) if body else _EMPTY
