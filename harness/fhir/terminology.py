"""Terminology: is this code in that value set? Answered from local definitions: IN, NOT_IN or UNDECIDED.

What cannot be known locally is UNDECIDED, never passed: a code system that is not carried, or that says of itself that
it is not whole (``CodeSystem.content`` other than ``complete``). That is also the mark by which a restated pack says
that a list is partial: ``CodeSystem.content = fragment``, and, for a value set, an ``expansion`` whose extension
``http://hl7.org/fhir/StructureDefinition/valueset-unclosed`` is true; what is listed is then IN, the rest UNDECIDED.

Sources: https://hl7.org/fhir/R4/valueset.html#compositions, https://hl7.org/fhir/R4/codesystem.html
"""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.fhir.code_rules import is_code
from harness.fhir.code_systems import CodeTable, Concept
from harness.fhir.definitions import Definitions
from harness.fhir.extents import Extent, Key, Listed, Open, Unknown, Verdict, all_of, any_of, without
from harness.reason import Reason

_UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
_TOO_COSTLY = "http://hl7.org/fhir/StructureDefinition/valueset-toocostly"
_NOTHING = Listed(frozenset())
_NAMELESS = Reason(
    "a part of the value set names neither a system nor a value set",
    "une partie du jeu de valeurs ne nomme ni système ni jeu de valeurs",
)

