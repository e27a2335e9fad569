"""The versioned store of resources, over SQLAlchemy Core.

store = Store()                                  # in memory
with store.writing() as session:                 # one atomic transaction
    session.put("Patient", "1", after=None, …)
with store.reading() as session:
    session.current("Patient", "1")
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Row, delete, func, select
from sqlalchemy.engine.url import URL

from harness.sandbox import tables
from harness.sandbox.codec import Resource, stored
from harness.sandbox.databases import beside, database_url, in_memory, open_database
from harness.sandbox.statements import COLUMNS, Statements, key_of, newest, versions

IndexRows = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Contained:
    """A contained resource: its type, its id inside the container, and its index rows."""

    type: str
    id: str
    rows: IndexRows


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index of one resource holds: rows by kind of search parameter, and its contained resources."""

    rows: IndexRows = field(default_factory=dict)
    contained: tuple[Contained, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a resource; ``content`` is its JSON text, None when this version is the deletion."""

    pk: int
    type: str
    id: str
    version: int
    updated: int
    method: str
    content: str | None

    @property
    def deleted(self) -> bool:
        """True when this version says that the resource was deleted."""
        return self.content is None

    @property
    def resource(self) -> Resource:
        """The resource, parsed anew at each call."""
        return stored(self.content or "{}")

    @property
    def reference(self) -> str:
        """``Type/id``."""
        return f"{self.type}/{self.id}"

    @property
    def etag(self) -> str:
        """The weak entity tag of this version."""
        return f'W/"{self.version}"'

    @property
    def instant(self) -> datetime:
        """When this version was stored."""
        return moment(self.updated)


def moment(microseconds: int) -> datetime:
    """The time that ``microseconds`` since the epoch name, in UTC."""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000)


def instant(microseconds: int) -> str:
    """The FHIR instant of ``microseconds`` since the epoch, to the millisecond."""
    return moment(microseconds).strftime("%Y-%m-%dT%H:%M:%S.") + f"{microseconds // 1000 % 1000:03d}Z"


def record_of(row: Row[Any]) -> Record:
    """The record in the first columns of ``row``, which are :data:`~harness.sandbox.statements.COLUMNS`."""
    return Record(*row[: len(COLUMNS)])


def _first(found: CursorResult[Any]) -> Record | None:
    row = found.first()
    return None if row is None else record_of(row)


class Session:
    """The store inside one transaction."""

    def __init__(self, connection: Connection, clock: Clock, statements: Statements) -> None:
        self.connection = connection
        self._clock = clock
        self._statements = statements

    def now(self) -> int:
        """The time for what is written now: microseconds since the epoch, whole milliseconds, never twice the same."""
        return self._clock.now()

    def current(self, type_: str, id_: str) -> Record | None:
        """The newest version of ``type_/id_``, also when that is its deletion; None when it never existed."""
        return _first(self._statements.current.run(self.connection, type=type_, id=id_))

    def version(self, type_: str, id_: str, version: int) -> Record | None:
        """One version, or None."""
        return _first(self._statements.version.run(self.connection, type=type_, id=id_, version=version))

    def history(
        self, type_: str | None, id_: str | None, *, since: int | None, at: int | None, count: int, skip: int
    ) -> tuple[int, list[Record]]:
        """Versions, newest first: the total, and ``count`` of them after the first ``skip``."""
        chosen = versions().where(tables.resource.c.container.is_(None))
        if type_ is not None:
            chosen = chosen.where(tables.resource.c.type == type_)
        if id_ is not None:
            chosen = chosen.where(tables.resource.c.id == id_)
        if since is not None:
            chosen = chosen.where(tables.version.c.updated >= since)
        if at is not None:
            chosen = chosen.where(tables.version.c.updated <= at)
        total = self.connection.execute(select(func.count()).select_from(chosen.subquery())).scalar_one()
        page = chosen.order_by(tables.version.c.updated.desc(), tables.resource.c.pk.desc()).offset(skip).limit(count)
        return total, [record_of(row) for row in self.connection.execute(page)]

    def records(self, keys: Sequence[int]) -> list[Record]:
        """The current versions of the resources with these primary keys, in the order of ``keys``."""
        if not keys:
            return []
        found = {
            row.pk: record_of(row)
            for chunk in _chunks(keys)
            for row in self.connection.execute(newest().where(tables.resource.c.pk.in_(chunk)))
        }
        return [found[key] for key in keys if key in found]

    def referrer(self, type_: str, id_: str) -> str | None:
        """``Type/id`` of one other resource that refers to ``type_/id_``, or None."""
        links, source = tables.reference, tables.resource
        chosen = (
            select(source.c.type, source.c.id)
            .join(links, links.c.resource == source.c.pk)
            .where(links.c.type == type_, links.c.id == id_, source.c.deleted == 0, source.c.container.is_(None))
            .where((source.c.type != type_) | (source.c.id != id_))
        )
        row = self.connection.execute(chosen.limit(1)).first()
        return None if row is None else f"{row[0]}/{row[1]}"

    def put(
        self,
        type_: str,
        id_: str,
        *,
        after: Record | None,
        updated: int,
        method: str,
        content: str | None,
        entry: Entry,
    ) -> Record:
        """Store the version that follows ``after`` (None: the first one) and its index.

        ``content`` None stores the deletion.
        """
        version = 1 if after is None else after.version + 1
        state = {"version": version, "updated": updated, "deleted": int(content is None)}
        if after is None:
            pk = self._add(type=type_, id=id_, container=None, **state)
        else:
            pk = after.pk
            self._statements.replace.run(self.connection, key=pk, **{f"new_{name}": state[name] for name in state})
            self._forget(pk)
        self._statements.add_version.run(
            self.connection, resource=pk, version=version, method=method, updated=updated, content=content
        )
        self._index(pk, entry, updated)
        return Record(pk, type_, id_, version, updated, method, content)

    def _add(self, **values: Any) -> int:
        return key_of(self._statements.add.run(self.connection, **values))

    def _forget(self, pk: int) -> None:
        inner = self._statements.inner.run(self.connection, key=pk).scalars().all()
        for drop in self._statements.drop:
            drop.run_each(self.connection, [{"key": key} for key in (pk, *inner)])
        if inner:
            self._statements.drop_inner.run(self.connection, key=pk)

    def _index(self, pk: int, entry: Entry, updated: int) -> None:
        self._insert(pk, entry.rows)
        for inner in entry.contained:
            name = _inner_id(pk, f"#{inner.id}")
            key = self._add(type=inner.type, id=name, container=pk, version=1, updated=updated, deleted=0)
            self._insert(key, inner.rows)
        names = {str(row["id"]) for row in entry.rows.get("reference", ()) if str(row["id"]).startswith("#")}
        self._statements.link_inner.run_each(
            self.connection, [{"key": pk, "old": name, "new": _inner_id(pk, name)} for name in sorted(names)]
        )

    def _insert(self, pk: int, rows: IndexRows) -> None:
        for kind, values in rows.items():
            self._statements.index[kind].run_each(
                self.connection, ({"resource": pk, "element": 0, **value} for value in values)
            )


def _chunks(keys: Sequence[int], size: int = 500) -> Iterable[Sequence[int]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))


def _inner_id(pk: int, name: str) -> str:
    """What the contained resource ``#name`` is called here; a server that does not validate lets it be any length."""
    return f"{pk}{name}"[:200]


class Clock:
    """A clock that never gives the same millisecond twice, so that versions have an order; it begins after ``last``."""

    def __init__(self, last: int = 0) -> None:
        self._last = last // 1000
        self._lock = threading.Lock()

    def now(self) -> int:
        """Microseconds since the epoch, in whole milliseconds."""
        with self._lock:
            self._last = max(time.time_ns() // 1_000_000, self._last + 1)
            return self._last * 1000


class Store:
    """Where the resources are: ``sqlite://`` in memory, ``sqlite:///file.db``, ``postgresql://user@host/database``.

    Raises UsageError for another URL, HarnessError when the database cannot be used.
    """

    def __init__(self, url: str | URL = "sqlite://") -> None:
        self.url = database_url(url) if isinstance(url, str) else url
        self.engine: Engine = open_database(self.url)
        self._statements = Statements(self.engine.dialect)
        # One writer at a time in this process; the database sees to those of other processes.
        self._write_lock = threading.Lock()
        # In memory there is one connection, so it is left open; readers and writers take turns.
        self._only = self.engine.connect() if in_memory(self.url) else None
        with self.engine.connect() as connection:
            self._clock = Clock(
                connection.execute(select(func.coalesce(func.max(tables.version.c.updated), 0))).scalar_one()
            )

    def beside(self, name: str) -> Store:
        """Another store, empty or as it was left, in the same place: see :func:`~harness.sandbox.databases.beside`."""
        return Store(beside(self.url, name))

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent view. Nothing written in it is kept."""
        if self._only is None:
            with self.engine.connect() as connection:
                yield self._session(connection)
            return
        with self._write_lock:
            try:
                yield self._session(self._only)
            finally:
                self._only.rollback()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: kept as a whole at the end, or not at all when an exception leaves it."""
        with self._write_lock:
            if self._only is not None:
                with self._only.begin():
                    yield self._session(self._only)
                return
            with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                yield self._session(connection)

    def _session(self, connection: Connection) -> Session:
        return Session(connection, self._clock, self._statements)

    def reset(self) -> None:
        """Forget everything."""
        with self.writing() as session:
            for table in reversed(tables.metadata.sorted_tables):
                session.connection.execute(delete(table))

    def close(self) -> None:
        """Give the connections back."""
        if self._only is not None:
            self._only.close()
        self.engine.dispose()
