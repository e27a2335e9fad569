"""From a criterion to a condition on ``resource.pk``, in SQLAlchemy Core; every value travels as a parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, Table, and_, false, func, literal, or_, select, tuple_

from harness.sandbox import tables
from harness.sandbox.problems import Problem
from harness.sandbox.search.near import near
from harness.sandbox.search.query import Criterion, split_values, unescape
from harness.sandbox.search.values import fold, number_range, time_range

_PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_AFTER_ALL = "\U0010ffff"
Condition = ColumnElement[bool]


def prefixed(text: str) -> tuple[str, str]:
    """Split ``ge2020-01-01`` into its prefix (``eq`` where none is written) and the value."""
    return (text[:2], text[2:]) if text[:2] in _PREFIXES else ("eq", text)


def ranges(table: Table, prefix: str, low: ColumnElement[float], high: ColumnElement[float]) -> Condition:
    """Compare the range ``[low, high)`` of a query with that of each row (search.html#prefix)."""
    mine, upper = table.c.low, table.c.high
    inside = and_(mine >= low, upper <= high)
    return {
        "eq": inside,
        "ne": ~inside,
        "gt": upper > high,
        "lt": mine < low,
        "ge": or_(upper > high, inside),
        "le": or_(mine < low, inside),
        "sa": mine >= high,
        "eb": upper <= low,
        "ap": and_(mine < high, upper > low),
    }[prefix]


def _date(text: str, criterion: Criterion) -> Condition:
    prefix, value = prefixed(text)
    try:
        low, high = time_range(value.replace(" ", "+"))
    except ValueError as error:
        raise Problem(400, "value", f"{criterion.parameter.code}={text}: {error}.") from None
    if prefix == "ap":
        now = int(datetime.now(UTC).timestamp() * 1_000_000)
        margin = abs(now - low) // 10
        low, high = low - margin, high + margin
    return ranges(tables.date, prefix, literal(low), literal(high))


def _number(text: str, criterion: Criterion) -> Condition:
    prefix, value = prefixed(text)
    try:
        low, high, exact = number_range(value)
    except ValueError as error:
        raise Problem(400, "value", f"{criterion.parameter.code}={text}: {error}.") from None
    table = tables.quantity
    if prefix in {"eq", "ne"}:
        inside = and_(table.c.low >= low, table.c.high < high)
        return inside if prefix == "eq" else ~inside
    if prefix == "ap":
        margin = abs(exact) / 10
        return and_(table.c.low <= exact + margin, table.c.high >= exact - margin)
    return {
        "gt": table.c.high > exact,
        "lt": table.c.low < exact,
        "ge": table.c.high >= exact,
        "le": table.c.low <= exact,
        "sa": table.c.low > exact,
        "eb": table.c.high < exact,
    }[prefix]


def _quantity(text: str, criterion: Criterion) -> Condition:
    parts = [unescape(part) for part in split_values(text, "|")]
    condition = _number(parts[0], criterion)
    table = tables.quantity
    match parts[1:]:
        case []:
            return condition
        case ["", code]:
            return and_(condition, or_(table.c.code == code, table.c.unit == code))
        case [system, code] if code:
            return and_(condition, table.c.system == system, table.c.code == code)
        case [system, *_] if system and len(parts) <= 3:
            return and_(condition, table.c.system == system)
    raise Problem(400, "value", f"{criterion.parameter.code}={text}: write number, or number|system|code.")


def _token(text: str, criterion: Criterion) -> Condition:
    table = tables.token
    parts = [unescape(part) for part in split_values(text, "|")]
    if criterion.modifier == "of-type":
        if len(parts) != 3 or not all(parts):
            raise Problem(400, "value", f"{criterion.parameter.code}:of-type={text}: write system|code|value.")
        return and_(table.c.system == parts[0], table.c.code == f"{parts[1]}|{parts[2]}".lower())
    if len(parts) == 1:
        return table.c.code == parts[0].lower()
    system, code = parts[0], "|".join(parts[1:]).lower()
    if not system and not code:
        raise Problem(400, "value", f"{criterion.parameter.code}={text}: write code, system|code, |code or system|.")
    where = table.c.system.in_([system, "*"]) if system else table.c.system.in_(["", "*"])
    return and_(where, table.c.code == code) if code else where


def _string(text: str, criterion: Criterion) -> Condition:
    table, value = tables.string, unescape(text)
    if criterion.modifier == "exact":
        return table.c.value == value
    folded = fold(value)
    if criterion.modifier == "contains":
        return table.c.folded.contains(folded, autoescape=True)
    return and_(table.c.folded >= folded, table.c.folded < folded + _AFTER_ALL)


def _uri(text: str, criterion: Criterion) -> Condition:
    table, value = tables.uri, unescape(text)
    if criterion.modifier == "below":
        return or_(table.c.value == value, table.c.value.startswith(value.rstrip("/") + "/", autoescape=True))
    if criterion.modifier == "above":
        return or_(table.c.value == value, literal(value).startswith(table.c.value.concat("/")))
    return table.c.value == value


def _near(text: str, criterion: Criterion) -> Condition:
    try:
        return near(tables.quantity, [unescape(part) for part in split_values(text, "|")])
    except ValueError as error:
        raise Problem(400, "value", f"{criterion.parameter.code}={text}: {error}.") from None


_VALUES: Mapping[str, Callable[[str, Criterion], Condition]] = {
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "token": _token,
    "string": _string,
    "uri": _uri,
    "special": _near,
}


class Conditions:
    """Makes conditions for a server at ``base``."""

    def __init__(self, base: str) -> None:
        self._base = base

    def of(self, criterion: Criterion) -> Condition:
        """The condition on ``resource`` that ``criterion`` asks. Raises :class:`Problem` (400) for a wrong value."""
        if criterion.reverse:
            return tables.resource.c.id.in_(self._reverse(criterion))
        if criterion.parameter.code == "_id":
            ids = [unescape(value) for value in criterion.values]
            condition: Condition = tables.resource.c.id.in_(ids)
            return ~condition if criterion.modifier == "not" else condition
        if criterion.parameter.code == "_lastUpdated":
            return self._last_updated(criterion)
        chosen = tables.resource.c.pk.in_(self._keys(criterion))
        if criterion.modifier == "not" or (criterion.modifier == "missing" and criterion.values == ("true",)):
            return ~chosen
        return chosen

    def _last_updated(self, criterion: Criterion) -> Condition:
        column = tables.resource.c.updated
        conditions = []
        for text in criterion.values:
            prefix, value = prefixed(text)
            try:
                low, high = time_range(value.replace(" ", "+"))
            except ValueError as error:
                raise Problem(400, "value", f"_lastUpdated={text}: {error}.") from None
            inside = and_(column >= low, column < high)
            conditions.append(
                {
                    "eq": inside,
                    "ap": inside,
                    "ne": ~inside,
                    "gt": column >= high,
                    "sa": column >= high,
                    "lt": column < low,
                    "eb": column < low,
                    "ge": column >= low,
                    "le": column < high,
                }[prefix]
            )
        return or_(*conditions)

    def _keys(self, criterion: Criterion) -> Select[int]:
        parameter = criterion.parameter
        if parameter.type == "composite":
            return self._composite(criterion)
        table = tables.INDEXES[parameter.type]
        chosen = select(table.c.resource).where(table.c.param == parameter.key)
        if criterion.modifier == "missing":
            return chosen
        if parameter.type == "reference":
            return chosen.where(self._reference(criterion))
        if criterion.modifier == "text":
            text = tables.string
            folded = [fold(unescape(value)) for value in criterion.values]
            return select(text.c.resource).where(
                text.c.param == f"{parameter.key}:text",
                or_(*(text.c.folded.contains(value, autoescape=True) for value in folded)),
            )
        if criterion.modifier == "of-type":
            chosen = select(table.c.resource).where(table.c.param == f"{parameter.key}:of-type")
        conditions = [_VALUES[parameter.type](value, criterion) for value in criterion.values]
        return chosen.where(or_(false(), *conditions))

    def _composite(self, criterion: Criterion) -> Select[int]:
        parameter, wanted = criterion.parameter, []
        for value in criterion.values:
            parts = split_values(value, "$")
            if len(parts) != len(parameter.components):
                raise Problem(
                    400, "value", f"{parameter.code}={value}: write {len(parameter.components)} parts with $."
                )
            pairs = []
            for position, (part, text) in enumerate(zip(parameter.components, parts, strict=True)):
                table = tables.INDEXES[part.type]
                linked = part.type == "reference"
                holds = self._literal(unescape(text), criterion) if linked else _VALUES[part.type](text, criterion)
                pairs.append(
                    select(table.c.resource, table.c.element).where(
                        table.c.param == f"{parameter.key}${position}", holds
                    )
                )
            first, *others = pairs
            inner = first.subquery()
            wanted.append(
                select(inner.c.resource).where(*(tuple_(inner.c.resource, inner.c.element).in_(o) for o in others))
            )
        alternatives = or_(*(tables.resource.c.pk.in_(keys) for keys in wanted))
        return select(tables.resource.c.pk).where(alternatives).correlate(None)

    def _reference(self, criterion: Criterion) -> Condition:
        table = tables.reference
        kind: Condition = table.c.type == criterion.target if criterion.target else literal(True)
        if criterion.modifier == "chain":
            links = [
                and_(table.c.type == type_, table.c.id.in_(self._ids(type_, link))) for type_, link in criterion.chain
            ]
            logical = [_identifier(value, criterion) for value in criterion.values]
            return and_(or_(false(), *links, *logical), _kind_or_unknown(criterion.target))
        if criterion.modifier == "identifier":
            return and_(or_(*(_identifier(value, criterion) for value in criterion.values)), kind)
        return and_(or_(*(self._literal(unescape(value), criterion) for value in criterion.values)), kind)

    def _literal(self, value: str, criterion: Criterion) -> Condition:
        table, local = tables.reference, value.removeprefix(f"{self._base}/")
        parts = local.split("/")
        if ":" in parts[0] or len(parts) > 4:
            versions = table.c.url.startswith(value + "|", autoescape=True)
            return or_(table.c.url == value, versions) if "|" not in value else table.c.url == value
        if len(parts) == 1:
            targets = [criterion.target] if criterion.target else list(criterion.parameter.targets)
            known = [table.c.type.in_(targets)] if targets else []
            return and_(table.c.id == parts[0], *known)
        return and_(table.c.type == parts[0], table.c.id == parts[1])

    def _ids(self, type_: str, link: Criterion) -> Select[str]:
        # A common table expression a link keeps the statement flat: SQLite's parser has a depth of 100.
        target = tables.resource
        found = select(target.c.id).where(target.c.type == type_, target.c.deleted == 0, self.of(link)).cte()
        return select(found.c.id)

    def _reverse(self, criterion: Criterion) -> Select[str]:
        table, (type_, inner) = tables.reference, criterion.chain[0]
        source = tables.resource
        found = select(source.c.pk).where(source.c.type == type_, source.c.deleted == 0, self.of(inner)).cte()
        return select(table.c.id).where(
            table.c.param == criterion.parameter.key,
            table.c.type == criterion.target,
            table.c.resource.in_(select(found.c.pk)),
        )


def _kind_or_unknown(target: str) -> Condition:
    table = tables.reference
    return or_(table.c.type == target, table.c.type.is_(None)) if target else literal(True)


def _identifier(text: str, criterion: Criterion) -> Condition:
    table = tables.reference
    parts = [unescape(part) for part in split_values(text, "|")]
    if len(parts) == 1:
        return table.c.value == parts[0].lower()
    system, code = parts[0], "|".join(parts[1:]).lower()
    if not system and not code:
        raise Problem(400, "value", f"{criterion.parameter.code}: write value, system|value, |value or system|.")
    return and_(table.c.system == system, table.c.value == code) if code else table.c.system == system


def sort_key(parameter_key: str, kind: str, code: str, descending: bool) -> ColumnElement[object]:
    """The value that a resource is sorted by; those without one come last, whichever the direction."""
    if code == "_lastUpdated":
        return tables.resource.c.updated + literal(0)
    if code == "_id":
        return func.coalesce(tables.resource.c.id, "")
    table = tables.INDEXES[kind]
    column = {
        "date": table.c.get("low") if not descending else table.c.get("high"),
        "quantity": table.c.get("low"),
        "number": table.c.get("low"),
        "token": table.c.get("code"),
        "string": table.c.get("folded"),
        "uri": table.c.get("value"),
        "reference": table.c.get("id"),
    }[kind]
    assert column is not None
    best = (func.max if descending else func.min)(column)
    chosen = (
        select(best)
        .where(table.c.resource == tables.resource.c.pk, table.c.param == parameter_key)
        .correlate(tables.resource)
        .scalar_subquery()
    )
    numeric = kind in {"date", "quantity", "number"}
    if descending:
        return func.coalesce(chosen, -(2**62) if numeric else "")
    return func.coalesce(chosen, 2**62 if numeric else _AFTER_ALL)
