"""Addresses of one service in the place of those of another, in whatever way a text spells them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

_END = rb"(?![\w~@-]|(?:[.:]|%3[Aa])\w)"
"""No base ends where its host, its port or the last segment of its path goes on (RFC 3986, section 3)."""
_SLASH = re.compile(rb"\\/|%2[Ff]|/")
_UNRESERVED = re.compile(r"[\w.~-]", re.ASCII)
_TEXT = re.compile(rb"json|xml|^text/|x-www-form-urlencoded", re.IGNORECASE)


class Moved:
    """Puts the bases that ``bases`` maps to in the place of those that it maps from, the longest that fits first.

    An address keeps the spelling of the one that it replaces: as it is, with slashes escaped as JSON allows (``\\/``,
    RFC 8259, section 7), or percent-encoded as in a query (RFC 3986, section 2.1).
    """

    def __init__(self, bases: Mapping[str, str]) -> None:
        self._to = [bases[base] for base in sorted(bases, key=len, reverse=True)]
        groups = (f"({_spellings(base)})" for base in sorted(bases, key=len, reverse=True))
        self._pattern = re.compile(b"(?:" + "|".join(groups).encode() + b")" + _END)

    def __call__(self, text: bytes) -> bytes:
        """Return ``text`` with the addresses changed."""
        return self._pattern.sub(lambda found: _spelt(self._to[(found.lastindex or 1) - 1], found[0]), text)


def is_text(media_type: bytes) -> bool:
    """Tell whether addresses in content of this type may be changed: the octets of a document are nobody's to change.

    Content that does not say what it is counts as text.
    """
    return not media_type or _TEXT.search(media_type) is not None


def _spellings(base: str) -> str:
    """Return the regular expression of every spelling of ``base``."""
    return "".join(re.escape(one) if _UNRESERVED.match(one) else _reserved(one) for one in base)


def _reserved(character: str) -> str:
    encoded = "".join(f"%{octet:02X}" for octet in character.encode())
    either = re.sub("[A-F]", lambda found: f"[{found[0]}{found[0].lower()}]", encoded)
    escape = r"\\?" if character == "/" else ""
    return f"(?:{escape}{re.escape(character)}|{either})"


def _spelt(address: str, alike: bytes) -> bytes:
    """Return ``address`` spelt as ``alike`` is."""
    found = _SLASH.search(alike)
    slash = found[0] if found else b"/"
    if not slash.startswith(b"%"):
        return address.encode().replace(b"/", slash)
    encoded = quote(address, safe=":" if b":" in alike else "").encode()
    return encoded if slash == b"%2F" else re.sub(rb"%..", lambda octet: octet[0].lower(), encoded)
