"""The syntax tree of FHIRPath N1, and its way back to text."""

import json
from dataclasses import dataclass
from decimal import Decimal

from harness.fhir.fhirpath.values import Quantity
from harness.fhir.primitives import Temporal


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; None is the empty collection ``{}``."""

    value: bool | int | Decimal | str | Temporal | Quantity | None


@dataclass(frozen=True, slots=True)
class Variable:
    """An external constant: ``%resource``."""

    name: str


@dataclass(frozen=True, slots=True)
class Special:
    """``$this``, ``$index`` or ``$total``, without the dollar sign."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A child by its name, of ``source`` or, where that is None, of the focus."""

    source: "Node | None"
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function, applied to ``source`` or, where that is None, to the focus."""

    source: "Node | None"
    name: str
    arguments: "tuple[Node, ...]" = ()


@dataclass(frozen=True, slots=True)
class Indexer:
    """``source[index]``."""

    source: "Node"
    index: "Node"


@dataclass(frozen=True, slots=True)
class Polarity:
    """``+`` or ``-`` before an operand."""

    operator: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Any operator between two operands."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class TypeOperation:
    """``is`` or ``as`` and a type's name, which may have a namespace."""

    operator: str
    operand: "Node"
    type: str


Node = Literal | Variable | Special | Member | Call | Indexer | Polarity | Binary | TypeOperation

KEYWORDS = frozenset({"and", "or", "xor", "implies", "div", "mod", "true", "false", "is", "as", "in", "contains"})
_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"})


def render(node: Node) -> str:
    """The expression as text that parses to the same tree."""
    match node:
        case Literal(value):
            return _literal(value)
        case Variable(name):
            return f"%{_identifier(name)}"
        case Special(name):
            return f"${name}"
        case Member(source, name):
            return f"{_prefix(source)}{_identifier(name)}"
        case Call(source, name, arguments):
            return f"{_prefix(source)}{_identifier(name)}({', '.join(map(render, arguments))})"
        case Indexer(source, index):
            return f"{_operand(source)}[{render(index)}]"
        case Polarity(operator, operand):
            return f"{operator}{_operand(operand)}"
        case Binary(operator, left, right):
            return f"{_operand(left)} {operator} {_operand(right)}"
        case TypeOperation(operator, operand, type_name):
            return f"{_operand(operand)} {operator} {'.'.join(map(_identifier, type_name.split('.')))}"


def _prefix(source: Node | None) -> str:
    return "" if source is None else f"{_operand(source)}."


def _operand(node: Node) -> str:
    text = render(node)
    simple = isinstance(node, Variable | Special | Member | Call | Indexer)
    return text if simple else f"({text})"


def _identifier(name: str) -> str:
    if name.isascii() and name.isidentifier() and name not in KEYWORDS:
        return name
    return "`" + name.translate(_ESCAPES).replace("`", "\\`") + "`"


def _literal(value: bool | int | Decimal | str | Temporal | Quantity | None) -> str:
    match value:
        case None:
            return "{}"
        case bool():
            return str(value).lower()
        case str():
            return f"'{value.translate(_ESCAPES)}'"
        case Temporal():
            return f"@{value.text}"
        case Quantity():
            return f"{value.value} {value.unit}" if value.calendar else f"{value.value} {_literal(value.unit)}"
        case _:
            return json.dumps(value) if isinstance(value, int) else format(value, "f")
