"""Compiled expressions: the one door to FHIRPath."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.bridge import Evaluate, bridge
from harness.fhir.fhirpath.environment import Environment
from harness.fhir.fhirpath.native import Collect, NotNative, collect, judge, mentions
from harness.fhir.fhirpath.operators import truth_of
from harness.fhir.fhirpath.parser import parse
from harness.fhir.fhirpath.syntax import Call, Node, Variable
from harness.fhir.fhirpath.values import Element, Quantity, plain
from harness.fhir.primitives import Temporal

_CLOCK = frozenset({"now", "today", "timeOfDay"})
_NOTHING = Environment()


class Expression:
    """A FHIRPath expression, ready to be evaluated; safe to share between threads.

    ``native`` says that it was translated to Python; the others are given to fhirpathpy.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.syntax: Node = parse(text)
        self._reads_clock = mentions(self.syntax, lambda node: isinstance(node, Call) and node.name in _CLOCK)
        self._reads_around = mentions(self.syntax, _leaves_the_focus)
        try:
            self._judge = judge(self.syntax)
            self.native = True
        except NotNative:
            self.native = False

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    @cached_property
    def _collect(self) -> Collect:
        return collect(self.syntax)

    def evaluate(self, focus: Any, environment: Environment | None = None) -> list[Any]:
        """The collection that the expression gives for ``focus``, a JSON resource, element or primitive value.

        Items are JSON values; computed dates and quantities are texts. Primitive elements without a value are left
        out. Raises FHIRPathError when it cannot be evaluated.
        """
        if not self.native:
            return _bridged(self.text)(focus, environment or Environment())
        start, scope = self._start(focus, environment)
        try:
            values = [plain(item) for item in self._collect(start, scope)]
        except (ArithmeticError, RecursionError) as error:
            raise self._beyond(error) from error
        return [
            str(value) if type(value) is Temporal or type(value) is Quantity else value
            for value in values
            if value is not None
        ]

    def test(self, focus: Any, environment: Environment | None = None) -> bool:
        """Does the condition hold for ``focus``?

        True for ``true`` and for a single item that is not boolean (FHIRPath N1 §4.5). An empty result is False: a
        condition holds only if it is met. Raises FHIRPathError when it cannot be evaluated.
        """
        if not self.native:
            return truth_of(_bridged(self.text)(focus, environment or Environment())) is True
        start, scope = self._start(focus, environment)
        try:
            return self._judge(start, scope) is True
        except (ArithmeticError, RecursionError) as error:
            raise self._beyond(error) from error

    def _beyond(self, error: Exception) -> FHIRPathError:
        kind = type(error).__name__
        return FHIRPathError(
            f"FHIRPath: {kind}: too large a number or too deep a value, in: {self.text}",
            f"FHIRPath : {kind} : un nombre trop grand ou une valeur trop profonde, dans : {self.text}",
        )

    def _start(self, focus: Any, environment: Environment | None) -> tuple[list[Any], Environment]:
        if environment is None:
            environment = _NOTHING
        if self._reads_around:
            environment = _completed(focus, environment)
        if self._reads_clock and environment.now is None:
            environment = replace(environment, now=datetime.now(UTC))
        return [Element(focus, None, environment.focus_type)], environment


def _leaves_the_focus(node: Node) -> bool:
    return isinstance(node, Variable) or (isinstance(node, Call) and node.name == "resolve")


def _completed(focus: Any, environment: Environment) -> Environment:
    """The environment with the variables that FHIR always defines."""
    resource = environment.resource if environment.resource is not None else focus if type(focus) is dict else None
    root = environment.root_resource if environment.root_resource is not None else resource
    context = environment.context if environment.context is not None else focus
    if resource is environment.resource and root is environment.root_resource and context is environment.context:
        return environment
    return replace(environment, resource=resource, root_resource=root, context=context)


@lru_cache(maxsize=1024)
def _bridged(text: str) -> Evaluate:
    return bridge(text)


@lru_cache(maxsize=16384)
def compile_expression(text: str) -> Expression:
    """Compile an expression, once a process. Raises FHIRPathError for one that does not parse: line and column."""
    if not text.strip():
        raise FHIRPathError("FHIRPath: the expression is empty", "FHIRPath : l'expression est vide")
    return Expression(text)
