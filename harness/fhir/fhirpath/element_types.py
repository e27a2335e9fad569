"""Types of elements from StructureDefinitions, for `Environment.child_type`."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from harness.fhir.fhirpath.environment import ChildType

_SYSTEM = "http://hl7.org/fhirpath/System."
_BACKBONE = frozenset({"BackboneElement", "Element"})


class _Snapshots(Protocol):
    def type_definition(self, name: str) -> Mapping[str, Any] | None: ...

    def snapshot(self, canonical: str) -> Sequence[Mapping[str, Any]]: ...


def child_types(definitions: _Snapshots) -> ChildType:
    """Make the function that tells the type of a child; it reads each StructureDefinition once, when asked for it."""

    @cache
    def table(root: str) -> dict[str, str | None]:
        structure = definitions.type_definition(root)
        if structure is None:
            return {}
        return {element["path"]: _kind(element) for element in definitions.snapshot(str(structure["url"]))}

    def child_type(kind: str, name: str) -> str | None:
        return table(kind.partition(".")[0]).get(f"{kind}.{name}")

    return child_type


def _kind(element: Mapping[str, Any]) -> str | None:
    reference = element.get("contentReference")
    if isinstance(reference, str):
        return reference.rpartition("#")[2]
    codes = [each.get("code", "") for each in element.get("type", ())]
    if len(codes) != 1:
        return None
    if codes[0] in _BACKBONE:
        return str(element["path"])
    return "string" if codes[0].startswith(_SYSTEM) else str(codes[0])
