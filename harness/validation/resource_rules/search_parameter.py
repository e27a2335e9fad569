"""SearchParameter: its expression leads somewhere, and it agrees with what it is derived from (FHIR R4 §3.1.1.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath import compile_expression
from harness.fhir.fhirpath.native import FUNCTION_NAMES
from harness.fhir.fhirpath.parser import parse
from harness.fhir.fhirpath.syntax import Binary, Call, Indexer, Member, Node, TypeOperation
from harness.reason import told
from harness.validation.compile.slicing import navigate
from harness.validation.compile.tree import Node as Element
from harness.validation.location import Location
from harness.validation.resource_rules.reading import parts, text, texts
from harness.validation.scope import Scope

_ANY = frozenset({"Resource", "DomainResource"})
_KNOWN = FUNCTION_NAMES - {"hasExtension"}
"""The functions of FHIRPath and of FHIR R4 (fhirpath §2.9.1.5); the engine knows one more, for the checks of tests."""
_SAME = frozenset({"where", "first", "last", "tail", "distinct", "single"})
"""Functions that give some of what they are applied to."""
_CONDITIONS = frozenset({"where", "exists", "all"})
"""Functions whose argument is about each of what they are applied to."""
Focus = tuple["list[Element] | None", ...]
_TOP: Focus = ()
"""Outside of any condition, where names are those of types."""


def check(parameter: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report an expression that cannot be read or leads nowhere, a composite without components, a false derivation."""
    if text(parameter, "type") == "composite" and len(list(parts(parameter, "component", where))) < 2:
        scope.report("search-components", where)
    expression = text(parameter, "expression")
    if expression is not None:
        try:
            compile_expression(expression)
            _Paths(frozenset(texts(parameter, "base")), scope).elements(parse(expression))
        except FHIRPathError as problem:
            scope.report("search-expression", (where, "expression", -1), found=expression, detail=told(problem))
    canonical = text(parameter, "derivedFrom")
    origin = scope.session.judge.definitions.search_parameter(canonical) if canonical else None
    if origin is None:
        return
    wanted = text(origin, "type")
    if wanted != text(parameter, "type"):
        scope.report("search-derived", where, found=text(parameter, "type"), expected=wanted, detail=canonical)
    for base in texts(parameter, "base"):
        if base not in texts(origin, "base") and _ANY.isdisjoint(texts(origin, "base")):
            bases = ", ".join(texts(origin, "base"))
            scope.report("search-derived", where, found=base, expected=bases, detail=canonical)


class _Paths:
    """Follows the paths of an expression through the definitions of the resource types that it is about."""

    def __init__(self, bases: frozenset[str], scope: Scope) -> None:
        self._bases = bases
        self._compiler = scope.session.judge.compiler
        self._types = scope.session.judge.resource_types | _ANY

    def elements(self, node: Node | None, focus: Focus = _TOP) -> list[Element] | None:
        """What ``node`` leads to from ``focus``, the elements that a condition is about.

        None where that is not followed. Raises FHIRPathError where it leads nowhere.
        """
        match node:
            case None:
                return None if focus is _TOP else focus[0]
            case Member(None, name):
                return self._root(name) if focus is _TOP else self._children(focus[0], name)
            case Member(source, name):
                return self._children(self.elements(source, focus), name)
            case Binary(_, left, right):
                self.elements(left, focus)
                self.elements(right, focus)
            case Indexer(source, _):
                return self.elements(source, focus)
            case Call(_, name, _) if name not in _KNOWN:
                raise FHIRPathError(f"{name} is no function", f"{name} n'est pas une fonction")
            case Call(source, name, arguments):
                found = self.elements(source, focus)
                for argument in arguments if name in _CONDITIONS else ():
                    self.elements(argument, (found,))
                return found if name in _SAME else None
            case TypeOperation(_, source, _):
                self.elements(source, focus)
        return None

    def _root(self, name: str) -> list[Element] | None:
        if name not in self._types:
            return self._children([t for b in self._bases if (t := self._compiler.type_tree(b)) is not None], name)
        if self._bases and name not in self._bases | _ANY:
            listed = ", ".join(sorted(self._bases))
            raise FHIRPathError(
                f"{name} is none of the types that are searched ({listed})",
                f"{name} n'est pas un des types recherchés ({listed})",
            )
        tree = self._compiler.type_tree(name)
        return None if tree is None or name in _ANY else [tree]

    def _children(self, elements: list[Element] | None, name: str) -> list[Element] | None:
        if not elements or any("." in e.path and not e.children and _ANY.issuperset(e.type_codes) for e in elements):
            return None  # what stands there is defined elsewhere
        found = [
            child
            for element in elements
            for child in navigate(element, (("child", name),), self._compiler)
            if child.name.removesuffix("[x]") == name
        ]
        if not found:
            paths = ", ".join(sorted({element.path for element in elements}))
            raise FHIRPathError(f"{paths} has no element {name}", f"{paths} n'a pas d'élément {name}")
        return found
