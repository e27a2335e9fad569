"""Text of others, made safe to look at: nothing that hides, reorders or moves what stands around it."""

from __future__ import annotations

import unicodedata

from markupsafe import Markup


def plain(value: object) -> object:
    """``value``; in a text, characters that cannot be seen become their code points (``‹U+202E›``)."""
    if not isinstance(value, str) or isinstance(value, Markup) or (value.isascii() and value.isprintable()):
        return value
    return "".join(one if _harmless(one) else f"‹U+{ord(one):04X}›" for one in value)


def _harmless(character: str) -> bool:
    return character in "\n\t\r" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
