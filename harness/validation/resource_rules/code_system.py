"""CodeSystem: unique codes, counts, supplements, properties, the value set of all codes (FHIR R4 codesystem §4.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.reason import Reason
from harness.validation.location import Location
from harness.validation.resource_rules.reading import Placed, choice, descend, extension, parts, text, texts
from harness.validation.scope import Scope

_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/codesystem-property-valueset"
_PROPERTIES = "http://hl7.org/fhir/concept-properties"
_STANDARD = {
    "status": "code",
    "inactive": "boolean",
    "effectiveDate": "dateTime",
    "deprecated": "dateTime",
    "deprecationDate": "dateTime",
    "retirementDate": "dateTime",
    "notSelectable": "boolean",
    "parent": "code",
    "child": "code",
    "partOf": "code",
    "synonym": "code",
    "comment": "string",
    "itemWeight": "decimal",
}
"""The properties that HL7 defines, with their types (code system concept-properties, R4 and later releases)."""
_SINGLE = Reason("a single include is wanted", "un seul include est attendu")
_INTERNAL = frozenset({"parent", "child", "partOf"})
"""Standard properties whose value is a code of the same code system."""


def check(system: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report what does not hold together in the code system."""
    concepts = list(descend(system, "concept", where))
    codes = _check_codes(concepts, scope)
    content = text(system, "content")
    _check_count(system, content, len(concepts), where, scope)
    if content == "supplement" or text(system, "supplements"):
        _check_supplement(system, content, concepts, where, scope)
    _check_properties(system, concepts, codes, where, scope)
    if content != "supplement":
        _check_all_codes(system, where, scope)


def _check_codes(concepts: list[Placed], scope: Scope) -> set[str]:
    codes: set[str] = set()
    for concept, place in concepts:
        code = text(concept, "code")
        if code is None:
            continue
        if code in codes:
            scope.report("code-system-duplicate", place, found=code)
        codes.add(code)
    return codes


def _check_count(system: Mapping[str, Any], content: str | None, found: int, where: Location, scope: Scope) -> None:
    """What ``count`` says agrees with the concepts (CodeSystem.count, .content)."""
    stated = system.get("count")
    if content == "not-present" and found:
        scope.report("code-system-content", (where, "concept", 0), found=found)
    if content == "complete" and type(stated) is int and stated != found:
        scope.report("code-system-count", (where, "count", -1), found=found, expected=stated)


def _check_supplement(
    system: Mapping[str, Any], content: str | None, concepts: list[Placed], where: Location, scope: Scope
) -> None:
    """A supplement names its code system and adds no code to it (R4 codesystem §4.8.6)."""
    canonical = text(system, "supplements")
    if content != "supplement":
        scope.report("supplement-content", (where, "content", -1), found=content, expected="supplement")
    if canonical is None:
        scope.report("supplement-of-nothing", where)
        scope.report("supplement-of-nothing", (where, "content", -1))
        return
    if "caseSensitive" in system:  # the code system itself says how its codes compare
        scope.report("supplement-redefines", (where, "caseSensitive", -1), found="caseSensitive")
    judge = scope.session.judge
    base = judge.definitions.code_system(canonical)
    if base is None:
        return
    meaning, own = text(base, "hierarchyMeaning"), text(system, "hierarchyMeaning")
    if own and meaning and own != meaning:
        scope.report("supplement-redefines", where, found="hierarchyMeaning", expected=meaning)
    table = judge.code_system(canonical)
    for concept, place in concepts if table is not None else ():
        code = text(concept, "code")
        if code is not None and table is not None and code not in table:
            near = judge.nearest(code, tuple(table))
            scope.report(
                "supplement-code", place, found=code, expected=canonical, detail=f" ({near}?)" if near else None
            )


def _check_properties(
    system: Mapping[str, Any], concepts: list[Placed], codes: set[str], where: Location, scope: Scope
) -> None:
    defined: dict[str, tuple[str | None, str | None, Any]] = {}
    uris: set[str] = set()
    for entry, place in parts(system, "property", where):
        code, uri, kind = text(entry, "code"), text(entry, "uri"), text(entry, "type")
        if code in defined or (uri is not None and uri in uris):
            scope.report("property-duplicate", place, found=code if code in defined else uri)
        if code is not None:
            defined.setdefault(code, (uri, kind, extension(entry, _VALUE_SET)))
        if uri is not None:
            uris.add(uri)
            _check_uri(uri, kind, place, scope)
    for concept, place in concepts:
        for entry, spot in parts(concept, "property", place):
            code, held = text(entry, "code"), choice(entry, "value")
            if code not in defined or held is None:
                continue
            uri, kind, value_set = defined[code]
            suffix = held[0]
            name = suffix if suffix == "Coding" else suffix[0].lower() + suffix[1:]
            if kind is not None and name != kind:
                scope.report("property-type", spot, found=name, expected=kind, detail=code)
            elif _is_internal(uri) and isinstance(held[1], str) and held[1] not in codes:
                scope.report("property-code", spot, found=held[1])
            elif isinstance(value_set, str) and isinstance(held[1], str) and _outside(value_set, held[1], scope):
                scope.report("property-value-set", spot, found=held[1], expected=value_set)


def _outside(value_set: str, code: str, scope: Scope) -> bool:
    """Whether ``code`` is none of ``value_set``, whatever its system."""
    return scope.session.judge.member(value_set, None, code)[0] is False


def _check_uri(uri: str, kind: str | None, place: Location, scope: Scope) -> None:
    if ":" not in uri:
        scope.report("property-uri", place, found=uri)
        return
    head, _, name = uri.partition("#")
    if head != _PROPERTIES:
        return
    if name not in _STANDARD:
        scope.report("property-not-standard", place, found=uri, expected=", ".join(_STANDARD))
    elif kind is not None and kind != _STANDARD[name]:
        scope.report("property-type", place, found=kind, expected=_STANDARD[name], detail=uri)


def _is_internal(uri: str | None) -> bool:
    head, _, name = (uri or "").partition("#")
    return head == _PROPERTIES and name in _INTERNAL


def _check_all_codes(system: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """The value set of CodeSystem.valueSet includes the whole code system and nothing else."""
    canonical, url = text(system, "valueSet"), text(system, "url")
    value_set = scope.session.judge.definitions.value_set(canonical) if canonical else None
    if value_set is None or url is None:
        return
    compose = value_set.get("compose")
    included = list(parts(compose, "include", where)) if isinstance(compose, dict) else []
    first = included[0][0] if included else {}
    reason: str
    if len(included) != 1 or (isinstance(compose, dict) and compose.get("exclude")):
        reason = _SINGLE
    elif text(first, "system") != url:
        reason = f"system {text(first, 'system')}"
    elif first.get("concept") or first.get("filter") or texts(first, "valueSet"):
        reason = "concept | filter | valueSet"
    else:
        return
    scope.report("code-system-value-set", where, found=canonical, detail=reason)
