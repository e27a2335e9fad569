"""The translation agrees with fhirpathpy on every invariant of the R4 core, on generated fragments of resources."""

import re
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any

import fhirpathpy
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import FHIRPathError
from harness.fhir.definitions import Definitions
from harness.fhir.fhirpath import Environment, compile_expression
from harness.fhir.fhirpath.element_types import child_types
from harness.fhir.fhirpath.narrative import narrative_faults

FHIRPATHPY_IS_WRONG = {
    "dom-3": "refuses as() on a collection, which this invariant of R4 needs as a filter",
    "que-7": "does not let a FHIR boolean pass for System.Boolean, which the invariant means",
    "rng-2": "compares quantities as Python dictionaries, which raises",
    "tim-9": "evaluates the right of 'or' although the left is true, and fails there",
}

DEFINITIONS = Definitions.embedded()
CHILD_TYPE = child_types(DEFINITIONS)


@cache
def invariants() -> dict[str, tuple[str, str, str]]:
    """expression -> (key, path of the element that has it, that element's first type or path)."""
    found: dict[str, tuple[str, str, str]] = {}
    for name in sorted(DEFINITIONS.resource_types | DEFINITIONS.complex_types):
        for element in DEFINITIONS.snapshot(f"http://hl7.org/fhir/StructureDefinition/{name}"):
            kind = (types(element) or [name])[0]
            for constraint in element.get("constraint", ()):
                if "expression" in constraint:
                    found.setdefault(constraint["expression"], (constraint["key"], element["path"], kind))
    return found


def types(element: Any) -> list[str]:
    """The types of an element; a backbone element's is its path."""
    if "contentReference" in element:
        return [element["contentReference"].rpartition("#")[2]]
    codes = [each["code"] for each in element.get("type", ())]
    return [element["path"] if code in ("BackboneElement", "Element") else code for code in codes]


@cache
def children(kind: str) -> list[Any]:
    structure = DEFINITIONS.type_definition(kind.partition(".")[0])
    snapshot = DEFINITIONS.snapshot(structure["url"]) if structure else ()
    return [element for element in snapshot if element["path"].rpartition(".")[0] == kind]


class Maker:
    """Makes fragments with the names and texts that an expression mentions, so that it has something to say."""

    def __init__(self, random: Random, expression: str) -> None:
        self.random = random
        self.names = frozenset(re.findall(r"[A-Za-z]+", expression))
        self.texts = [*re.findall(r"'([^'\\]*)'", expression), "a", "b1", "1", "#x"]

    def value(self, kind: str, depth: int = 0) -> Any:
        choices: dict[str, Sequence[Any]] = {
            "boolean": [True, False],
            **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), (0, 1, 2, 5)),
            "decimal": [0, 1.5, 99, 101.25],
            "date": ["2020", "2020-02", "2021-03-04"],
            **dict.fromkeys(("dateTime", "instant"), ("2020-02-03T10:00:00Z", "2021-02-03T10:00:00+02:00")),
            "time": ["10:00:00"],
            "xhtml": ['<div xmlns="http://www.w3.org/1999/xhtml">a</div>', "<p>"],
        }
        if kind[0].islower() or "System." in kind:
            return self.random.choice(choices.get(kind, self.texts))
        return self.complex(kind, depth + 1)

    def complex(self, kind: str, depth: int = 0) -> dict[str, Any]:
        if kind in ("Resource", "DomainResource"):
            kind = self.random.choice(["Composition", "Patient", "MessageHeader"])
        made: dict[str, Any] = {"resourceType": kind} if kind in DEFINITIONS.resource_types else {}
        for element in children(kind):
            name = element["path"].rpartition(".")[2]
            stem = name.removesuffix("[x]")
            likely = 0.75 if stem in self.names else 0.4 if depth and "." not in kind else 0.06
            if depth > 3 or self.random.random() > likely or (name == "contained" and depth > 1):
                continue
            chosen = self.random.choice(types(element))
            key = stem + chosen[0].upper() + chosen[1:] if name.endswith("[x]") else stem
            number = self.random.choice([1, 1, 2, 3]) if element["max"] != "1" else None
            value = self.value(chosen, depth) if number is None else [self.value(chosen, depth) for _ in range(number)]
            if value not in ({}, [{}]):
                made[key] = value
        return made


@cache
def reference(expression: str) -> Any:
    """fhirpathpy's compiled expression, with the functions of FHIR that it lacks and the invariants use."""
    table = {
        "hasValue": {"fn": lambda items: len(items) == 1 and not isinstance(items[0], dict), "arity": {0: []}},
        "htmlChecks": {"fn": lambda items: not narrative_faults(items[0]), "arity": {0: []}},
        "resolve": {"fn": lambda items: [], "arity": {0: []}},
    }
    options = {"userInvocationTable": table, "traceFn": lambda name, values: None}
    return fhirpathpy.compile(expression, models["r4"], options)


def test_every_invariant_of_the_core_is_native() -> None:
    assert len(invariants()) > 180
    assert [text for text in invariants() if not compile_expression(text).native] == []


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(sorted(invariants())), st.integers(0, 2**32))
def test_native_and_fhirpathpy_agree(expression: str, seed: int) -> None:
    key, path, kind = invariants()[expression]
    if key in FHIRPATHPY_IS_WRONG:
        return
    maker = Maker(Random(seed), expression)
    focus = maker.value(path if "." not in path else kind)
    resource = focus if "." not in path and "resourceType" in focus else maker.complex(path.partition(".")[0])
    environment = Environment(
        resource, resource, focus, focus_type=path if "." not in path else kind, child_type=CHILD_TYPE
    )
    node = focus if focus is resource else ResourceNode.create_node(focus, environment.focus_type)
    try:
        mine: object = compile_expression(expression).evaluate(focus, environment)
    except FHIRPathError:
        mine = "refused"
    try:
        theirs = reference(expression)(node, {"resource": resource, "rootResource": resource, "context": node})
    except Exception:  # fhirpathpy raises bare exceptions
        theirs = "refused"
    assert mine == theirs, f"{key} on {focus}"


def test_every_exception_from_agreement_names_an_invariant() -> None:
    assert FHIRPATHPY_IS_WRONG.keys() <= {key for key, _, _ in invariants().values()}
