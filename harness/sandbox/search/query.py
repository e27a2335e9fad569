"""From the text of a query to what it asks: criteria, result parameters, and what was not understood.

Source: https://hl7.org/fhir/R4/search.html; the modifiers are those of the parameter types (search.html#modifiers).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from harness.sandbox.problems import Problem
from harness.sandbox.search.parameters import Parameter, Parameters

_MODIFIERS: dict[str, frozenset[str]] = {
    "token": frozenset({"not", "text", "of-type"}),
    "string": frozenset({"exact", "contains"}),
    "reference": frozenset({"identifier"}),
    "uri": frozenset({"below", "above"}),
}
_MOST_VALUES, _MOST_TOGETHER, _MOST_PARAMETERS, _LONGEST_CHAIN = 400, 600, 60, 4
_MOST_FIELDS = 1000
"""Between ampersands, empty ones too."""
_CONTROL = frozenset({"_format", "_pretty"})
_RESULT = frozenset(
    {"_count", "_sort", "_include", "_revinclude", "_summary", "_total", "_elements", "_offset", "_cursor"}
)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter of a query: any of ``values`` must hold.

    ``chain`` is what is asked of the resource that a reference points at (None: nothing), ``target`` the type that
    ``:Type`` limits it to; ``reverse`` says that ``chain`` is asked of those that refer to the match (``_has``).
    """

    parameter: Parameter
    values: tuple[str, ...] = ()
    modifier: str = ""
    target: str = ""
    chain: tuple[tuple[str, Criterion], ...] = ()
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """One ``_include`` or ``_revinclude``: ``source`` type, ``code`` ("*" for all), ``target`` type ("" for any)."""

    source: str
    code: str
    target: str
    iterate: bool
    reverse: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A search, understood. ``processed`` are the parameters of the self link, ``ignored`` tells what was left out."""

    type: str
    criteria: tuple[Criterion, ...] = ()
    includes: tuple[Include, ...] = ()
    sort: tuple[tuple[Parameter, bool], ...] = ()
    count: int | None = None
    cursor: str | None = None
    summary: str = ""
    elements: tuple[str, ...] = ()
    total: str = ""
    processed: tuple[tuple[str, str], ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()


def pairs_of(text: str) -> list[tuple[str, str]]:
    """Names and values of a query or a form, decoded. Raises :class:`Problem` (400) when there are too many."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise _too_many() from None


def _too_many() -> Problem:
    return Problem(400, "too-costly", f"A query has at most {_MOST_PARAMETERS} parameters here.")


def split_values(text: str, separator: str = ",") -> tuple[str, ...]:
    """The alternatives of a value: split at ``separator``, where a backslash does not escape it."""
    return tuple(re.split(rf"(?<!\\){re.escape(separator)}", text))


def unescape(text: str) -> str:
    """``text`` without the escapes of search.html#escaping."""
    return re.sub(r"\\([,$|\\])", r"\1", text)


def head_of(name: str) -> str:
    """The code of a parameter, without modifier and chain."""
    return re.split(r"[:.]", name)[0]


