"""Translates a syntax tree into Python closures.

Every node becomes a `Collect`: a function of (focus, environment) that gives a collection. What can only be true, false
or empty also becomes a `Judge` that gives True, False or None, so that conditions never build collections of booleans.
The focus is a list, since ``iif`` may be applied to an empty collection; ``$this`` is that focus.
"""

# ruff: noqa: ARG001, ARG005  (the closures share one signature, whatever they use of it)

from collections.abc import Callable
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.environment import Environment
from harness.fhir.fhirpath.fhir_functions import FHIR_FUNCTIONS, FHIR_JUDGES
from harness.fhir.fhirpath.functions import FUNCTIONS, JUDGES, Function
from harness.fhir.fhirpath.iteration import aggregate, choose, every, repeat, select, some, where
from harness.fhir.fhirpath.navigation import head, member, present, type_of
from harness.fhir.fhirpath.operators import ARITHMETIC, COMPARISONS, integer_of, negate, one, truth_of
from harness.fhir.fhirpath.strings import TEXT_FUNCTIONS, TEXT_JUDGES
from harness.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Indexer,
    Literal,
    Member,
    Node,
    Polarity,
    Special,
    TypeOperation,
    Variable,
)
from harness.fhir.fhirpath.types import matches
from harness.fhir.fhirpath.values import Element

Items = list[Any]
Collect = Callable[[Items, Environment], Items]
Judge = Callable[[Items, Environment], bool | None]

_JUDGES: dict[str, Function] = {**JUDGES, **TEXT_JUDGES, **FHIR_JUDGES}
_FUNCTIONS: dict[str, Function] = {**FUNCTIONS, **TEXT_FUNCTIONS, **FHIR_FUNCTIONS}
_PER_ITEM_JUDGES = frozenset({"exists", "all"})
FUNCTION_NAMES = _PER_ITEM_JUDGES.union(
    _JUDGES,
    _FUNCTIONS,
    ["where", "select", "repeat", "aggregate", "iif", "is", "as", "ofType", "sqrt", "exp", "ln", "log", "power"],
    ["subsumes", "subsumedBy", "elementDefinition", "slice", "checkModifiers"],
)
"""The functions of FHIRPath N1 and of FHIR R4; what is not translated here, fhirpathpy evaluates."""


class NotNative(Exception):
    """The translation does not cover something in the expression; the message names it."""


_NOWHERE = Environment()


def collect(node: Node) -> Collect:
    """Translate to a function that gives a collection. Raises NotNative."""
    match node:
        case Literal(value):
            items = [] if value is None else [value]
            return lambda focus, environment: items
        case Special(name):
            return _special(name)
        case Variable(name):
            return _variable(name)
        case Member(None, name):
            return head(name)
        case Member(source, name) if source is not None:
            before, step = collect(source), member(name)
            return lambda focus, environment: step(before(focus, environment))
        case Indexer(source, index):
            return _indexer(collect(source), collect(index))
        case Polarity(operator, operand):
            value_of = collect(operand)
            if operator == "+":
                return value_of
            return lambda focus, environment: negate(value_of(focus, environment))
        case Binary(operator, left, right) if operator in ARITHMETIC:
            return _arithmetic(operator, left, right)
        case TypeOperation("as", operand, type_name):
            return _as_type(collect(operand), type_name)
        case Call(source, name, arguments) if not _is_judge(name):
            return _function(source, name, arguments)
    verdict = judge(node)

    def wrapped(focus: Items, environment: Environment) -> Items:
        result = verdict(focus, environment)
        return [] if result is None else [result]

    return wrapped


def judge(node: Node) -> Judge:
    """Translate to a function that gives True, False or None for empty. Raises NotNative."""
    match node:
        case Binary(operator, left, right) if operator in _LOGIC:
            return _LOGIC[operator](judge(left), judge(right))
        case Binary("=", left, Literal(str() as text)):
            return _equals_text(collect(left), text)
        case Binary(operator, left, right) if operator in COMPARISONS:
            before, after, compared = collect(left), collect(right), COMPARISONS[operator]
            return lambda focus, environment: compared(before(focus, environment), after(focus, environment))
        case TypeOperation("is", operand, type_name):
            return _is_type(collect(operand), type_name)
        case Call(source, "exists", ()):
            return _exists(source)
        case Call(source, "empty", ()):
            some = _exists(source)
            return lambda focus, environment: not some(focus, environment)
        case Call(Call() | Binary() as source, "not", ()):
            verdict = judge(source)

            def negated(focus: Items, environment: Environment) -> bool | None:
                result = verdict(focus, environment)
                return None if result is None else not result

            return negated
        case Call(source, name, arguments) if _is_judge(name):
            return _function_judge(source, name, arguments)
    items_of = collect(node)
    return lambda focus, environment: truth_of(items_of(focus, environment))


