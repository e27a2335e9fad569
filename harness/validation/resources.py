"""One resource: by its type, by its profiles, and by the rules that concern it as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.validation.assertions.contained import check as check_contained
from harness.validation.bundles import check as check_bundle
from harness.validation.knowledge import Schema
from harness.validation.location import Location
from harness.validation.resource_rules.registry import RULES
from harness.validation.scope import Scope
from harness.validation.slots import ResourceSlot
from harness.validation.vital_signs import OWN_CODES, VITAL_SIGNS

_TYPES = "http://hl7.org/fhir/StructureDefinition/"
_LOINC = "http://loinc.org"
_VITAL_SIGN = _TYPES + "vitalsigns"
_ANY = ("Resource", "DomainResource")
_WITHOUT_CONTAINED = frozenset({"Binary", "Bundle", "Parameters"})
"""The resources that are no DomainResource."""


def walk(value: dict[str, Any], where: Location, scope: Scope, profiles: Sequence[str] = ()) -> None:
    """Judge the resource of ``scope`` by ``profiles``, its ``meta.profile`` and its type."""
    session = scope.session
    judge = session.judge
    name = value.get("resourceType")
    if not isinstance(name, str) or name not in judge.resource_types:
        if name is None:
            scope.report("not-a-resource", where, detail="it has no resourceType", detail_fr="resourceType manque")
        else:
            near = judge.nearest(str(name), judge.resource_types)
            en, fr = (f": {near}?", f" : {near} ?") if near else (None, None)
            scope.report("resource-type-unknown", where, found=name, detail=en, detail_fr=fr)
        return
    schemas = list(_schemas(value, name, profiles, where, scope))
    active = []
    for canonical, schema in schemas:
        key = (id(value), canonical)
        if key in session.active and canonical not in profiles:
            continue
        session.active.add(key)
        active.append(key)
        schema.check(value, where, scope)
    for key in active:
        session.active.discard(key)
    if "meta" in value:
        _check_labels(value, where, scope)
    if name == "Bundle":
        check_bundle(value, where, scope)
    elif name in RULES:
        RULES[name](value, where, scope)
    if "contained" in value and name not in _WITHOUT_CONTAINED:
        check_contained(value, where, scope)


def _schemas(
    value: dict[str, Any], name: str, profiles: Sequence[str], where: Location, scope: Scope
) -> Iterator[tuple[str, Schema]]:
    """Each profile to judge by, once; the bare type when there is none."""
    judge = scope.session.judge
    chosen: dict[str, Schema] = {}
    for canonical in profiles:
        _choose(canonical, name, chosen, where, scope)
    meta = value.get("meta")
    named = meta.get("profile") if isinstance(meta, dict) else None
    for index, canonical in enumerate(named if isinstance(named, list) else ()):
        if isinstance(canonical, str) and canonical not in chosen:
            _choose(canonical, name, chosen, (((where, "meta", -1)), "profile", index), scope)
    for canonical in judge.global_profiles(name):  # R4 ImplementationGuide.global
        if canonical not in chosen:
            _choose(canonical, name, chosen, where, scope)
    if name == "Observation":
        for code in _loinc_codes(value):
            canonical = _TYPES + VITAL_SIGNS[code]
            if not any(_covers(other, canonical, code, scope) for other in chosen):
                _choose(canonical, name, chosen, where, scope)
    if not chosen:
        schema = judge.type_schema(name)
        if schema is not None:
            chosen[_TYPES + name] = schema
    yield from chosen.items()


def _choose(canonical: str, name: str, chosen: dict[str, Schema], where: Location, scope: Scope) -> None:
    judge = scope.session.judge
    schema = judge.schema(canonical)
    if schema is None:
        judge.report_unknown(canonical, where, scope)
    elif canonical.partition("|")[0].removeprefix(_TYPES) in _ANY:
        return  # what every resource must be, each type says again
    elif schema.type not in (name, *_ANY):
        scope.report("resource-type-mismatch", where, found=name, expected=schema.type, profile=canonical)
    else:
        chosen[canonical] = schema
        for further in judge.imposed(canonical):
            if further not in chosen:
                _choose(further, name, chosen, where, scope)


def _check_labels(value: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Security labels are a set (R4 Resource.meta): each is there once."""
    meta = value.get("meta")
    labels = meta.get("security") if isinstance(meta, dict) else None
    seen: set[tuple[str, str]] = set()
    for index, label in enumerate(labels if isinstance(labels, list) else ()):
        if not isinstance(label, dict) or not isinstance(label.get("code"), str):
            continue
        key = (str(label.get("system")), label["code"])
        if key in seen:
            scope.report("label-duplicate", (((where, "meta", -1)), "security", index), found="#".join(key))
        seen.add(key)


def _loinc_codes(value: Mapping[str, Any]) -> Iterator[str]:
    """The LOINC codes of the Observation that are those of vital signs."""
    code = value.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and coding.get("system") == _LOINC and str(coding.get("code")) in VITAL_SIGNS:
            yield str(coding["code"])


def _covers(profile: str, canonical: str, code: str, scope: Scope) -> bool:
    """Whether ``profile``, by which the Observation is judged anyhow, does for ``canonical``, which its code calls for.

    So does one that is derived from the vital signs profile, national ones for instance, where the code is not the one
    that ``canonical`` asks for: it says which of the more precise codes it wants.
    """
    derives = scope.session.judge.derives_from
    if derives(profile, canonical):
        return True
    return code not in OWN_CODES and profile.partition("|")[0] != _VITAL_SIGN and derives(profile, _VITAL_SIGN)


def nested(slot: ResourceSlot, value: dict[str, Any], parent: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Judge a resource that stands in another one: contained, in a Bundle's entry, in a parameter."""
    name = value.get("resourceType")
    if not set(slot.types) & {"Resource", "DomainResource"} and name not in slot.types:
        scope.report("resource-not-allowed", where, found=name, expected=" | ".join(slot.types))
    if slot.place.key == "contained":
        inner = Scope(scope.session, value, where, scope, scope.root)
    else:
        inner = scope.entry(value, parent, where)
    judge = scope.session.judge
    known = list(slot.profiles)
    if len(slot.profiles) > 1:
        answers = [judge.conforms(value, profile, where, inner) for profile in slot.profiles]
        if True not in answers and None not in answers:
            scope.report("profile-none-matches", where, expected=" | ".join(known))
        for profile, answer in zip(slot.profiles, answers, strict=True):
            if answer is None and True not in answers:
                judge.report_unknown(profile, where, scope)
        known = []
    walk(value, where, inner, known)
    inline = slot.inline(name) if isinstance(name, str) and name in judge.resource_types else None
    if inline is not None:
        inline.check(value, where, inner)
    for assertion in slot.schema.assertions:  # these speak of the element that holds the resource
        assertion.check(value, where, scope)


def element_path(where: Location | None, scope: Scope) -> str:
    """The path of an element from its resource: ``Patient.name``, without indexes."""
    names: list[str] = []
    node = where
    while node is not None and node is not scope.where:
        names.append(node[1])
        node = node[0]
    return ".".join([str(scope.resource.get("resourceType")), *reversed(names)])
