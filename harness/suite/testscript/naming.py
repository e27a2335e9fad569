"""Names and ids of a script as those of a test set."""

import re

from harness.suite.expressions import ROOTS

_LONGEST = 60


class Names:
    """Gives each name of a script one of a test set: its own where that will do, and never one twice.

    Capitals are not enough to tell two names apart: fixtures become files.
    """

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, text: str, proposal: str | None = None) -> str:
        """Return the name for ``text``, the same each time; the first time made of ``proposal``, or else of itself."""
        if text not in self._given:
            plain = re.sub(r"[^A-Za-z0-9_-]+", "-", proposal or text)[:_LONGEST]
            if not re.match("[A-Za-z]", plain) or plain in ROOTS:
                plain = f"x-{plain.strip('-')}"
            self._given[text] = unique(plain, self._taken)
        return self._given[text]


def slug(text: str) -> str:
    """Return ``text`` as an id: lower-case words joined by hyphens, of at most 70 characters."""
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    return re.sub(r"[^a-z0-9]+", "-", spread.lower()).strip("-")[:70].strip("-") or "script"


def unique(name: str, taken: set[str]) -> str:
    """Return ``name``, or with a number behind it the first that is not ``taken``, and take it."""
    found, number = name, 1
    while found.lower() in taken:
        number += 1
        found = f"{name}-{number}"
    taken.add(found.lower())
    return found