def _is_judge(name: str) -> bool:
    return name in _JUDGES or name in _PER_ITEM_JUDGES or name == "is"


def _focus(focus: Items, _: Environment) -> Items:
    return focus


def _source(source: Node | None) -> Collect:
    return _focus if source is None else collect(source)


def _special(name: str) -> Collect:
    if name == "this":
        return _focus
    if name == "index":
        return lambda focus, environment: [] if environment.index is None else [environment.index]
    return lambda focus, environment: environment.total or []


def _variable(name: str) -> Collect:
    constant = _CONSTANTS.get(name)
    if constant is not None:
        return lambda focus, environment: [constant]
    if name.startswith("vs-"):
        return lambda focus, environment: [f"http://hl7.org/fhir/ValueSet/{name[3:]}"]
    if name.startswith("ext-"):
        return lambda focus, environment: [f"http://hl7.org/fhir/StructureDefinition/{name[4:]}"]

    def value_of(focus: Items, environment: Environment) -> Items:
        value = _bound(name, environment)
        if value is None:
            return []
        if name == "context":
            is_resource = type(value) is dict and "resourceType" in value
            return [Element(value, None, None if is_resource else environment.focus_type)]
        values = value if type(value) is list else [value]
        return [Element(each) if type(each) in (dict, float) else each for each in values]

    return value_of


