"""The options of the plugin; each has a twin in the ini file: ``--fhir-base-url`` and ``fhir_base_url``."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

from harness.engine.codes import Language
from harness.errors import UsageError

Kind = Literal["text", "number", "list", "file", "flag"]


@dataclass(frozen=True)
class Option:
    """One option: its name without ``--fhir-``, what it takes, and what it is for."""

    name: str
    kind: Kind
    metavar: str
    help: str


OPTIONS = (
    Option("base-url", "text", "URL", "FHIR base of the candidate: collect and run test sets."),
    Option("candidate", "file", "FILE", "Candidate file: collect and run test sets."),
    Option("token", "text", "TOKEN", "Access token, with --fhir-base-url (or FHIR_HARNESS_TOKEN)."),
    Option("header", "list", "NAME:VALUE", "Extra header, with --fhir-base-url. Repeatable."),
    Option("endpoint", "list", "NAME=URL", "Other address, with --fhir-base-url. Repeatable."),
    Option("redact-identities", "flag", "", "Record no names and identifiers of the candidate's identities."),
    Option("fixtures", "file", "DIR", "Fixtures of the test sets (default: beside them)."),
    Option("package", "list", "REF", "FHIR package to judge by: folder, .tgz or id@version. Repeatable."),
    Option("tx", "text", "URL", "Terminology server to ask for what is not known here."),
    Option("tx-lock", "file", "FILE", "Record its answers here; without --fhir-tx, judge by them."),
    Option("seed", "number", "N", "Seed of ${random…}; default: drawn, and told in the header."),
    Option("waivers", "file", "FILE", "Findings that are accepted, YAML."),
    Option("shard", "text", "K/N", "Part K of N; all parts together are all."),
    Option(
        "rerun-failed", "file", "RUN", "Only what was a fail, an error or undecided in that run, or skipped for it."
    ),
    Option("resume", "file", "RUN", "Go on with a recorded run that was cut off, with --fhir-out or --fhir-accept."),
    Option("jobs", "number", "N", "Tests of a set at the same time, with --fhir-out or --fhir-accept."),
    Option("report-html", "file", "FILE", "One HTML report of the session; goes with -n, too."),
    Option("report", "list", "KIND", "One more report in --fhir-out: junit, json, har, … Repeatable."),
    Option("out", "file", "DIR", "Record the session as one run in this folder; not with -n."),
    Option("accept", "file", "FILE", "Sign the recorded run: the acceptance file; not with -n."),
    Option("key", "file", "FILE", "Private key for --fhir-accept, PEM."),
    Option("cert", "file", "FILE", "Certificate chain for --fhir-accept, PEM."),
    Option("lang", "text", "en|fr", "Language of titles, findings and the summary (default: en)."),
)
CANDIDATE = ("base-url", "candidate")
LANGUAGES: tuple[Language, ...] = get_args(Language)
RECORDS = ("out", "accept", "report-html")
_INI: Mapping[Kind, Any] = {"text": "string", "number": "string", "list": "linelist", "file": "paths", "flag": "bool"}


def add_options(parser: pytest.Parser) -> None:
    """Add every option and its ini twin; a file in the ini file is relative to it."""
    group = parser.getgroup("fhir-harness", "FHIR connection tests")
    for option in OPTIONS:
        name = f"--fhir-{option.name}"
        if option.kind == "flag":
            group.addoption(name, action="store_true", help=option.help)
        elif option.kind == "list":
            group.addoption(name, metavar=option.metavar, action="append", default=[], help=option.help)
        else:
            group.addoption(name, metavar=option.metavar, help=option.help)
        parser.addini(_twin(option.name), f"As {name}: {option.help}", type=_INI[option.kind])


def _twin(name: str) -> str:
    return f"fhir_{name.replace('-', '_')}"


class Settings:
    """What the command line says, else the ini file."""

    def __init__(self, config: pytest.Config) -> None:
        """Read ``config``."""
        self._config = config

    def given(self, name: str) -> bool:
        """Tell whether ``name`` is given at all."""
        return bool(self._raw(name))

    def typed(self, name: str) -> bool:
        """Tell whether ``name`` is given on the command line."""
        return bool(self._config.getoption(f"--fhir-{name}"))

    def _raw(self, name: str) -> Any:
        return self._config.getoption(f"--fhir-{name}") or self._config.getini(_twin(name))

    def text(self, name: str) -> str | None:
        """Return a text, or None."""
        return str(self._raw(name)) if self.given(name) else None

    def file(self, name: str) -> Path | None:
        """Return a path, or None."""
        raw = self._raw(name)
        if not raw:
            return None
        return Path(raw[0] if isinstance(raw, list) else raw)

    def number(self, name: str) -> int | None:
        """Return a whole number, or None. Raises UsageError."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return int(text)
        except ValueError as problem:
            raise UsageError(f'--fhir-{name} needs a whole number, not "{text}"') from problem

    def flag(self, name: str) -> bool:
        """Return whether ``name`` is on."""
        return self.given(name)

    def every(self, name: str) -> Sequence[str]:
        """Return what was given, in order."""
        return list(self._raw(name))

    def language(self) -> Language:
        """Return the language to tell in. Raises UsageError."""
        text = self.text("lang") or "en"
        for language in LANGUAGES:
            if text == language:
                return language
        raise UsageError(f'--fhir-lang is {" or ".join(LANGUAGES)}, not "{text}"')

    def token(self) -> str | None:
        """Return the access token: the option, the ini file or the environment."""
        return self.text("token") or os.environ.get("FHIR_HARNESS_TOKEN")

    def pairs(self, name: str, separator: str) -> dict[str, str]:
        """Return what was given as names and values. Raises UsageError; a value, which may be secret, is not told."""
        made = {}
        for pair in self.every(name):
            key, found, value = pair.partition(separator)
            if not found or not key.strip() or not value.strip():
                raise UsageError(f"--fhir-{name} needs NAME{separator}VALUE; one is not such a pair")
            made[key.strip()] = value.strip()
        return made
