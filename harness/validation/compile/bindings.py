"""The facet binding, with the maximum value set of an extensible one and R5's additional bindings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.validation.assertions.binding import Binding, Usage, UsedBinding, concepts
from harness.validation.compile.corrections import BINDINGS
from harness.validation.compile.tree import Node
from harness.validation.schema import Assertion, Origin

BINDABLE = frozenset(
    {"code", "Coding", "CodeableConcept", "Quantity", "uri", "string", "Duration", "Age", "SimpleQuantity"}
)
_MAXIMUM = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_ADDITIONAL = (
    "http://hl7.org/fhir/tools/StructureDefinition/additional-binding",
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.binding.additional",
)
_KINDS = {
    "required": "required",
    "maximum": "maximum",
    "extensible": "extensible",
    "preferred": "preferred",
}
"""Purpose of an additional binding -> how it binds. ``current`` is for new records only, which no instance tells."""
_PROFILE_LIMITS = frozenset({"extensible", "preferred"})
"""Strengths beside which a maximum value set has a meaning (extension elementdefinition-maxValueSet)."""


def build(node: Node, code: str, origin: Origin) -> Iterator[Assertion]:
    """The bindings of ``node`` that can be judged for its type ``code``; ``example`` asks for nothing."""
    binding = node.element.get("binding")
    if not binding or code not in BINDABLE:
        return
    strength, value_set = binding.get("strength"), binding.get("valueSet")
    if strength == "required" and value_set:
        strength = BINDINGS.get(value_set.partition("|")[0], strength)
    if value_set and strength in ("required", "extensible", "preferred"):
        yield Binding(origin, strength, value_set, code)
    for extension in binding.get("extension") or ():
        url = extension.get("url")
        if url == _MAXIMUM and binding.get("strength") in _PROFILE_LIMITS:
            maximum = extension.get("valueCanonical") or extension.get("valueUri")
            if maximum:
                yield Binding(origin, "maximum", maximum, code, binding["strength"] == "extensible")
        elif url in _ADDITIONAL:
            yield from _additional(_parts(extension), code, origin)
    for additional in binding.get("additional") or ():
        yield from _additional(additional, code, origin)


def _parts(extension: Mapping[str, Any]) -> dict[str, Any]:
    """The nested extensions of an additional binding as the keys that R5 gives them."""
    parts: dict[str, Any] = {}
    for part in extension.get("extension") or ():
        value = next((v for k, v in part.items() if k.startswith("value")), None)
        name = str(part.get("url"))
        if name == "usage":
            parts.setdefault(name, []).append(value)
        else:
            parts[name] = value
    return parts


def _additional(additional: Mapping[str, Any], code: str, origin: Origin) -> Iterator[Assertion]:
    strength = _KINDS.get(str(additional.get("purpose")))
    value_set = additional.get("valueSet")
    if not strength or not value_set:
        return
    usages = [_usage(usage, origin) for usage in additional.get("usage") or ()]
    told = [usage for usage in usages if usage is not None]
    if len(told) == len(usages):  # the others cannot be judged from the instance
        plain = Binding(origin, strength, value_set, code)
        yield UsedBinding(plain, tuple(told)) if told else plain


def _usage(usage: Any, origin: Origin) -> Usage | None:
    """The element of the profile that the usage context names, and the codes that it must have one of."""
    if not isinstance(usage, Mapping):
        return None
    code = usage.get("code") or {}
    concept = usage.get("valueCodeableConcept")
    if not concept or str(code.get("system")).partition("|")[0] != origin.profile.partition("|")[0]:
        return None
    return str(code.get("code")), frozenset(concepts(concept))
