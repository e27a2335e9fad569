"""The facets fixed[x], pattern[x], minValue[x], maxValue[x] and maxLength, and HL7's extensions of that kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.validation.assertions.fixed import Fixed
from harness.validation.assertions.limits import Bound, Form, MaxLength, MinLength, MustHaveValue
from harness.validation.assertions.pattern import Pattern
from harness.validation.compile.tree import Node
from harness.validation.schema import Assertion, Origin

_MIN_LENGTH = "http://hl7.org/fhir/StructureDefinition/minLength"
_REGEX = "http://hl7.org/fhir/StructureDefinition/regex"
_MUST_HAVE_VALUE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.mustHaveValue"


def choice_value(node: Node, stem: str) -> Any:
    """The value of the choice ``stem`` ("fixed", "pattern", "minValue") of the ElementDefinition; None if absent."""
    size = len(stem)
    for key, value in node.element.items():
        if key.startswith(stem) and key[size : size + 1].isupper():
            return value
    return None


def build(node: Node, origin: Origin) -> Iterator[Assertion]:
    """The assertions of these facets for ``node``."""
    fixed = choice_value(node, "fixed")
    if fixed is not None:
        yield Fixed(origin, fixed)
    pattern = choice_value(node, "pattern")
    if pattern is not None:
        yield Pattern(origin, pattern)
    for stem, sign in (("minValue", -1), ("maxValue", 1)):
        bound = choice_value(node, stem)
        if bound is not None:
            yield Bound(origin, bound, sign)
    limit = node.element.get("maxLength")
    if isinstance(limit, int):
        yield MaxLength(origin, limit)
    yield from _extended(node, origin)


def _extended(node: Node, origin: Origin) -> Iterator[Assertion]:
    for extension in node.element.get("extension") or ():
        url = extension.get("url")
        if url == _MIN_LENGTH and isinstance(extension.get("valueInteger"), int):
            yield MinLength(origin, extension["valueInteger"])
        elif url == _REGEX and isinstance(extension.get("valueString"), str):
            yield Form(origin, extension["valueString"])
        elif url == _MUST_HAVE_VALUE and extension.get("valueBoolean") is True:
            yield MustHaveValue(origin)
