"""A CodeSystem made ready for questions: its concepts, their hierarchy and properties."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_BUILT_IN = ("code", "concept", "display", "parent", "child")
_PROPERTIES = "http://hl7.org/fhir/concept-properties#"
_RETIRED = frozenset({"retired", "inactive"})
Concepts = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Concept:
    """One code: its ``display`` ("" if it has none), other ``designations``, ``parents`` and properties."""

    code: str
    display: str
    designations: tuple[str, ...]
    parents: frozenset[str]
    properties: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class CodeTable:
    """The concepts of one code system by code, in its order.

    ``complete`` says that a code that is not here is not a code of the system.
    """

    system: str
    version: str
    complete: bool
    sensitive: bool
    concepts: Mapping[str, Concept]
    properties: frozenset[str]
    inactive: frozenset[str] = frozenset()
    """Codes that are not for use any more (https://hl7.org/fhir/R4/codesystem-concept-properties.html)."""
    _children: dict[str, list[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, resource: Mapping[str, Any], supplements: Iterable[Mapping[str, Any]] = ()) -> "CodeTable":
        """Return the table of a CodeSystem, with what ``supplements`` add to its concepts."""
        found: dict[str, Concept] = {}
        _read(resource.get("concept", ()), None, found)
        for supplement in supplements:
            added: dict[str, Concept] = {}
            _read(supplement.get("concept", ()), None, added)
            for code, extra in added.items():
                if code in found:
                    found[code] = _joined(found[code], extra)
        table = cls(
            system=resource["url"],
            version=str(resource.get("version", "")),
            complete=resource.get("content") == "complete" and len(found) >= (resource.get("count") or 1),
            sensitive=resource.get("caseSensitive") is not False,
            concepts=found,
            properties=frozenset(
                (
                    *_BUILT_IN,
                    *(p["code"] for p in resource.get("property", ())),
                    *(k for c in found.values() for k in c.properties),
                )
            ),
            inactive=frozenset(_inactive(resource, found)),
        )
        for concept in found.values():
            for parent in concept.parents:
                table._children.setdefault(parent, []).append(concept.code)
        return table

    def find(self, code: str) -> Concept | None:
        """Return the concept of ``code``; letters' case is passed over where the code system says so."""
        concept = self.concepts.get(code)
        if concept is None and not self.sensitive:
            folded = code.casefold()
            return next((c for k, c in self.concepts.items() if k.casefold() == folded), None)
        return concept

    def below(self, code: str) -> set[str]:
        """Return the codes under ``code`` in the hierarchy, at any depth."""
        found: set[str] = set()
        waiting = [code]
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if child not in found:
                    found.add(child)
                    waiting.append(child)
        return found

    def filtered(self, prop: str, op: str, value: str) -> set[str] | None:
        """Return the codes that the filter keeps (https://hl7.org/fhir/R4/valueset-filter-operator.html).

        None when the operator or the property is not known here (a filter may be internal to who keeps the codes).
        """
        if prop in ("concept", "code") and op in _HIERARCHY:
            return _HIERARCHY[op](self, value)
        test = _TESTS.get(op)
        if test is None or prop not in self.properties:
            return None
        return {c.code for c in self.concepts.values() if test(self._values(c, prop), value)}

    def _values(self, concept: Concept, prop: str) -> tuple[str, ...]:
        if prop in ("code", "concept"):
            return (concept.code,)
        if prop == "display":
            return (concept.display,)
        if prop == "parent":
            return tuple(concept.parents)
        if prop == "child":
            return tuple(self._children.get(concept.code, ()))
        return concept.properties.get(prop, ())


def _read(concepts: Concepts, parent: str | None, found: dict[str, Concept]) -> None:
    for concept in concepts:
        code = concept["code"]
        properties: dict[str, tuple[str, ...]] = {}
        for item in concept.get("property", ()):
            value = next((v for k, v in item.items() if k.startswith("value")), "")
            text = value.get("code", "") if isinstance(value, dict) else _text(value)
            properties[item["code"]] = (*properties.get(item["code"], ()), text)
        parents = {parent} if parent else set()
        parents.update(properties.get("parent", ()), properties.get("subsumedBy", ()))
        made = Concept(
            code=code,
            display=str(concept.get("display", "")),
            designations=tuple(d["value"] for d in concept.get("designation", ()) if "value" in d),
            parents=frozenset(parents),
            properties=properties,
        )
        found[code] = _joined(found[code], made) if code in found else made
        for child in properties.get("child", ()):
            known = found.get(child)
            blank = known or Concept(child, "", (), frozenset(), {})
            found[child] = Concept(child, blank.display, blank.designations, blank.parents | {code}, blank.properties)
        _read(concept.get("concept", ()), code, found)


def _inactive(resource: Mapping[str, Any], found: Mapping[str, Concept]) -> Iterator[str]:
    """Yield the codes that the properties ``inactive`` and ``status`` say are not for use any more."""
    names = {p["code"]: str(p.get("uri", "")) for p in resource.get("property", ())}
    marks = {"inactive", *(code for code, uri in names.items() if uri == _PROPERTIES + "inactive")}
    states = {"status", *(code for code, uri in names.items() if uri == _PROPERTIES + "status")}
    for concept in found.values():
        for name, values in concept.properties.items():
            if (name in marks and "true" in values) or (name in states and not _RETIRED.isdisjoint(values)):
                yield concept.code
                break


def _joined(one: Concept, other: Concept) -> Concept:
    shown = (other.display,) if one.display and other.display not in ("", one.display) else ()
    return Concept(
        one.code,
        one.display or other.display,
        (*one.designations, *shown, *other.designations),
        one.parents | other.parents,
        {**one.properties, **other.properties},
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_a(table: CodeTable, value: str) -> set[str]:
    return table.below(value) | ({value} & table.concepts.keys())


_HIERARCHY: dict[str, Callable[[CodeTable, str], set[str]]] = {
    "is-a": _is_a,
    "descendent-of": lambda table, value: table.below(value),
    "is-not-a": lambda table, value: set(table.concepts) - _is_a(table, value),
    "generalizes": lambda table, value: {c for c in table.concepts if c == value or value in table.below(c)},
    "in": lambda table, value: {c.strip() for c in value.split(",")} & table.concepts.keys(),
    "not-in": lambda table, value: set(table.concepts) - {c.strip() for c in value.split(",")},
}
_TESTS: dict[str, Callable[[tuple[str, ...], str], bool]] = {
    "=": lambda values, wanted: wanted in values,
    "in": lambda values, wanted: bool(set(values) & {w.strip() for w in wanted.split(",")}),
    "not-in": lambda values, wanted: not set(values) & {w.strip() for w in wanted.split(",")},
    "regex": lambda values, wanted: any(re.fullmatch(wanted, v) for v in values),
    "exists": lambda values, wanted: bool(values) == (wanted != "false"),
}
