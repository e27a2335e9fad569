"""A diagnosis: one thing on the way to a candidate, how it stands, and what to do about it, in English and French."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.engine.codes import Language
from harness.engine.text import inert
from harness.reason import french, told

_LONGEST = 600
"""Characters of what was found."""


class State(StrEnum):
    """How one thing stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at: its name, how it stands, what was found, and what to do about it."""

    name: str
    state: State
    code: str
    """Names its texts: ``tls.expired``."""
    values: Mapping[str, str] = field(default_factory=dict)

    def found(self, language: Language) -> str:
        """Return what was found."""
        text: str = DIAGNOSES[self.code]["found"][language]
        return inert(text.format_map(self._in(language)), _LONGEST)

    def advice(self, language: Language) -> str:
        """Return what to do; empty where nothing is to be done."""
        return str(DIAGNOSES[self.code]["advice"][language]).format_map(self._in(language))

    def _in(self, language: Language) -> dict[str, str]:
        return {name: french(value) if language == "fr" else value for name, value in self.values.items()}


def diagnosis(code: str, state: State, **values: object) -> Diagnosis:
    """Return a diagnosis with the texts of ``code``, whose first word is what was looked at."""
    return Diagnosis(code.partition(".")[0], state, code, {name: _text(value) for name, value in values.items()})


def _text(value: object) -> str:
    if isinstance(value, Exception):
        return told(value)
    return value if isinstance(value, str) else str(value)


def _read() -> Mapping[str, Any]:
    return MappingProxyType(json.loads(Path(__file__).with_name("diagnoses.json").read_text(encoding="utf-8")))


DIAGNOSES = _read()
"""Texts by code: ``found`` and ``advice``, each by language."""
