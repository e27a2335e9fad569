"""``${…}`` in a test set: what it may name, and how it is replaced.

A string that is exactly one expression becomes the value itself, with its type; elsewhere the value is written into the
text. ``$${`` stands for a literal ``${``. Expressions name things and compute nothing, so that expanding is a pure
function of the text and the scope: a recorded run can be judged again and gives the same values.

=====================  ==============================================================================================
``candidate.…``        the candidate file: identities, software, policy
``fixtures.name…``     a fixture of the set, and paths into it (``fixtures.weight.code.coding[0].code``)
``variables.name…``    a variable of the set
``each.name…``         a parameter of the row in turn
``saved.name…``        what an earlier step of the test, or the set-up, saved
``name…``              the first of ``saved``, ``each``, ``variables`` that has the name
``time.now`` …         ``now`` (2026-01-31T08:30:00Z), ``instant`` (with milliseconds and +00:00), ``today``, ``month``,
                       ``year``; each takes offsets: ``time.now+1d-2h`` (units ``w d h m s``)
``random.uuid`` …      ``uuid``, ``int`` (31 bits), ``token`` (16 letters and digits). The same expression gives the
                       same value all through a test; a label makes another: ``random.uuid.second``
=====================  ==============================================================================================
"""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from harness.reason import Reason
from harness.suite.problem import ExpressionError, nearest

ROOTS = ("candidate", "fixtures", "variables", "each", "saved", "time", "random")
"""The first names that have a meaning of their own; nothing can be saved or declared under one of them."""
BARE_ROOTS = ("saved", "each", "variables")
"""Where a name without a root is looked for, in this order."""

_OPENING = re.compile(r"(\$+)\{")
_REFERENCE = re.compile(r"[A-Za-z_][\w-]*(?:\.\w[\w+-]*|\[\d{1,6}\])*", re.ASCII)
_SEGMENT = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")
_OFFSETS = re.compile(r"(?:[+-]\d{1,9}[wdhms])*", re.ASCII)
_OFFSET = re.compile(r"([+-]\d+)([wdhms])", re.ASCII)
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """One expression: its text, without ``${`` and ``}``, and the path that it names."""

    text: str
    path: Path

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Parse ``patient.identifier`` or ``fixtures.weight.code.coding[0]``. Raises ExpressionError."""
        if not _REFERENCE.fullmatch(text):
            raise ExpressionError(
                f"${{{text}}} is not an expression: write names joined by dots, with [n] for the n-th item of a list",
                f"${{{text}}} n'est pas une expression : écrire des noms séparés par des points, [n] pour le n-ième "
                "élément d'une liste",
            )
        path = tuple(int(index) if index else name for index, name in _SEGMENT.findall(text))
        return cls(text, path)

    @property
    def root(self) -> str:
        """The first name."""
        return str(self.path[0])


@dataclass(frozen=True, slots=True)
class Template:
    """A text with its expressions found: literal strings and references, in order."""

    parts: tuple[str | Reference, ...]

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Find the expressions of ``text``. Raises ExpressionError when one is not closed or is malformed."""
        return cls(_split(text))

    @property
    def references(self) -> tuple[Reference, ...]:
        """The expressions, in order."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    def expand(self, scope: "Scope") -> Any:
        """Return the value of the only expression, or the text with every expression replaced.

        Raises ExpressionError when a name does not resolve, or gives a list, an object or nothing inside a text.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], Reference):
            return scope.resolve(self.parts[0])
        return "".join(part if isinstance(part, str) else _text(part, scope.resolve(part)) for part in self.parts)


@lru_cache(maxsize=4096)
def _split(text: str) -> tuple[str | Reference, ...]:
    parts: list[str | Reference] = []
    literal: list[str] = []
    position = 0
    while opening := _OPENING.search(text, position):
        literal.append(text[position : opening.start()])
        dollars = len(opening.group(1))
        if dollars > 1:  # $${ is a literal ${; a longer run keeps its other dollars
            literal.append("$" * (dollars - 1) + "{")
            position = opening.end()
            continue
        end = text.find("}", opening.end())
        if end < 0:
            raise ExpressionError(
                f'an expression is not closed by a brace in "{text}"; write $${{ for a literal ${{',
                f"une expression n'est pas fermée par une accolade dans « {text} » ; écrire $${{ pour un ${{ littéral",
            )
        if any(literal):
            parts.append("".join(literal))
        literal.clear()
        parts.append(Reference.parse(text[opening.end() : end].strip()))
        position = end + 1
    literal.append(text[position:])
    if any(literal) or not parts:
        parts.append("".join(literal))
    return tuple(parts)


def _text(reference: Reference, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float, Decimal)):
        return str(value)
    en, fr = _OBJECT if isinstance(value, Mapping) else _NOTHING if value is None else _LIST
    raise ExpressionError(
        f"${{{reference.text}}} is {en} and cannot be written into a text; name one value in it",
        f"${{{reference.text}}} est {fr} et ne peut s'écrire dans un texte ; en nommer une valeur",
    )


