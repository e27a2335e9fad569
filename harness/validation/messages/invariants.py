"""What the invariants of R4 and of the restated profiles ask, in French.

``invariants.fr.json`` holds our words by the key of the constraint and a digest of its English: the same key stands
for other rules in other specifications, which are then told in the words of their author. It is read when the first
text is wanted.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files


def name_of(key: str, human: str) -> str:
    """The name of the constraint ``key`` in the catalogue; ``human`` is its text there, whatever its white space."""
    digest = hashlib.sha256(" ".join(human.split()).encode()).hexdigest()
    return f"{key} {digest[:8]}"


@cache
def catalogue() -> dict[str, str]:
    """Every name that is known, with its text in French."""
    texts: dict[str, str] = json.loads(files(__package__).joinpath("invariants.fr.json").read_text(encoding="utf-8"))
    return texts


def french(key: str, human: str) -> str | None:
    """What the constraint ``key``, whose text is ``human``, asks; None for one that is not R4's or a restated one's."""
    return catalogue().get(name_of(key, human))
