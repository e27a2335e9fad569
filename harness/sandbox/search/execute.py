"""Runs a query on a session of the store: which resources match, in what order, page by page, and what comes along."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from harness.sandbox import tables
from harness.sandbox.problems import Problem
from harness.sandbox.search.query import Include, Query
from harness.sandbox.search.sql import Conditions, sort_key
from harness.sandbox.statements import COLUMNS, newest
from harness.sandbox.store import Record, Session, record_of

_INCLUDED_AT_MOST = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search.

    ``total`` counts the matches over all pages (None: not asked for); ``next`` is the cursor of the page that follows.
    """

    matches: tuple[Record, ...]
    included: tuple[Record, ...] = ()
    total: int | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where the next page starts: after the sort values ``after``, among the resources known when paging began."""

    after: tuple[Any, ...]
    horizon: int
    total: int | None

    def text(self) -> str:
        packed = json.dumps([list(self.after), self.horizon, self.total], separators=(",", ":"))
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, keys: int) -> _Cursor:
        try:
            after, horizon, total = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            fits = len(after) == keys and isinstance(horizon, int) and isinstance(total, (int, type(None)))
            if not fits or not all(isinstance(value, (int, float, str)) for value in after):
                raise ValueError(text)
        except (ValueError, TypeError, binascii.Error):
            raise Problem(400, "value", "_cursor is not one that this server gave for this search.") from None
        return cls(tuple(after), horizon, total)


def _matches(query: Query, base: str) -> tuple[ColumnElement[bool], ...]:
    conditions = Conditions(base)
    return (
        tables.resource.c.type == query.type,
        tables.resource.c.deleted == 0,
        *(conditions.of(criterion) for criterion in query.criteria),
    )


def matching(session: Session, query: Query, base: str, limit: int = 2) -> list[Record]:
    """At most ``limit`` of the resources that match, in the order of their creation: for conditional interactions."""
    chosen = newest().where(*_matches(query, base)).order_by(tables.resource.c.pk).limit(limit)
    return [record_of(row) for row in session.connection.execute(chosen)]


def run(session: Session, query: Query, base: str, size: int, skip: int = 0) -> Page:
    """The page of ``query`` with at most ``size`` matches, after the first ``skip``."""
    where = _matches(query, base)
    keys: list[ColumnElement[Any]] = [
        sort_key(parameter.key, parameter.type, parameter.code, descending) for parameter, descending in query.sort
    ]
    directions = [descending for _, descending in query.sort]
    keys.append(tables.resource.c.pk)
    directions.append(False)
    cursor = None if query.cursor is None else _Cursor.read(query.cursor, len(keys))
    wanted = newest().where(*where)
    if cursor is not None:
        wanted = wanted.where(_beyond(keys, directions, cursor.after), tables.resource.c.pk <= cursor.horizon)
    ordered = wanted.add_columns(*(key.label(f"key_{number}") for number, key in enumerate(keys))).order_by(
        *(key.desc() if descending else key.asc() for key, descending in zip(keys, directions, strict=True))
    )
    rows = session.connection.execute(ordered.limit(size + 1).offset(skip)).all() if size else []
    more, rows = len(rows) > size, rows[:size]
    if cursor is not None:
        total = cursor.total
    elif query.total == "none":
        total = None
    elif rows and not more:
        total = skip + len(rows)
    else:
        total = _count(session, where)
    found = [record_of(row) for row in rows]
    following = None
    if more:
        horizon = _horizon(session) if cursor is None else cursor.horizon
        following = _Cursor(tuple(rows[-1][len(COLUMNS) :]), horizon, total).text()
    return Page(tuple(found), tuple(included(session, query.includes, found)), total, following)


def _count(session: Session, where: Sequence[ColumnElement[bool]]) -> int:
    resource = tables.resource
    counted = select(func.count(resource.c.pk)).where(*where, resource.c.container.is_(None))
    return int(session.connection.execute(counted).scalar_one())


def _horizon(session: Session) -> int:
    """The key of the last resource so far: what comes later is on no page of a search that has begun."""
    return int(session.connection.execute(select(func.coalesce(func.max(tables.resource.c.pk), 0))).scalar_one())


def _beyond(
    keys: Sequence[ColumnElement[Any]], directions: Sequence[bool], after: Sequence[Any]
) -> ColumnElement[bool]:
    """Rows that sort after ``after``: those equal in the first keys and beyond in the next one."""
    alternatives = []
    for position, (key, descending) in enumerate(zip(keys, directions, strict=True)):
        equal = [earlier == value for earlier, value in zip(keys[:position], after[:position], strict=True)]
        alternatives.append(and_(*equal, key < after[position] if descending else key > after[position]))
    return or_(false(), *alternatives)


def included(session: Session, includes: Sequence[Include], matches: Sequence[Record]) -> list[Record]:
    """What ``_include`` and ``_revinclude`` bring, each once and none of ``matches``."""
    seen = {record.pk for record in matches}
    found: list[Record] = []
    frontier, first = list(matches), True
    while frontier and includes:
        keys: list[int] = []
        for include in includes:
            # An include from another type than that of the matches can only mean what was itself included.
            if first or include.iterate or include.source not in {"", matches[0].type}:
                keys += _follow(session, include, frontier)
        fresh = [key for key in dict.fromkeys(keys) if key not in seen][: _INCLUDED_AT_MOST - len(found)]
        seen.update(fresh)
        frontier, first = session.records(fresh), False
        found += frontier
    return found


def _follow(session: Session, include: Include, frontier: Sequence[Record]) -> Sequence[int]:
    links, targets = tables.reference, tables.resource
    joined = and_(links.c.type == targets.c.type, links.c.id == targets.c.id, targets.c.deleted == 0)
    if include.reverse:
        names = [(record.type, record.id) for record in frontier if include.target in {"", record.type}]
        near = or_(false(), *(and_(links.c.type == type_, links.c.id == id_) for type_, id_ in names))
        chosen = select(links.c.resource).where(near, links.c.param.startswith(f"{include.source}."))
    else:
        keys = [record.pk for record in frontier if include.source in {"", record.type}]
        chosen = select(targets.c.pk).join(links, joined).where(links.c.resource.in_(keys))
        if include.target:
            chosen = chosen.where(targets.c.type == include.target)
    if include.code != "*":
        chosen = chosen.where(links.c.param == f"{include.source}.{include.code}")
    return session.connection.execute(chosen.distinct()).scalars().all()