_CONSTANTS = {"ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}


def _bound(name: str, environment: Environment) -> Any:
    match name:
        case "resource":
            return environment.resource
        case "rootResource":
            return environment.root_resource
        case "context":
            return environment.context
    if name not in environment.variables:
        raise FHIRPathError(
            f"FHIRPath: the variable %{name} has no value here", f"FHIRPath : la variable %{name} n'a pas de valeur ici"
        )
    return environment.variables[name]


def _indexer(source: Collect, index: Collect) -> Collect:
    def at(focus: Items, environment: Environment) -> Items:
        items, place = source(focus, environment), integer_of(index(focus, environment), "[]")
        return [] if place is None or place < 0 else items[place : place + 1]

    return at


def _arithmetic(operator: str, left: Node, right: Node) -> Collect:
    before, after, operation = collect(left), collect(right), ARITHMETIC[operator]
    if _is_constant(left) and _is_constant(right):
        items = operation(before([], _NOWHERE), after([], _NOWHERE))
        return lambda focus, environment: items
    return lambda focus, environment: operation(before(focus, environment), after(focus, environment))


def _is_constant(node: Node) -> bool:
    match node:
        case Literal():
            return True
        case Binary("|", left, right):
            return _is_constant(left) and _is_constant(right)
    return False


def _passes(item: Any, type_name: str, environment: Environment) -> bool:
    return matches(item, type_of(item, environment) if type(item) is Element else None, type_name)


def _as_type(source: Collect, type_name: str) -> Collect:
    """``as`` and ``ofType``. FHIR R4's own invariants apply ``as`` to collections, so it filters them."""

    def kept(focus: Items, environment: Environment) -> Items:
        return [item for item in source(focus, environment) if _passes(item, type_name, environment)]

    return kept


def _is_type(source: Collect, type_name: str) -> Judge:
    def verdict(focus: Items, environment: Environment) -> bool | None:
        item = one(source(focus, environment), "is")
        return None if item is None else _passes(item, type_name, environment)

    return verdict


def _type_argument(arguments: tuple[Node, ...]) -> str:
    match arguments:
        case (Member(None, name),):
            return name
        case (Member(Member(None, namespace), name),):
            return f"{namespace}.{name}"
    raise FHIRPathError(
        "FHIRPath is(), as() and ofType() need the name of a type",
        "FHIRPath is(), as() et ofType() veulent le nom d'un type",
    )


def _equals_text(source: Collect, text: str) -> Judge:
    expected, equals = [text], COMPARISONS["="]

    def verdict(focus: Items, environment: Environment) -> bool | None:
        items = source(focus, environment)
        if len(items) == 1 and type(items[0]) is Element and type(items[0].value) is str:
            return bool(items[0].value == text)
        return equals(items, expected)

    return verdict


def _exists(source: Node | None) -> Judge:
    match source:
        case None:
            return lambda focus, environment: bool(focus)
        case Member(None, name) if not name[:1].isupper():
            some = present(name)
            return lambda focus, environment: some(focus)
        case Member(before, name) if before is not None:
            holders, found = collect(before), present(name)
            return lambda focus, environment: found(holders(focus, environment))
    items = collect(source)
    return lambda focus, environment: bool(items(focus, environment))


def _or(left: Judge, right: Judge) -> Judge:
    def verdict(focus: Items, environment: Environment) -> bool | None:
        first = left(focus, environment)
        if first is True:
            return True
        second = right(focus, environment)
        return second if first is False or second is True else None

    return verdict


def _and(left: Judge, right: Judge) -> Judge:
    def verdict(focus: Items, environment: Environment) -> bool | None:
        first = left(focus, environment)
        if first is False:
            return False
        second = right(focus, environment)
        return second if first is True or second is False else None

    return verdict


def _xor(left: Judge, right: Judge) -> Judge:
    def verdict(focus: Items, environment: Environment) -> bool | None:
        first, second = left(focus, environment), right(focus, environment)
        return None if first is None or second is None else first is not second

    return verdict


def _implies(left: Judge, right: Judge) -> Judge:
    def verdict(focus: Items, environment: Environment) -> bool | None:
        first = left(focus, environment)
        if first is False:
            return True
        second = right(focus, environment)
        return second if first is True or second is True else None

    return verdict


_LOGIC: dict[str, Callable[[Judge, Judge], Judge]] = {"or": _or, "and": _and, "xor": _xor, "implies": _implies}


def _function(source: Node | None, name: str, arguments: tuple[Node, ...]) -> Collect:
    """A function that gives a collection."""
    match name, arguments:
        case "where", (criteria,):
            return where(_source(source), judge(criteria), _reads_index(criteria))
        case "select", (projection,):
            return select(_source(source), collect(projection), _reads_index(projection))
        case "repeat", (projection,):
            return repeat(_source(source), collect(projection), _reads_index(projection))
        case "aggregate", (aggregator, *start):
            return aggregate(_source(source), collect(aggregator), collect(start[0]) if start else None)
        case "iif", (criterion, first, *rest):
            other = collect(rest[0]) if rest else None
            return choose(_source(source), judge(criterion), collect(first), other)
        case (("as" | "ofType"), _):
            return _as_type(_source(source), _type_argument(arguments))
    items_of: Collect = _applied(source, name, arguments, _FUNCTIONS)
    return items_of


def _function_judge(source: Node | None, name: str, arguments: tuple[Node, ...]) -> Judge:
    """A function that answers true, false or empty."""
    match name, arguments:
        case "exists", (criteria,):
            return some(_source(source), judge(criteria), _reads_index(criteria))
        case "all", (criteria,):
            return every(_source(source), judge(criteria), _reads_index(criteria))
        case "is", _:
            return _is_type(_source(source), _type_argument(arguments))
    verdict: Judge = _applied(source, name, arguments, _JUDGES)
    return verdict


def _applied(source: Node | None, name: str, arguments: tuple[Node, ...], table: dict[str, Function]) -> Any:
    """A function whose arguments are evaluated once, on the focus of the whole expression."""
    function = table.get(name)
    if function is None:
        raise NotNative(f"{name}()")
    if not function.least <= len(arguments) <= function.most:
        given = len(arguments)
        raise FHIRPathError(
            f"FHIRPath {name}() was given {given} arguments", f"FHIRPath {name}() reçoit {given} arguments"
        )
    before, call = _source(source), function.call
    values = [collect(argument) for argument in arguments]
    if not values:
        return lambda focus, environment: call(before(focus, environment), environment)
    if len(values) == 1:
        only = values[0]
        return lambda focus, environment: call(before(focus, environment), environment, only(focus, environment))
    return lambda focus, environment: call(
        before(focus, environment), environment, *[value(focus, environment) for value in values]
    )


def _reads_index(node: Node) -> bool:
    return mentions(node, lambda each: each == Special("index"))


def mentions(node: Node, wanted: Callable[[Node], bool]) -> bool:
    """Does the tree hold a node that ``wanted`` accepts?"""
    if wanted(node):
        return True
    match node:
        case Member(source, _):
            below: tuple[Node | None, ...] = (source,)
        case Call(source, _, arguments):
            below = (source, *arguments)
        case Indexer(source, index):
            below = (source, index)
        case Polarity(_, operand) | TypeOperation(_, operand, _):
            below = (operand,)
        case Binary(_, left, right):
            below = (left, right)
        case _:
            below = ()
    return any(mentions(each, wanted) for each in below if each is not None)