_OBJECT, _NOTHING, _LIST = ("an object", "un objet"), ("nothing", "absent"), ("a list", "une liste")


def escape(text: str) -> str:
    """Return ``text`` so written that expanding gives it back unchanged."""
    return text.replace("${", "$${")


def expand(value: Any, scope: "Scope") -> Any:
    """Return ``value`` (any YAML value) with every expression replaced, in strings at any depth; keys stay as they are.

    What an expression gives is not expanded again. Raises ExpressionError as :meth:`Template.expand` does.
    """
    if isinstance(value, str):
        return Template.parse(value).expand(scope) if "${" in value else value
    if isinstance(value, Mapping):
        return {key: expand(member, scope) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [expand(member, scope) for member in value]
    return value


def expand_variables(variables: Mapping[str, Any], scope: "Scope") -> dict[str, Any]:
    """Return the variables of a set, each expanded with those declared before it. Raises ExpressionError."""
    done: dict[str, Any] = {}
    for name, value in variables.items():
        done[name] = expand(value, scope.child(variables=done))
    return done


def references(value: Any) -> list[Reference]:
    """Return every expression in ``value`` (any YAML value), in order. Raises ExpressionError for a malformed one."""
    if isinstance(value, str):
        return list(Template.parse(value).references) if "${" in value else []
    if isinstance(value, Mapping):
        return [reference for member in value.values() for reference in references(member)]
    if isinstance(value, (list, tuple)):
        return [reference for member in value for reference in references(member)]
    return []


@runtime_checkable
class Provider(Protocol):
    """A root whose values are made when they are asked for."""

    def provide(self, path: Path) -> Any:
        """Return the value of ``path`` (without the root). Raises ExpressionError."""


class Scope:
    """What expressions can name: roots, each a mapping or a :class:`Provider`, and an outer scope. Never changes.

    Of two mappings for one root, the inner one is asked first, name by name: ``scope.child(saved={"id": "7"})`` adds
    to what is saved already.
    """

    __slots__ = ("_outer", "_roots")

    def __init__(self, roots: Mapping[str, Mapping[str, Any] | Provider], outer: "Scope | None" = None) -> None:
        unknown = next((name for name in roots if name not in ROOTS), None)
        if unknown is not None:
            hint = nearest(unknown, ROOTS)
            raise ExpressionError(
                f'"{unknown}" is not a root of expressions{hint}',
                f"« {unknown} » n'est pas une racine d'expression{hint.fr}",
            )
        self._roots = dict(roots)
        self._outer = outer

    def child(self, **roots: "Mapping[str, Any] | Provider") -> "Scope":
        """Return a scope inside this one."""
        return Scope(roots, self)

    def resolve(self, reference: Reference) -> Any:
        """Return what ``reference`` names. Raises ExpressionError with the nearest known name."""
        first, rest = reference.root, reference.path[1:]
        if first not in ROOTS:
            for root in BARE_ROOTS:
                members = self.members(root)
                if first in members:
                    return descend(reference, members[first], rest)
            known = [name for root in BARE_ROOTS for name in self.members(root)]
            hint = nearest(first, [*known, *ROOTS])
            raise ExpressionError(
                f'${{{reference.text}}}: nothing is called "{first}"{hint}',
                f"${{{reference.text}}} : rien ne s'appelle « {first} »{hint.fr}",
            )
        for source in self._sources(first):
            if isinstance(source, Provider):
                return source.provide(rest)
        return descend(reference, self.members(first), rest)

    def members(self, root: str) -> dict[str, Any]:
        """Return the names of a root that is a mapping, inner ones over outer ones."""
        found: dict[str, Any] = {}
        for source in self._sources(root):
            if isinstance(source, Mapping):
                found = {**source, **found}
        return found

    def _sources(self, root: str) -> list[Mapping[str, Any] | Provider]:
        """The mappings and providers of ``root``, the innermost first."""
        found = []
        scope: Scope | None = self
        while scope is not None:
            if root in scope._roots:
                found.append(scope._roots[root])
            scope = scope._outer
        return found


def descend(reference: Reference, value: Any, path: Sequence[str | int]) -> Any:
    """Follow ``path`` into ``value``. Raises ExpressionError that says where it ends, with the nearest name."""
    for segment in path:
        if isinstance(segment, int):
            if not isinstance(value, (list, tuple)) or segment >= len(value):
                listed = isinstance(value, (list, tuple))
                en, fr = (f"a list of {len(value)}", f"une liste de {len(value)}") if listed else _NO_LIST
                raise ExpressionError(
                    f"${{{reference.text}}}: [{segment}] is not there, it is {en}",
                    f"${{{reference.text}}} : [{segment}] n'existe pas, c'est {fr}",
                )
            value = value[segment]
        elif isinstance(value, Mapping):
            if segment not in value:
                known = [str(key) for key in value]
                raise _not_there(reference, segment, nearest(segment, known))
            value = value[segment]
        else:
            raise _not_there(reference, segment, _WHICH if isinstance(value, (list, tuple)) else Reason("", ""))
    return value


_NO_LIST = "not a list", "autre chose qu'une liste"
_WHICH = Reason(", it is a list: say which item with [n]", ", c'est une liste : dire quel élément avec [n]")


def _not_there(reference: Reference, segment: str, hint: Reason) -> ExpressionError:
    return ExpressionError(
        f'${{{reference.text}}}: "{segment}" is not there{hint}',
        f"${{{reference.text}}} : « {segment} » n'existe pas{hint.fr}",
    )


class Time:
    """The root ``time``, frozen at one instant (an aware datetime)."""

    _FORMATS = ("now", "instant", "today", "month", "year")

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        self._now = now.astimezone(UTC)

    def provide(self, path: Path) -> str:
        """Return the instant in the named format, moved by the offsets: ``("now+1d-2h",)``. Raises ExpressionError."""
        match path:
            case (str() as wanted,):
                name = re.split("[+-]", wanted, maxsplit=1)[0]
            case _:
                raise ExpressionError(
                    "time needs one name, such as time.now or time.today+1d",
                    "time demande un nom, comme time.now ou time.today+1d",
                )
        if name not in self._FORMATS:
            raise _none_such("time", name, self._FORMATS)
        return self._format(name, self._moved(wanted, wanted[len(name) :]))

    def _moved(self, wanted: str, offsets: str) -> datetime:
        if not _OFFSETS.fullmatch(offsets):
            raise ExpressionError(
                f"time.{wanted}: an offset is a sign, a number and one of w d h m s, such as +1d or -2h",
                f"time.{wanted} : un décalage est un signe, un nombre et l'une des lettres w d h m s : +1d, -2h",
            )
        try:
            return self._now + sum(
                (timedelta(**{_UNITS[unit]: int(number)}) for number, unit in _OFFSET.findall(offsets)), timedelta()
            )
        except OverflowError as problem:
            raise ExpressionError(
                f"time.{wanted} is outside of the years 1 to 9999", f"time.{wanted} est hors des années 1 à 9999"
            ) from problem

    @staticmethod
    def _format(name: str, moment: datetime) -> str:
        match name:
            case "now":
                return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
            case "instant":
                return moment.isoformat(timespec="milliseconds")
            case _:
                return moment.date().isoformat()[: {"today": 10, "month": 7, "year": 4}[name]]


class Random:
    """The root ``random``: values made from a seed and from what they are for, so that a run can be repeated."""

    _KINDS = ("uuid", "int", "token")
    _ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"

    def __init__(self, seed: int | str, *purpose: str) -> None:
        """``purpose`` tells apart what shares a seed: the set, the test, the row."""
        self._key = (str(seed), *purpose)

    def provide(self, path: Path) -> str | int:
        """Return the value of ``("uuid",)`` or, for a second one, ``("uuid", "second")``. Raises ExpressionError."""
        kind = str(path[0]) if path else ""
        if kind not in self._KINDS:
            raise _none_such("random", kind, self._KINDS)
        digest = hashlib.sha256(json.dumps([*self._key, *path]).encode()).digest()
        if kind == "uuid":
            return str(uuid.UUID(bytes=digest[:16], version=4))
        if kind == "int":
            return int.from_bytes(digest[:4]) >> 1
        return "".join(self._ALPHABET[byte & 31] for byte in digest[:16])


def _none_such(root: str, name: str, known: Sequence[str]) -> ExpressionError:
    listed = ", ".join(known)
    return ExpressionError(f'{root} has no "{name}", only {listed}', f"{root} n'a pas « {name} », seulement {listed}")


def safe_header(name: str, value: str) -> str:
    """Return ``value`` when it can stand in an HTTP header (RFC 9110, section 5.5), else raise ExpressionError.

    Without this, a value with a line break would add headers, or a request, of its own.
    """
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ExpressionError(
            f"{name!r} is not the name of a header (RFC 9110, section 5.1)",
            f"{name!r} n'est pas un nom d'en-tête (RFC 9110, section 5.1)",
        )
    if value.isascii() and value.isprintable():
        return value
    bad = next((char for char in value if not (char == "\t" or (char.isprintable() and ord(char) < 256))), None)
    if bad is not None:
        raise ExpressionError(
            f"the header {name} cannot hold the character {bad!a}: a header is one line of text",
            f"l'en-tête {name} ne peut pas contenir le caractère {bad!a} : un en-tête est une ligne de texte",
        )
    return value


def safe_url(value: str) -> str:
    """Return ``value`` when it can stand in a request line (no control, no space), else raise ExpressionError."""
    bad = next((char for char in value if not char.isprintable() or char.isspace() or char == "\\"), None)
    if bad is not None:
        raise ExpressionError(
            f"the address {value!r} cannot hold the character {bad!a}; percent-encode it",
            f"l'adresse {value!r} ne peut pas contenir le caractère {bad!a} ; le coder avec %",
        )
    return value
