"""Finding codes: what each says in a report, and what it means to who has to mend it, in English and French."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

Language = Literal["en", "fr"]


@dataclass(frozen=True)
class Code:
    """One kind of finding, by language: the message, with places for what was found, and what to do about it."""

    message: Mapping[str, str]
    meaning: Mapping[str, str]


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def lookup(code: str) -> Code | None:
    """Return what is known of ``code``, or of the family it belongs to (``conforms.min-cardinality``: ``conforms``)."""
    while code:
        if code in CODES:
            return CODES[code]
        code = code.rpartition(".")[0]
    return None


def message(code: str, language: Language, values: Mapping[str, str]) -> str:
    """Return the message of ``code`` with ``values`` in their places; the code itself when it is not known."""
    known = lookup(code)
    return known.message[language].format_map(_Blank(values)) if known else code


def meaning(code: str, language: Language) -> str | None:
    """Return what ``code`` means and how to mend it, or None when it is not known."""
    known = lookup(code)
    return known.meaning[language] if known else None


def _read() -> Mapping[str, Code]:
    table = json.loads(Path(__file__).with_name("codes.json").read_text(encoding="utf-8"))
    return MappingProxyType(
        {code: Code({"en": texts["en"], "fr": texts["fr"]}, texts["meaning"]) for code, texts in table.items()}
    )


CODES = _read()
"""Every finding code. Those of a family (``network.timeout``, ``conforms.min-cardinality``) share its texts."""
