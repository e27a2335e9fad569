"""The way to fhirpathpy, for what the translation does not cover: powers, roots, logarithms and its own functions.

fhirpathpy and its grammar are slow to import, so they are loaded with the first expression that needs them.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.environment import Environment
from harness.fhir.fhirpath.fhir_functions import FHIR_FUNCTIONS, FHIR_JUDGES
from harness.fhir.fhirpath.functions import Function
from harness.fhir.fhirpath.values import Element, plain

Evaluate = Callable[[Any, Environment], list[Any]]


@cache
def _engine() -> Any:
    return import_module("fhirpathpy")


def _node(focus: Any, kind: str | None) -> Any:
    if kind is None or (isinstance(focus, dict) and "resourceType" in focus):
        return focus
    return import_module("fhirpathpy.engine.nodes").ResourceNode.create_node(focus, kind)


@cache
def _model() -> Any:
    return import_module("fhirpathpy.models").models["r4"]


def _fault(error: Exception, text: str) -> FHIRPathError:
    return FHIRPathError(
        f"FHIRPath, by fhirpathpy: {error}, in: {text}", f"FHIRPath, par fhirpathpy : {error}, dans : {text}"
    )


def bridge(text: str) -> Evaluate:
    """Prepare an expression for fhirpathpy; evaluating raises FHIRPathError where fhirpathpy cannot."""
    engine = _engine()
    try:
        parsed = engine.compile(text, _model()).parsedPath
    except Exception as error:  # fhirpathpy and ANTLR raise bare exceptions
        raise _fault(error, text) from error

    def evaluate(focus: Any, environment: Environment) -> list[Any]:
        options = {"userInvocationTable": _table(environment), "traceFn": environment.trace or _silent}
        try:
            start = _node(focus, environment.focus_type)
            found = engine.apply_parsed_path(start, parsed, _variables(focus, environment), _model(), options)
        except FHIRPathError:
            raise
        except Exception as error:
            raise _fault(error, text) from error
        return [float(each) if isinstance(each, Decimal) else each for each in found]

    return evaluate


def _silent(_name: str, _values: Any) -> None:
    return None


def _variables(focus: Any, environment: Environment) -> dict[str, Any]:
    return {
        "sct": "http://snomed.info/sct",
        "loinc": "http://loinc.org",
        "resource": environment.resource if environment.resource is not None else focus,
        "rootResource": environment.root_resource if environment.root_resource is not None else focus,
        "context": environment.context if environment.context is not None else focus,
        **environment.variables,
    }


def _table(environment: Environment) -> dict[str, Any]:
    return {
        name: _entry(function, environment)
        for name, function in {**FHIR_FUNCTIONS, **FHIR_JUDGES}.items()
        if name not in ("extension", "type")  # fhirpathpy has its own, which keep the types
    }


def _entry(function: Function, environment: Environment) -> dict[str, Any]:
    def call(inputs: list[Any], *arguments: Any) -> list[Any]:
        items = [Element(each) if isinstance(each, dict) else each for each in inputs]
        found = function.call(items, environment, *([argument] for argument in arguments))
        return [plain(each) for each in found] if isinstance(found, list) else [] if found is None else [found]

    return {"fn": call, "arity": {number: ["String"] * number for number in range(function.least, function.most + 1)}}
