"""What the expressions of a test set can name, as far as that is known before a run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from harness.suite.expressions import BARE_ROOTS, ROOTS, Random, Reference, Time, descend, references
from harness.suite.policies import FREE, policies
from harness.suite.problem import ExpressionError, nearest

_TIME, _RANDOM = Time(datetime(2026, 1, 1, tzinfo=UTC)), Random(0)
_FHIRPATH_STRING = re.compile(r"'(?:\\.|[^'\\])*'")
_FHIRPATH_NAME = re.compile(r"%(?:`([^`]+)`|'([^']+)'|([A-Za-z_][\w-]*))", re.ASCII)
_FHIRPATH_KNOWN = frozenset({"resource", "rootResource", "context", "ucum", "sct", "loinc"})
"""What FHIRPath's %names mean in FHIR by themselves (R4, fhirpath.html#variables), besides %vs-… and %ext-…."""
_EXPRESSION = re.compile(r"(?<!\$)\$\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Names:
    """The names at one place of a test set."""

    fixtures: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    each: Sequence[Mapping[str, Any]] = ()
    saved: frozenset[str] = frozenset()

    def with_saved(self, *names: str) -> "Names":
        """Return the names after a step that saved ``names``."""
        return replace(self, saved=self.saved.union(names))

    def with_rows(self, rows: Sequence[Mapping[str, Any]]) -> "Names":
        """Return the names in a test with this table of parameters."""
        return replace(self, each=tuple(rows))

    def faults(self, value: Any) -> list[str]:
        """Return what is wrong with the expressions in ``value`` (any YAML value), one message each."""
        try:
            found = references(value)
        except ExpressionError as problem:
            return [str(problem)]
        faults = []
        for reference in found:
            try:
                self._resolve(reference)
            except ExpressionError as problem:
                faults.append(str(problem))
        return faults

    def fhirpath_faults(self, text: str) -> list[str]:
        """Return what is wrong with the ``%name`` of a FHIRPath expression: those that nothing has before a run."""
        known = [name for root in BARE_ROOTS for name in self._known(root)]
        return [
            f'%{name}: nothing is called "{name}" here{nearest(name, known)}'
            for name in sorted(fhirpath_names(text) - _FHIRPATH_KNOWN - set(known))
            if not name.startswith(("vs-", "ext-"))
        ]

    def _resolve(self, reference: Reference) -> None:
        root, rest = reference.root, reference.path[1:]
        match root:
            case "candidate":
                _candidate(reference)
            case "time":
                _TIME.provide(rest)
            case "random":
                _RANDOM.provide(rest)
            case _ if root not in ROOTS:
                self._resolve_bare(reference)
            case _ if rest:
                known = self._known(root)
                if rest[0] not in known:
                    hint = nearest(str(rest[0]), known)
                    raise ExpressionError(f'${{{reference.text}}}: {_ABSENT[root]} "{rest[0]}"{hint}')
                self._follow(reference, root, str(rest[0]), rest[1:])

    def _resolve_bare(self, reference: Reference) -> None:
        name = reference.root
        for root in BARE_ROOTS:
            if name in self._known(root):
                self._follow(reference, root, name, reference.path[1:])
                return
        known = [name for root in BARE_ROOTS for name in self._known(root)]
        hint = nearest(name, [*known, *ROOTS]) or (f"; write fixtures.{name}" if name in self.fixtures else "")
        raise ExpressionError(f'${{{reference.text}}}: nothing is called "{name}" here{hint}')

    def _known(self, root: str) -> list[str]:
        if root == "each":
            return [name for name in (self.each[0] if self.each else {}) if all(name in row for row in self.each)]
        return list(getattr(self, root))

    def _follow(self, reference: Reference, root: str, name: str, path: Sequence[str | int]) -> None:
        starts = [row[name] for row in self.each] if root == "each" else []
        if root in ("fixtures", "variables"):
            starts = [getattr(self, root)[name]]
        for value in starts:
            inner, rest = value, path
            while rest and not (isinstance(inner, str) and "${" in inner):
                inner, rest = descend(reference, inner, rest[:1]), rest[1:]


def _candidate(reference: Reference) -> None:
    """Look at ``candidate.…`` as far as it is known before a run. Raises ExpressionError."""
    match reference.path[1:]:
        case (str() as member, *_) if member not in _CANDIDATE:
            raise ExpressionError(f'${{{reference.text}}}: a candidate has no "{member}"{nearest(member, _CANDIDATE)}')
        case ("policy", str() as name, *_) if not name.startswith(FREE):
            _policy(reference, name)
        case ("means", str() as name, *rest):
            _policy(reference, name)
            for one in policies().by_name[name].values or (None,):
                descend(reference, one.means if one else {}, rest)


def _policy(reference: Reference, name: str) -> None:
    known = policies().by_name
    if name not in known:
        raise ExpressionError(f'${{{reference.text}}}: there is no policy "{name}"{nearest(name, known)}')


_CANDIDATE = ("base-url", "fhir-version", "software", "identities", "policy", "means")
"""What ``${candidate.…}`` can begin with."""
_ABSENT = {
    "fixtures": "the set has no fixture",
    "variables": "the set has no variable",
    "each": "not every row of each has",
    "saved": "no step before this one saved",
}


def fhirpath_names(text: str) -> set[str]:
    """Return every ``%name`` of a FHIRPath expression: what was saved, the row and the variables are known to it."""
    bare = _FHIRPATH_STRING.sub("''", text)
    return {next(filter(None, found)) for found in _FHIRPATH_NAME.findall(bare)}


def placeheld(text: str) -> str:
    """Return ``text`` with a word in the place of each expression, to see whether the rest of it parses."""
    return _EXPRESSION.sub("placeholder", text)