class QueryParser:
    """Reads queries on the types of one server."""

    def __init__(self, parameters: Parameters, types: frozenset[str]) -> None:
        self._parameters = parameters
        self._types = types

    def parse(self, type_: str, pairs: Sequence[tuple[str, str]]) -> Query:
        """Read ``pairs``. Raises :class:`Problem` (400) for what is understood and wrong."""
        if len(pairs) > _MOST_PARAMETERS:
            raise _too_many()
        if sum(value.count(",") + 1 for _, value in pairs) > _MOST_TOGETHER:
            raise Problem(
                400, "too-costly", f"The parameters of a query have at most {_MOST_TOGETHER} values together."
            )
        criteria: list[Criterion] = []
        includes: list[Include] = []
        results: dict[str, str] = {}
        processed: list[tuple[str, str]] = []
        ignored: list[tuple[str, str]] = []
        for name, value in pairs:
            head = name.partition(":")[0]
            if "\0" in name or "\0" in value:
                raise Problem(400, "value", "A parameter holds a NUL character.")
            if name in _CONTROL:
                continue
            if not value.strip():
                ignored.append((name, "it has no value"))
                continue
            if head in {"_include", "_revinclude"}:
                includes.append(self._include(name, value))
            elif name in _RESULT:
                results[name] = value
            else:
                criterion = self._criterion(type_, name, value)
                if criterion is None:
                    ignored.append((name, f"{type_} has no such search parameter here"))
                    continue
                criteria.append(criterion)
            if name not in {"_cursor"}:
                processed.append((name, value))
        return Query(
            type=type_,
            criteria=tuple(criteria),
            includes=tuple(includes),
            sort=self._sort(type_, results.get("_sort", "")),
            count=_count(results.get("_count")),
            cursor=results.get("_cursor"),
            summary=_one_of("_summary", results, ("true", "text", "data", "count", "false")),
            elements=tuple(part.strip() for part in results.get("_elements", "").split(",") if part.strip()),
            total=_one_of("_total", results, ("none", "estimate", "accurate")),
            processed=tuple(processed),
            ignored=tuple(ignored),
        )

    def _criterion(self, type_: str, name: str, value: str) -> Criterion | None:
        if name.count(".") + name.count("_has:") > _LONGEST_CHAIN or value.count(",") >= _MOST_VALUES:
            told = f"at most {_LONGEST_CHAIN} links and {_MOST_VALUES} values"
            raise Problem(400, "too-costly", f"{head_of(name)}: this server follows {told} a parameter.")
        if name.startswith("_has:"):
            return self._has(type_, name, value)
        first, dot, rest = name.partition(".")
        code, _, modifier = first.partition(":")
        parameter = self._parameters.of(type_).get(code)
        if parameter is None:
            return None
        if dot:
            return self._chained(parameter, modifier, rest, name, value)
        if modifier == "missing":
            if value not in {"true", "false"}:
                raise Problem(400, "value", f"{name}={value}: write true or false.")
            return Criterion(parameter, (value,), "missing")
        target = ""
        if parameter.type == "reference" and modifier in self._types:
            target, modifier = modifier, ""
        if modifier and modifier not in _MODIFIERS.get(parameter.type, frozenset()):
            raise Problem(400, "not-supported", f"{name}: the modifier ':{modifier}' is not offered on {code}.")
        return Criterion(parameter, split_values(value), modifier, target)

    def _chained(self, parameter: Parameter, target: str, rest: str, name: str, value: str) -> Criterion | None:
        if parameter.type != "reference":
            raise Problem(400, "invalid", f"{name}: {parameter.code} is not a reference, so nothing chains from it.")
        if target and target not in self._types:
            raise Problem(400, "invalid", f"{name}: '{target}' is not a resource type.")
        targets = (target,) if target else parameter.targets
        links = [(kind, self._criterion(kind, rest, value)) for kind in targets if kind in self._types]
        chain = tuple((kind, link) for kind, link in links if link is not None)
        if not chain and rest != "identifier":
            return None
        logical = split_values(value) if rest == "identifier" else ()
        return Criterion(parameter, logical, "chain", target, chain)

    def _has(self, type_: str, name: str, value: str) -> Criterion | None:
        parts = name.split(":", 3)
        if len(parts) != 4 or parts[1] not in self._types:
            raise Problem(400, "invalid", f"{name}: write _has:Type:reference-parameter:parameter=value.")
        link = self._parameters.of(parts[1]).get(parts[2])
        inner = self._criterion(parts[1], parts[3], value)
        if link is None or inner is None:
            return None
        return Criterion(link, (), "has", type_, ((parts[1], inner),), reverse=True)

    def _include(self, name: str, value: str) -> Include:
        head, _, modifier = name.partition(":")
        source, _, rest = value.partition(":")
        code, _, target = rest.partition(":")
        if modifier not in {"", "iterate", "recurse"}:
            raise Problem(400, "not-supported", f"{name}: the only modifier offered is ':iterate'.")
        if value != "*":
            known = source in self._types and (code == "*" or code in self._parameters.of(source))
            if not known or (target and target not in self._types):
                raise Problem(
                    400, "not-supported", f"{head}={value}: no such reference; write Type:parameter[:Target]."
                )
            if code != "*" and self._parameters.of(source)[code].type != "reference":
                raise Problem(400, "invalid", f"{head}={value}: {code} is not a reference.")
        return Include(
            "" if source == "*" else source, code or "*", target, modifier != "", reverse=head == "_revinclude"
        )

    def _sort(self, type_: str, text: str) -> tuple[tuple[Parameter, bool], ...]:
        rules = []
        for part in filter(None, (item.strip() for item in text.split(","))):
            parameter = self._parameters.of(type_).get(part.removeprefix("-"))
            if parameter is None or parameter.type in {"composite", "special"}:
                raise Problem(400, "not-supported", f"_sort={text}: {type_} cannot be sorted by '{part}'.")
            rules.append((parameter, part.startswith("-")))
        return tuple(rules)


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Problem(400, "value", f"_count={text}: write a whole number.")
    return int(text)


def _one_of(name: str, results: dict[str, str], offered: tuple[str, ...]) -> str:
    value = results.get(name, "")
    if value and value not in offered:
        raise Problem(400, "value", f"{name}={value}: write one of {', '.join(offered)}.")
    return value
