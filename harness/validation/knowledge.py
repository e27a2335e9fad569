"""What assertions may ask while they check, without knowing who answers (the judge does)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from harness.fhir.definitions import Definitions
from harness.fhir.fhirpath import Environment
from harness.fhir.terminology import Terminology
from harness.validation.location import Location

Answer = tuple["bool | None", str]
"""Yes, no or not known, and why."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that an extension may have, by url, each with its own; None where they are not told apart by url."""

    by_url: Mapping[str, Parts | None]


@dataclass(frozen=True, slots=True)
class ExtensionDefinition:
    """What matters of an extension where it is used: ``contexts`` are names of elements, ``within`` urls of extensions,
    ``selections`` FHIRPath that selects elements, ``rules`` FHIRPath that holds for the element.
    """

    url: str
    modifier: bool
    contexts: frozenset[str]
    anywhere: bool
    parts: Parts | None
    within: frozenset[str] = frozenset()
    selections: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def context_text(self) -> str:
        """The contexts in words."""
        return " | ".join(sorted({*self.contexts, *self.within, *self.selections}))


class Schema(Protocol):
    """A compiled profile, as the walk uses it."""

    @property
    def type(self) -> str:
        """The type that it is about."""

    def check(self, value: Any, where: Location, scope: Any) -> None:
        """Judge ``value``."""


class Knowledge(Protocol):
    """The questions, in the judge's words; ``scope`` is always the scope of the element that asks."""

    @property
    def definitions(self) -> Definitions: ...
    @property
    def terminology(self) -> Terminology: ...
    @property
    def compiler(self) -> Any: ...
    @property
    def resource_types(self) -> frozenset[str]: ...

    def schema(self, canonical: str) -> Schema | None: ...
    def type_schema(self, name: str) -> Schema | None: ...
    def problem(self, canonical: str) -> str | None: ...
    def imposed(self, canonical: str) -> tuple[str, ...]: ...
    def global_profiles(self, name: str) -> tuple[str, ...]: ...
    def derives_from(self, canonical: str, ancestor: str) -> bool: ...
    def report_unknown(self, canonical: str, where: Location, scope: Any) -> None: ...
    def apply(self, value: Any, canonical: str, where: Location, scope: Any) -> None: ...
    def conforms(self, value: Any, canonical: str, where: Location, scope: Any) -> bool | None: ...
    def nested(
        self, slot: Any, value: dict[str, Any], parent: Mapping[str, Any], where: Location, scope: Any
    ) -> None: ...

    def member(self, value_set: str, system: str | None, code: str | None) -> Answer: ...
    def inside(self, resource: Mapping[str, Any], system: str | None, code: str) -> Answer: ...
    def hint(self, value_set: str, code: str | None, system: str | None = None) -> str | None: ...
    @property
    def retired(self) -> Mapping[str, frozenset[str]]: ...
    def code_system(self, system: str) -> dict[str, dict[str, str]] | None: ...
    def is_value_set(self, url: str) -> bool: ...

    def extension(self, url: str) -> ExtensionDefinition | None: ...
    def in_context(
        self, definition: ExtensionDefinition, names: frozenset[str], where: Location, scope: Any
    ) -> bool | None: ...
    def referenced_type(self, reference: Mapping[str, Any]) -> str | None: ...
    def target_type(self, canonical: str) -> str: ...
    def target_fits(self, canonical: str, name: str) -> bool: ...
    def is_plain_type(self, canonical: str) -> bool: ...
    def type_of(self, value: Any, where: Location | None) -> str | None: ...

    def nearest(self, word: str, known: Iterable[str]) -> str | None: ...
    def environment(self, scope: Any, focus_type: str | None) -> Environment: ...
