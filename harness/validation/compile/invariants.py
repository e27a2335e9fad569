"""The facet constraint: compiled FHIRPath. What the walk itself checks is left out here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath import Expression, compile_expression
from harness.reason import told
from harness.validation.assertions.invariant import Invariant
from harness.validation.compile.corrections import EXPRESSIONS
from harness.validation.schema import Assertion, Origin

NATIVE = frozenset({"ele-1", "ext-1", "txt-1", "txt-2", "dom-3", "bdl-7", "ref-1"})
"""Constraints of the core that the walk checks itself."""
_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"

_BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"


def build(constraints: Iterable[Mapping[str, Any]], focus_type: str, origin: Origin) -> Iterator[Assertion]:
    """The invariants among ``constraints``; one with no expression says so when it is checked."""
    seen: set[str] = set()
    for constraint in constraints:
        key = str(constraint.get("key", ""))
        if key in NATIVE or key in seen:
            continue
        seen.add(key)
        text = constraint.get("expression")
        if not text:
            continue  # an xpath-only constraint is for people
        expression: Expression | None = None
        problem: str | None = None
        try:
            expression = compile_expression(_with_types(EXPRESSIONS.get(text, text)))
        except FHIRPathError as error:
            problem = told(error)
        severity = "warning" if constraint.get("severity") == "warning" or _best_practice(constraint) else "error"
        human, human_fr = str(constraint.get("human", "")), _translated(constraint.get("_human"), "fr")
        yield Invariant(origin, key, severity, human, text, expression, focus_type, problem, human_fr)


def _with_types(text: str) -> str:
    """``text`` with the types of the variables, which the walk knows, as variables of their own."""
    for name in ("context", "resource", "rootResource"):
        text = text.replace(f"%{name}.type().name", f"%{name}Type")
    return text


def _translated(companion: Any, language: str) -> str | None:
    """What the translation extensions of an element say in ``language``, whatever its country; None without one."""
    for extension in (companion.get("extension") or ()) if isinstance(companion, Mapping) else ():
        if extension.get("url") == _TRANSLATION:
            parts = {part.get("url"): part for part in extension.get("extension") or ()}
            spoken, content = str(parts.get("lang", {}).get("valueCode")), parts.get("content", {})
            text = content.get("valueString") or content.get("valueMarkdown")  # R5 made it markdown
            if spoken.partition("-")[0] == language and isinstance(text, str):
                return text
    return None


def _best_practice(constraint: Mapping[str, Any]) -> bool:
    return any(
        extension.get("url") == _BEST_PRACTICE and extension.get("valueBoolean")
        for extension in constraint.get("extension") or ()
    )
