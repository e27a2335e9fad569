"""ValueSet: the systems and filters of its composition make sense (FHIR R4 valueset §4.9.8 and CodeSystem.filter)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.fhir.primitives import PRIMITIVES
from harness.validation.location import Location
from harness.validation.resource_rules.reading import part, parts, text, texts
from harness.validation.scope import Scope

_OIDS = {
    "2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "2.16.840.1.113883.6.1": "http://loinc.org",
    "2.16.840.1.113883.6.8": "http://unitsofmeasure.org",
    "2.16.840.1.113883.6.88": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "2.16.840.1.113883.12.292": "http://hl7.org/fhir/sid/cvx",
    "2.16.840.1.113883.6.3": "http://hl7.org/fhir/sid/icd-10",
    "2.16.840.1.113883.6.90": "http://hl7.org/fhir/sid/icd-10-cm",
    "2.16.840.1.113883.6.12": "http://www.ama-assn.org/go/cpt",
    "2.16.840.1.113883.6.24": "urn:iso:std:iso:11073:10101",
    "2.16.840.1.113883.6.73": "http://www.whocc.no/atc",
}
"""OID -> the URI under which FHIR knows the code system (R4 terminologies-systems §4.3.0, the table)."""
_CODED = frozenset({"concept", "parent", "child"})
_CONCEPT_OPERATORS = frozenset(
    {"=", "is-a", "descendent-of", "is-not-a", "in", "not-in", "generalizes", "child-of", "descendent-leaf", "exists"}
)
_TYPES = {"inactive": "boolean", "notSelectable": "boolean"}
_FORMS = {
    "integer": re.compile(r"[+-]?[0-9]+"),
    "decimal": re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"),
    "boolean": re.compile(r"true|false"),
    "Coding": re.compile(r"[^#\s]+#\S.*|[A-Za-z][A-Za-z0-9+.-]*:[^\s|]+\|\S+"),  # the second as searches write it
}


def check(value_set: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report what is wrong with the includes and excludes."""
    compose = part(value_set, "compose")
    around = (where, "compose", -1)
    for key in ("include", "exclude"):
        for entry, place in parts(compose, key, around):
            _check_imports(entry, place, scope)
            system = text(entry, "system")
            if system is not None:
                _check_system(entry, system, value_set, place, scope)


def _check_imports(entry: Mapping[str, Any], place: Location, scope: Scope) -> None:
    definitions = scope.session.judge.definitions
    for index, canonical in enumerate(texts(entry, "valueSet")):
        if definitions.value_set(canonical) is None and definitions.code_system(canonical) is not None:
            scope.report("value-set-import", (place, "valueSet", index), found=canonical)


def _check_system(
    entry: Mapping[str, Any], system: str, value_set: Mapping[str, Any], place: Location, scope: Scope
) -> None:
    judge = scope.session.judge
    if system.startswith("#"):
        held = any(c.get("id") == system[1:] for c, _ in parts(value_set, "contained", place))
        scope.report("value-set-system", place, found=system, detail="#")
        if not held:
            scope.report("value-set-system", (place, "system", -1), found=system, detail="#")
        return
    if ":" not in system:
        scope.report("value-set-system", place, found=system)
        return
    resource = judge.definitions.code_system(system)
    if "|" in system and (resource is None or resource.get("url") != system):
        scope.report("value-set-system-version", place, found=system)
        return
    known = _OIDS.get(system.removeprefix("urn:oid:")) if system.startswith("urn:oid:") else None
    if known:
        scope.report("value-set-system-oid", place, found=system, expected=known)
        return
    if judge.is_value_set(system):
        scope.report("value-set-system-is-value-set", place, found=system)
        return
    if resource is None:
        return
    if resource.get("content") == "supplement":
        scope.report("value-set-supplement", place, found=system, expected=text(resource, "supplements"))
        return
    _check_codes(entry, system, place, scope)
    for item, spot in parts(entry, "filter", place):
        _check_filter(item, resource, system, spot, scope)


def _check_codes(entry: Mapping[str, Any], system: str, place: Location, scope: Scope) -> None:
    """Codes that the whole code system does not have: a warning, as another version of it may."""
    table = scope.session.judge.code_system(system)
    for concept, spot in parts(entry, "concept", place) if table is not None else ():
        code = text(concept, "code")
        if code is not None and table is not None and code not in table:
            near = scope.session.judge.nearest(code, tuple(table))
            detail = f" ({near}?)" if near else None
            scope.report(
                "code-unknown", (spot, "code", -1), found=code, expected=system, detail=detail, severity="warning"
            )


def _check_filter(
    item: Mapping[str, Any], resource: Mapping[str, Any], system: str, place: Location, scope: Scope
) -> None:
    name, operator, value = text(item, "property"), text(item, "op"), text(item, "value") or ""
    if name is None or operator is None:
        return
    allowed = _operators(name, resource)
    if allowed and operator not in allowed:
        scope.report("filter-operator", place, found=operator, expected=", ".join(sorted(allowed)), detail=name)
    if operator == "exists":
        _check_form(name, "boolean", value, place, scope)
        return
    if operator == "regex":
        if name not in _CODED and not _compiles(value):
            scope.report("filter-value", place, found=value, expected="regex", detail=name)
        return
    values = value.split(",") if operator in ("in", "not-in") else [value]
    kind = _type_of(name, resource)
    for single in values:
        if name in _CODED:
            _check_code(single.strip(), system, place, scope)
        elif kind is not None:
            _check_form(name, kind, single, place, scope)


def _operators(name: str, resource: Mapping[str, Any]) -> frozenset[str]:
    """The operators that the code system, or FHIR for its concepts, allows for the property; empty for any."""
    for declared, _ in parts(resource, "filter", (None, "", -1)):
        if declared.get("code") == name and name != "concept":
            return frozenset(texts(declared, "operator"))
    return _CONCEPT_OPERATORS if name == "concept" else frozenset()


def _type_of(name: str, resource: Mapping[str, Any]) -> str | None:
    for declared, _ in parts(resource, "property", (None, "", -1)):
        if declared.get("code") == name:
            return text(declared, "type")
    return _TYPES.get(name)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _check_form(name: str, kind: str, value: str, place: Location, scope: Scope) -> None:
    if kind == "dateTime":
        good = PRIMITIVES["dateTime"].check(value) is None
    else:
        form = _FORMS.get(kind)
        good = form is None or form.fullmatch(value) is not None
    if not good:
        scope.report("filter-value", place, found=value, expected=kind, detail=name)


def _check_code(code: str, system: str, place: Location, scope: Scope) -> None:
    table = scope.session.judge.code_system(system)
    if table is not None and code not in table:
        near = scope.session.judge.nearest(code, tuple(table))
        scope.report("filter-code", place, found=code, expected=system, detail=f" ({near}?)" if near else None)
