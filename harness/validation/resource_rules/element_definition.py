"""One element of a differential: what it says fits its types and what it constrains (FHIR R4 §2.26.3, §5.1.0.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.reason import Reason
from harness.validation.compile.bindings import BINDABLE
from harness.validation.compile.tree import Node, type_code
from harness.validation.location import Location
from harness.validation.resource_rules.differential import Constrained
from harness.validation.resource_rules.reading import choice, part, parts, text, texts
from harness.validation.scope import Scope

_ORDERED = frozenset(
    {"date", "dateTime", "instant", "time", "decimal", "integer", "positiveInt", "unsignedInt", "Quantity", "Age",
     "Count", "Distance", "Duration", "SimpleQuantity", "Money"}
)  # fmt: skip
_TEXTS = frozenset(
    {"string", "code", "id", "markdown", "uri", "url", "canonical", "oid", "uuid", "base64Binary", "xhtml"}
)
_TARGETED = frozenset({"Reference", "canonical"})
_ABSTRACT = frozenset({"Element", "BackboneElement", "Resource", "DomainResource"})
_ANY_CHILD = {"Element": "Element", "Resource": "Resource", "DomainResource": "DomainResource"}
_UNLISTED = ("meaningWhenMissing",)
"""What only a type's own definition may say of an element (ElementDefinition, the table of §2.26.3.2)."""
_FEW = 12
"""Codes that are named."""


def check(item: Constrained, definition: Location, scope: Scope) -> None:
    """Report what cannot be said of the element; ``definition`` is the place of the whole."""
    element, where = item.element, item.where
    stated = [type_code(entry) for entry, _ in parts(element, "type", where)]
    for name in _UNLISTED:
        if name in element:
            scope.report("element-not-in-profile", where, found=name)
    check_relevance(element, where, scope)
    if item.base is not None:
        _check_cardinality(item, item.base, definition, scope)
        _check_extension(item, definition, scope)
        _check_types(item, item.base, definition, scope)
        _check_values(item, stated or item.base.type_codes, definition, scope)
        if item.base.element.get("mustSupport") is True and item.element.get("mustSupport") is False:
            en, fr = "mustSupport is true in the base, and false here", "mustSupport est true dans la base, false ici"
            _broken(item, en, fr, definition, scope)
    _check_profiles(item, definition, scope)
    _check_binding(item, definition, scope)


def _broken(item: Constrained, en: str, fr: str, definition: Location, scope: Scope) -> None:
    """Report that what ``item`` says cannot be, in English and French."""
    name = item.identity
    scope.report("definition-invalid", definition, detail=Reason(f"{name}: {en}", f"{name} : {fr}"))


