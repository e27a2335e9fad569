"""The search parameters of each resource type, from the SearchParameter definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.fhir.definitions import Definitions
from harness.sandbox.search.paths import Found, compile_path, split

_TYPES = "http://hl7.org/fhir/StructureDefinition/"
_MHD = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/"
_SUPPORTED = frozenset({"token", "string", "date", "quantity", "number", "uri", "reference", "composite"})
_SPECIAL = frozenset({("Location", "near")})
_IMPLIED = frozenset({"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"})

# The published expressions look for these extensions under URLs, types or places where no profile puts them.
_CORRECTED: Mapping[tuple[str, str], str] = {
    ("List", "designationType"): " | ".join(
        f"List.extension('{_MHD}{name}').value" for name in ("ihe-designationType", "DesignationType")
    ),
    ("List", "sourceId"): " | ".join(f"List.extension('{_MHD}{name}').value" for name in ("ihe-sourceId", "SourceId")),
    ("List", "authorOrg"): f"List.source.extension('{_MHD}ihe-authorOrg').value | "
    f"List.extension('{_MHD}ihe-authorOrg').value",
}
# The published composite has the expressions of its two parts the wrong way round.
_CORRECTED_PARTS: Mapping[str, str] = {
    "http://hl7.org/fhir/SearchParameter/DocumentReference-relatesto": "target",
    "http://hl7.org/fhir/SearchParameter/DocumentReference-relation": "code",
}
_WIDER_TARGETS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("List", "source"): ("Practitioner", "PractitionerRole", "Patient", "Device"),
    ("List", "authorOrg"): ("Organization",),
}


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a composite parameter: the parameter it is compared as, and where its values are."""

    type: str
    find: Callable[[dict[str, Any]], list[Found]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter of one resource type. ``key`` names it in the index tables.

    ``systems`` are the code systems that a ``code`` element implies by its required binding.
    """

    base: str
    code: str
    type: str
    url: str
    find: Callable[[dict[str, Any]], list[Found]]
    targets: tuple[str, ...] = ()
    components: tuple[Component, ...] = ()
    systems: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """``Type.code``."""
        return f"{self.base}.{self.code}"


class Parameters:
    """The parameters of all types, compiled when a type is first used."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._types: dict[str, dict[str, Parameter]] = {}

    def of(self, type_: str) -> Mapping[str, Parameter]:
        """Return code -> parameter for the resource type ``type_``."""
        if type_ not in self._types:
            found = {
                code: self._compile(type_, code, raw)
                for code, raw in self._definitions.search_parameters(type_).items()
                if (raw.get("type") in _SUPPORTED or (type_, code) in _SPECIAL)
                and raw.get("expression")
                and _wanted(code)
            }
            self._types[type_] = found
        return self._types[type_]

    def general(self) -> list[Parameter]:
        """The parameters that every type has."""
        return [parameter for code, parameter in self.of("Basic").items() if code in _IMPLIED]

    def referring(self, type_: str) -> list[str]:
        """``Type:code`` of the declared reference parameters that may point at ``type_`` and name few types."""
        return sorted(
            f"{base}:{code}"
            for base in self._definitions.resource_types
            for code, raw in self._definitions.search_parameters(base).items()
            if raw.get("type") == "reference" and type_ in raw.get("target", ()) and len(raw["target"]) < 20
        )

    def _compile(self, type_: str, code: str, raw: Mapping[str, Any]) -> Parameter:
        expression = _CORRECTED.get((type_, code), raw["expression"])
        targets = _WIDER_TARGETS.get((type_, code), tuple(raw.get("target", ())))
        return Parameter(
            base=type_,
            code=code,
            type=raw["type"],
            url=raw.get("url", ""),
            find=compile_path(expression, type_),
            targets=_own_targets(expression, type_) or targets,
            components=tuple(self._component(part) for part in raw.get("component", ())),
            systems=self._systems(type_, expression) if raw["type"] == "token" else (),
        )

    def _systems(self, type_: str, expression: str) -> tuple[str, ...]:
        """The code systems of the value set that the element of a plain path is bound to."""
        paths = {term for term in split(expression) if term.startswith(f"{type_}.")}
        found: dict[str, None] = {}
        for element in self._definitions.snapshot(f"{_TYPES}{type_}") if paths else ():
            binding = element.get("binding", {})
            if element["path"] in paths and binding.get("strength") == "required":
                value_set = self._definitions.value_set(binding.get("valueSet", "")) or {}
                found |= dict.fromkeys(
                    item["system"] for item in value_set.get("compose", {}).get("include", ()) if "system" in item
                )
        return tuple(found)

    def _component(self, part: Mapping[str, Any]) -> Component:
        definition = self._definitions.search_parameter(part["definition"]) or {}
        expression = _CORRECTED_PARTS.get(part["definition"], part["expression"])
        return Component(definition.get("type", "token"), compile_path(expression, ""))


def _wanted(code: str) -> bool:
    return not code.startswith("_") or code in _IMPLIED


def _own_targets(expression: str, type_: str) -> tuple[str, ...]:
    """``(Patient,)`` when this type's term of a shared expression keeps patients only."""
    marker = ".where(resolve() is "
    own = [term for term in split(expression) if term.startswith(f"{type_}.")]
    if own and all(marker in term for term in own):
        return tuple(term.split(marker)[1].rstrip(")") for term in own)
    return ()