__all__ = ["Answer", "Code", "Terminology", "Verdict"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, why (a sentence without final stop, for NOT_IN and UNDECIDED), and how the code is displayed.

    ``display_agrees`` is None when no display was given or none is known.
    """

    verdict: Verdict
    reason: str = ""
    display: str | None = None
    display_agrees: bool | None = None


class Code(NamedTuple):
    """A code that would do."""

    system: str
    code: str
    display: str


class Terminology:
    """Answers from ``definitions``; what was compiled is kept until they change."""

    asks = False
    """Whether it asks somebody else for what the definitions do not say."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self._revision = definitions.revision
        self._extents: dict[str, Extent] = {}
        self._tables: dict[str, CodeTable | None] = {}
        self._displays: dict[str, dict[Key, str]] = {}
        self._compiling: list[str] = []
        self._lock = threading.RLock()

    def _refresh(self) -> None:
        if self._revision != self.definitions.revision:
            self._revision = self.definitions.revision
            self._extents, self._tables, self._displays = {}, {}, {}

    def member(
        self,
        value_set: str,
        system: str | None,
        code: str,
        display: str | None = None,
        version: str | None = None,
    ) -> Answer:
        """Say whether ``code`` of ``system`` is in the value set ``value_set`` ("url" or "url|version").

        ``system`` None means a bare code, as an element of type ``code`` has; ``version`` is that of the code system
        as the instance states it: a code unknown to another version of it is UNDECIDED.
        """
        verdict, reason = self.extent(value_set).judge(system, code)
        if verdict is Verdict.NOT_IN:
            table = self.table(system) if system else None
            if version and table and version != table.version and table.find(code) is None:
                verdict = Verdict.UNDECIDED
                reason = _other_version(system, version, table)
            else:
                named = _shown(system, code)
                reason = Reason(
                    f"{named} is not in the value set {value_set}",
                    f"{named.fr} n'est pas dans le jeu de valeurs {value_set}",
                )
        shown = self._display(value_set, system, code) if display is not None or verdict is Verdict.IN else None
        concept = self.lookup(system, code) if system and display is not None else None
        return Answer(verdict, reason, shown, self._agrees(concept, display, shown))

    def extent(self, value_set: str) -> Extent:
        """Return the compiled value set, from which membership is read."""
        self._refresh()
        found = self._extents.get(value_set)
        if found is None:
            with self._lock:
                found = self._extents[value_set] = self._compile(value_set)
        return found

    def judge_by(self, resource: Mapping[str, Any], system: str | None, code: str) -> tuple[Verdict, str]:
        """As :meth:`member`, by a ValueSet that is not among the definitions, and need not be well formed."""
        self._refresh()
        name = str(resource.get("url") or f"#{resource.get('id')}")
        try:
            return self._compiled(resource, name).judge(system, code)
        except (KeyError, TypeError, AttributeError):
            return Verdict.UNDECIDED, _of_value_set(name, "is badly formed", "est mal formé")

    def codes(self, value_set: str) -> list[Code] | None:
        """Return the codes of ``value_set``, sorted by system and code; None when they cannot be counted up."""
        members = self.extent(value_set).members()
        if members is None:
            return None
        return [Code(system, code, self._display(value_set, system, code) or "") for system, code in sorted(members)]

    def lookup(self, system: str, code: str) -> Concept | None:
        """Return the concept of ``code`` in the code system ``system``, None where either is not known."""
        table = self.table(system)
        return table.find(code) if table else None

    def exists(self, system: str, code: str, version: str | None = None) -> Verdict:
        """Say whether ``code`` is a code of ``system`` at all, of its ``version`` where that is at hand."""
        table = self.table(f"{system}|{version}" if version else system)
        if table and table.find(code):
            return Verdict.IN
        if table and table.complete:
            return Verdict.NOT_IN
        formed = is_code(system, code)
        return Verdict.UNDECIDED if formed is None else Verdict.IN if formed else Verdict.NOT_IN

    def coding(self, system: str, code: str, display: str | None = None, version: str | None = None) -> Answer:
        """Say whether ``code`` is a code of ``system``, and whether ``display`` is one of its displays.

        A code unknown to another ``version`` of the system than the one at hand is UNDECIDED.
        """
        verdict, table = self.exists(system, code, version), self.table(f"{system}|{version}" if version else system)
        concept = table.find(code) if table else None
        if verdict is Verdict.NOT_IN and table and version and version != table.version:
            verdict = Verdict.UNDECIDED
        shown = (concept.display or None) if concept else None
        shown_code = _shown(system, code)
        unknown = Reason(f"{shown_code} is not known here", f"{shown_code.fr} n'est pas connu ici")
        reason = "" if verdict is Verdict.IN else unknown
        return Answer(verdict, reason, shown, self._agrees(concept, display, shown))

    def is_inactive(self, system: str, code: str, version: str | None = None) -> bool:
        """Say whether ``code`` is known to be a code of ``system`` that is not for use any more."""
        table = self.table(f"{system}|{version}" if version else system)
        return table is not None and code in table.inactive

    def table(self, system: str) -> CodeTable | None:
        """Return the concepts of the code system ``system`` ("url" or "url|version"), None when it is not known."""
        self._refresh()
        if system not in self._tables:
            resource = self.definitions.code_system(system)
            url = system.partition("|")[0]
            self._tables[system] = CodeTable.of(resource, self.definitions.supplements(url)) if resource else None
        return self._tables[system]

    def _agrees(self, concept: Concept | None, given: str | None, shown: str | None) -> bool | None:
        if given is None:
            return None
        known = {plain(k) for k in (shown, *((concept.display, *concept.designations) if concept else ())) if k}
        return plain(given) in known if known else None

    def _display(self, value_set: str, system: str | None, code: str) -> str | None:
        """The display that the value set gives, else that of the code system."""
        table = self._displays.get(value_set)
        if table is None:
            resource = self.definitions.value_set(value_set)
            table = self._displays[value_set] = dict(_stated_displays(resource or {}))
        if system is None:
            return next((shown for (_, known), shown in table.items() if known == code), None)
        concept = None if (system, code) in table else self.lookup(system, code)
        return table.get((system, code)) or (concept.display if concept else None) or None

    def _compile(self, canonical: str) -> Extent:
        url = canonical.partition("|")[0]
        resource = self.definitions.value_set(canonical)
        if resource is None:
            return Unknown(_of_value_set(canonical, "is not known here", "n'est pas connu ici"))
        if url in self._compiling:
            return Unknown(_of_value_set(url, "includes itself", "s'inclut lui-même"))
        self._compiling.append(url)
        try:
            return self._compiled(resource, canonical)
        finally:
            self._compiling.pop()

    def _compiled(self, resource: Mapping[str, Any], canonical: str) -> Extent:
        expansion = resource.get("expansion")
        compose = resource.get("compose")
        if expansion and (_is_whole(expansion) or not compose):
            listed = Listed(frozenset(_expanded(expansion.get("contains", ()))))
            if _is_whole(expansion):
                return listed
            part = _of_value_set(canonical, "is only expanded in part", "n'est développé qu'en partie")
            return any_of([listed, Unknown(part)])
        if not compose or not compose.get("include"):
            return Unknown(_of_value_set(canonical, "does not say what it holds", "ne dit pas ce qu'il contient"))
        kept = any_of([self._included(part, compose.get("inactive") is not False) for part in compose["include"]])
        left_out = compose.get("exclude")
        return without(kept, any_of([self._included(part) for part in left_out])) if left_out else kept

    def _included(self, part: Mapping[str, Any], inactive: bool = True) -> Extent:
        """One ``include`` or ``exclude``: what its system gives, cut by each of its value sets.

        ``inactive`` says whether codes that are not for use any more are among them.
        """
        parts: list[Extent] = []
        if "system" in part:
            found, table = self._from_system(part), None if inactive else self.table(part["system"])
            retired = _listed(part["system"], table.inactive, table) if table is not None and table.inactive else None
            parts.append(found if retired is None else without(found, retired))
        parts.extend(self.extent(canonical) for canonical in part.get("valueSet", ()))
        return all_of(parts) if parts else Unknown(_NAMELESS)

    def _from_system(self, part: Mapping[str, Any]) -> Extent:
        system = part["system"]
        version = part.get("version")
        table = self.table(f"{system}|{version}" if version else system)
        if part.get("concept"):
            return _listed(system, (c["code"] for c in part["concept"]), table)
        filters = part.get("filter", ())
        if table is None or not table.concepts:
            reason = _of_code_system(system, "is not carried here", "n'est pas présent ici")
            return Open(system, _NOTHING, reason, whole=not filters)
        codes = set(table.concepts)
        for item in filters:
            kept = _apply(table, item)
            if kept is None:
                condition = f"{item.get('property')} {item.get('op')} {item.get('value')}"
                why = Reason(
                    f"the filter {condition} on {system} cannot be applied here",
                    f"le filtre {condition} sur {system} ne peut être appliqué ici",
                )
                unknown = Open(system, _NOTHING, why)
                return all_of([_listed(system, codes, table), unknown]) if table.complete else unknown
            codes &= kept
        listed = _listed(system, codes, table)
        if not table.complete:
            return Open(
                system, listed, _of_code_system(system, "is carried here only in part", "n'est ici qu'en partie")
            )
        if version and table.version and version != table.version:
            return Open(system, listed, _other_version(system, version, table))
        return listed


def _apply(table: CodeTable, item: Mapping[str, Any]) -> set[str] | None:
    try:
        return table.filtered(item.get("property", ""), item.get("op", ""), str(item.get("value", "")))
    except re.error:
        return None


def _listed(system: str, codes: Iterable[str], table: CodeTable | None) -> Listed:
    keys = frozenset((system, code) for code in codes)
    if table is None or table.sensitive:
        return Listed(keys)
    return Listed(keys, frozenset((system, code.casefold()) for _, code in keys))


def _is_whole(expansion: Mapping[str, Any]) -> bool:
    marks = {e.get("url") for e in expansion.get("extension", ()) if e.get("valueBoolean") is not False}
    if marks & {_UNCLOSED, _TOO_COSTLY} or expansion.get("offset"):
        return False
    total = expansion.get("total")
    return total is None or total <= sum(1 for _ in _expanded(expansion.get("contains", ())))


def _expanded(contains: Any) -> Iterator[Key]:
    for item in contains:
        if item.get("code") and item.get("abstract") is not True:
            yield item.get("system", ""), item["code"]
        yield from _expanded(item.get("contains", ()))


def _stated_displays(resource: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    for part in resource.get("compose", {}).get("include", ()):
        for concept in part.get("concept", ()):
            if concept.get("display"):
                yield (part.get("system", ""), concept["code"]), concept["display"]


def plain(text: str) -> str:
    """Return ``text`` as displays are compared: without case, white space counted once."""
    return " ".join(text.split()).casefold()


def _of_value_set(name: str, en: str, fr: str) -> Reason:
    return Reason(f"the value set {name} {en}", f"le jeu de valeurs {name} {fr}")


def _of_code_system(name: str, en: str, fr: str) -> Reason:
    return Reason(f"the code system {name} {en}", f"le système de codes {name} {fr}")


def _other_version(system: str | None, version: str, table: CodeTable) -> Reason:
    return Reason(
        f"version {version} of {system} is not known here, only {table.version}",
        f"la version {version} de {system} n'est pas connue ici, seulement {table.version}",
    )


def _shown(system: str | None, code: str) -> Reason:
    named = f"{system}|{code}"
    return Reason(named, named) if system else Reason(f"the code '{code}'", f"le code « {code} »")