def check_relevance(element: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report facets that mean nothing for the types that are stated beside them."""
    stated = [type_code(entry) for entry, _ in parts(element, "type", where)]
    facets = {
        "binding": ("binding" in element, BINDABLE),
        "minValue": (choice(element, "minValue") is not None, _ORDERED),
        "maxValue": (choice(element, "maxValue") is not None, _ORDERED),
        "maxLength": ("maxLength" in element, _TEXTS),
        "targetProfile": (any("targetProfile" in entry for entry, _ in parts(element, "type", where)), _TARGETED),
    }
    for name, (given, types) in facets.items():
        if given and stated and types.isdisjoint(stated):
            scope.report("element-irrelevant", where, found=name, expected=", ".join(stated))


def _check_cardinality(item: Constrained, base: Node, definition: Location, scope: Scope) -> None:
    if item.slice_name is not None:
        return
    low, high = item.element.get("min"), text(item.element, "max")
    if type(low) is int and low < base.min:
        en, fr = (
            f"min {low} is less than the {base.min} of the base",
            f"min {low} est inférieur à {base.min}, de la base",
        )
        _broken(item, en, fr, definition, scope)
    if base.max is not None and _more(high, base.max):
        en, fr = f"max {high} is more than the {base.max} of the base", f"max {high} dépasse {base.max}, de la base"
        _broken(item, en, fr, definition, scope)


def _check_extension(item: Constrained, definition: Location, scope: Scope) -> None:
    """An extension occurs no more often than its own definition says (R4 defining-extensions, cardinality)."""
    high = text(item.element, "max")
    judge = scope.session.judge
    for entry, _ in parts(item.element, "type", item.where) if high is not None else ():
        for canonical in texts(entry, "profile") if type_code(entry) == "Extension" else ():
            root = judge.compiler.tree(canonical) if judge.extension(canonical) is not None else None
            if root is not None and root.max is not None and _more(high, root.max):
                en = f"max {high} is more than the {root.max} of {canonical}"
                _broken(item, en, f"max {high} dépasse {root.max}, de {canonical}", definition, scope)


def _more(high: str | None, most: int) -> bool:
    """Whether a ``max`` allows more than ``most``; what is no number is left to its own constraint."""
    return high == "*" or (high is not None and high.isascii() and high.isdigit() and int(high) > most)


def _check_types(item: Constrained, base: Node, definition: Location, scope: Scope) -> None:
    """The types are among the base's; the targets of references are, or derive from, the base's."""
    allowed = base.type_codes
    if not allowed or item.path.endswith((".id", ".url")):
        return
    judge = scope.session.judge
    for entry, _ in parts(item.element, "type", item.where):
        code = type_code(entry)
        if not code:
            continue
        if code not in allowed and not (code not in _ABSTRACT and any(name in _ANY_CHILD for name in allowed)):
            names = ", ".join(allowed)
            en, fr = (
                f"the type {code} is none of the base's ({names})",
                f"le type {code} n'est pas de la base ({names})",
            )
            _broken(item, en, fr, definition, scope)
            continue
        wanted = [t for e in base.types if type_code(e) == code for t in e.get("targetProfile") or ()]
        if not wanted:
            continue
        for target in texts(entry, "targetProfile"):
            if judge.definitions.structure(target) is None or any(_within(target, w, scope) for w in wanted):
                continue
            names = ", ".join(w.rpartition("/")[2] for w in wanted)
            en = f"the target {target} is none of the base's ({names})"
            _broken(item, en, f"la cible {target} n'est pas de la base ({names})", definition, scope)


def _within(target: str, wanted: str, scope: Scope) -> bool:
    judge = scope.session.judge
    plain = wanted.partition("|")[0]
    return judge.derives_from(target.partition("|")[0], plain) or judge.definitions.structure(plain) is None


def _check_values(item: Constrained, types: list[str], definition: Location, scope: Scope) -> None:
    """fixed[x] and pattern[x] are of a type of the element."""
    if item.path.endswith(".id") or not types or (not _ABSTRACT.isdisjoint(types) and types != ["BackboneElement"]):
        return
    for stem in ("fixed", "pattern"):
        held = choice(item.element, stem)
        if held is not None and held[0].lower() not in {name.lower() for name in types}:
            names = ", ".join(types)
            en = f"{stem}{held[0]} does not fit the types {names}"
            _broken(item, en, f"{stem}{held[0]} ne convient pas aux types {names}", definition, scope)


def _check_profiles(item: Constrained, definition: Location, scope: Scope) -> None:
    """The profiles of a type are about that type, and those of extensions modify where they may."""
    judge = scope.session.judge
    for entry, place in parts(item.element, "type", item.where):
        code = type_code(entry)
        if "targetProfile" in entry and code not in _TARGETED:
            for index, target in enumerate(texts(entry, "targetProfile")):
                scope.report("target-not-allowed", (place, "targetProfile", index), found=target, expected=code)
        for index, canonical in enumerate(texts(entry, "profile")):
            structure = judge.definitions.structure(canonical) if "#" not in canonical else None
            about = text(structure, "type") if structure else None
            spot = (place, "profile", index)
            if about is None or code in _ABSTRACT:
                continue
            if about != code:
                scope.report("profile-other-type", spot, found=canonical, expected=code, detail=about)
                en, fr = f"{canonical} is about {about}, not {code}", f"{canonical} porte sur {about}, et non {code}"
                _broken(item, en, fr, definition, scope)
            elif code == "Extension" and item.path.endswith(("xtension", "Extension")):
                known = judge.extension(canonical)
                if known is not None and known.modifier is not item.path.endswith("modifierExtension"):
                    duty = "" if known.modifier else Reason("not ", "ne pas ")
                    scope.report("extension-modifier", spot, found=canonical, detail=duty)


def _check_binding(item: Constrained, definition: Location, scope: Scope) -> None:
    binding = part(item.element, "binding")
    canonical, strength = text(binding, "valueSet"), text(binding, "strength")
    definitions = scope.session.judge.definitions
    if canonical and definitions.value_set(canonical) is None:
        other = definitions.find(canonical)
        if other is not None:
            kind = text(other, "resourceType")
            scope.report("not-a-value-set", (item.where, "binding", -1), found=canonical, expected=kind)
    known = part(item.base.element, "binding") if item.base is not None else {}
    if known.get("strength") == "required" and strength not in (None, "required"):
        en = f"the binding is required in the base, and {strength} here"
        fr = f"le lien terminologique est required dans la base, et {strength} ici"
        _broken(item, en, fr, definition, scope)
    elif known.get("strength") == "required" and canonical:
        _check_subset(item, canonical, str(known.get("valueSet")), definition, scope)


def _check_subset(item: Constrained, own: str, wanted: str, definition: Location, scope: Scope) -> None:
    """What is bound as required is bound to some of these codes, or all (profiling §5.1.0.6)."""
    codes = scope.session.judge.terminology.codes
    allowed, given = codes(wanted) or (), codes(own) or ()
    known = {(one.system, one.code) for one in allowed}
    more = sorted({one.code for one in given if (one.system, one.code) not in known}) if known else []
    if more:
        listed = ", ".join(more[:_FEW])
        en, fr = (
            f"{own} has codes that {wanted} has not ({listed})",
            f"{own} a des codes que {wanted} n'a pas ({listed})",
        )
        _broken(item, en, fr, definition, scope)
