"""FHIRPath N1's grammar as a Pratt parser: text -> syntax tree, with positions in its errors.

Source: FHIRPath N1 (http://hl7.org/fhirpath/N1/), formal grammar. One liberty, which published expressions take: an
unknown escape such as ``\\d`` keeps its backslash.
"""

import re
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple, NoReturn

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.syntax import (
    KEYWORDS,
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
from harness.fhir.fhirpath.values import CALENDAR_UNITS, Quantity
from harness.fhir.primitives import temporal
from harness.reason import Reason, french

_DEPTH = 150
"""Nested operands and parentheses; deeper expressions are refused."""

_TOKEN = re.compile(
    r"""(?P<space>(?:\s+|/\*.*?\*/|//[^\n\r]*)+)
    |(?P<date>@(?:T[0-9:.]+|[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?(?:T(?:[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})?)?)?))
    |(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<string>'(?:[^'\\]|\\.)*')
    |(?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
    |(?P<special>\$(?:this|index|total)\b)
    |(?P<symbol><=|>=|!=|!~|[-+*/&|<>=~.,()\[\]{}%])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "'": "'", '"': '"', "`": "`", "\\": "\\", "/": "/"}

POWER = {
    "implies": 1,
    **dict.fromkeys(("or", "xor"), 2),
    "and": 3,
    **dict.fromkeys(("in", "contains"), 4),
    **dict.fromkeys(("=", "~", "!=", "!~"), 5),
    **dict.fromkeys(("<=", "<", ">", ">="), 6),
    "|": 7,
    **dict.fromkeys(("is", "as"), 8),
    **dict.fromkeys(("+", "-", "&"), 9),
    **dict.fromkeys(("*", "/", "div", "mod"), 10),
}
"""How strongly each operator binds, from N1's table of precedence."""
_UNARY = 11
_NAMES = frozenset({"is", "as", "in", "contains"})
_END = Reason("the end", "la fin")


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


def parse(text: str) -> Node:
    """Parse a whole expression. Raises FHIRPathError with line and column for one that is not FHIRPath."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._scan()
        self._next = 0
        self._depth = 0

    def _scan(self) -> list[_Token]:
        tokens, position, text = [], 0, self._text
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                self._unexpected(repr(text[position]), position)
            kind = found.lastgroup or ""
            if kind != "space":
                tokens.append(_Token(kind, found.group(), position))
            position = found.end()
        tokens.append(_Token("end", _END, len(text)))
        return tokens

    def _fail(self, en: str, fr: str, position: int) -> NoReturn:
        line = self._text.count("\n", 0, position) + 1
        column = position - (self._text.rfind("\n", 0, position) + 1) + 1
        raise FHIRPathError(
            f"FHIRPath line {line}, column {column}: {en}, in: {self._text}",
            f"FHIRPath, ligne {line}, colonne {column} : {fr}, dans : {self._text}",
        )

    def _expected(self, en: str, fr: str, found: _Token) -> NoReturn:
        self._fail(
            f"expected {en} but found {found.text}", f"{fr} attendu, trouvé : {french(found.text)}", found.position
        )

    def _unexpected(self, text: str, position: int) -> NoReturn:
        self._fail(f"unexpected {text}", f"{french(text)} n'a rien à faire ici", position)

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += token.kind != "end"
        return token

    def _accept(self, symbol: str) -> bool:
        token = self._tokens[self._next]
        if token.kind == "symbol" and token.text == symbol:
            self._next += 1
            return True
        return False

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            token = self._peek()
            self._expected(repr(symbol), repr(symbol), token)

    def whole(self) -> Node:
        node = self._expression(0)
        token = self._peek()
        if token.kind != "end":
            self._unexpected(token.text, token.position)
        return node

    def _expression(self, power: int) -> Node:
        self._depth += 1
        if self._depth > _DEPTH:
            en, fr = f"more than {_DEPTH} levels of nesting", f"plus de {_DEPTH} niveaux d'imbrication"
            self._fail(en, fr, self._peek().position)
        left = self._operand()
        while True:
            token = self._peek()
            binds = POWER.get(token.text, 0) if token.kind in ("symbol", "name") else 0
            if binds <= power:
                break
            self._take()
            if token.text in ("is", "as"):
                left = TypeOperation(token.text, left, self._type())
            else:
                left = Binary(token.text, left, self._expression(binds))
        self._depth -= 1
        return left

    def _operand(self) -> Node:
        token = self._peek()
        if token.kind == "symbol" and token.text in ("+", "-"):
            self._take()
            return Polarity(token.text, self._expression(_UNARY))
        node = self._term()
        while True:
            if self._accept("."):
                node = self._invocation(node)
            elif self._accept("["):
                node = Indexer(node, self._expression(0))
                self._expect("]")
            else:
                return node

    def _term(self) -> Node:
        token = self._peek()
        match token.kind:
            case "name" if token.text in ("true", "false"):
                self._take()
                return Literal(token.text == "true")
            case "name" | "quoted" | "special":
                return self._invocation(None)
            case "string":
                self._take()
                return Literal(_unescape(token.text))
            case "number":
                return self._number()
            case "date":
                return self._date()
        if self._accept("("):
            node = self._expression(0)
            self._expect(")")
            return node
        if self._accept("{"):
            self._expect("}")
            return Literal(None)
        if self._accept("%"):
            name = self._take()
            if name.kind not in ("name", "quoted", "string"):
                self._expected("the name of a variable", "nom de variable", name)
            return Variable(name.text if name.kind == "name" else _unescape(name.text))
        return self._expected("an operand", "opérande", token)

    def _invocation(self, source: Node | None) -> Node:
        if self._peek().kind == "special":
            token = self._take()
            if source is not None:
                en, fr = f"{token.text} cannot follow a dot", f"{token.text} ne peut pas suivre un point"
                self._fail(en, fr, token.position)
            return Special(token.text[1:])
        name = self._identifier()
        if not self._accept("("):
            return Member(source, name)
        arguments: list[Node] = []
        if not self._accept(")"):
            arguments.append(self._expression(0))
            while self._accept(","):
                arguments.append(self._expression(0))
            self._expect(")")
        return Call(source, name, tuple(arguments))

    def _identifier(self) -> str:
        token = self._take()
        if token.kind == "quoted":
            return _unescape(token.text)
        if token.kind != "name" or (token.text in KEYWORDS and token.text not in _NAMES):
            self._expected("a name", "nom", token)
        return token.text

    def _type(self) -> str:
        name = self._identifier()
        return f"{name}.{self._identifier()}" if self._accept(".") else name

    def _number(self) -> Literal:
        text = self._take().text
        unit = self._peek()
        if unit.kind == "string":
            self._take()
            return Literal(Quantity(Decimal(text), _unescape(unit.text)))
        if unit.kind == "name" and unit.text in CALENDAR_UNITS:
            self._take()
            return Literal(Quantity(Decimal(text), CALENDAR_UNITS[unit.text], calendar=True))
        return Literal(Decimal(text) if "." in text else int(text))

    def _date(self) -> Literal:
        token = self._take()
        text = token.text[1:]
        value = temporal(text.rstrip("T"))  # @2020T is a dateTime that says no more than the year
        if value is None:
            en, fr = "is no date, time or dateTime", "n'est ni une date, ni une heure, ni un dateTime"
            self._fail(f"{token.text} {en}", f"{token.text} {fr}", token.position)
        return Literal(replace(value, text=text))


def _unescape(quoted: str) -> str:
    def one(found: re.Match[str]) -> str:
        code = found.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        return _ESCAPED.get(code, "\\" + code)

    return _ESCAPE.sub(one, quoted[1:-1]) if "\\" in quoted else quoted[1:-1]
