"""The statements that requests need most, compiled once for a database: building one costs more than running it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, CursorResult, Select, bindparam, delete, insert, select, update
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from harness.sandbox import tables

COLUMNS = (
    tables.resource.c.pk,
    tables.resource.c.type,
    tables.resource.c.id,
    tables.version.c.version,
    tables.version.c.updated,
    tables.version.c.method,
    tables.version.c.content,
)
"""What a record is made of, in its order."""


def versions() -> Select[Any]:
    """Every version of every resource, as records."""
    return select(*COLUMNS).join(tables.version, tables.version.c.resource == tables.resource.c.pk)


def newest() -> Select[Any]:
    """The newest version of every resource that is not contained in another one, as records."""
    return versions().where(
        tables.version.c.version == tables.resource.c.version, tables.resource.c.container.is_(None)
    )


class Statement:
    """One statement as the driver takes it; the values go to it by the names of the bound parameters."""

    def __init__(self, clause: ClauseElement, dialect: Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        self._text = str(compiled)
        self._order: list[str] | None = getattr(compiled, "positiontup", None)

    def run(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        """Run it with ``values``."""
        return connection.exec_driver_sql(self._text, self._bound(values))

    def run_each(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run it once for each of ``rows``, if there is any."""
        bound: list[Any] = [self._bound(row) for row in rows]
        if bound:
            connection.exec_driver_sql(self._text, bound)

    def _bound(self, values: Mapping[str, Any]) -> Any:
        return dict(values) if self._order is None else tuple([values[name] for name in self._order])


class Statements:
    """The statements of one database."""

    def __init__(self, dialect: Dialect) -> None:
        def compiled(clause: ClauseElement) -> Statement:
            return Statement(clause, dialect)

        resource, version, links = tables.resource, tables.version, tables.reference
        same = (resource.c.type == bindparam("type"), resource.c.id == bindparam("id"))
        self.current = compiled(newest().where(*same))
        self.version = compiled(versions().where(*same, version.c.version == bindparam("version")))
        made = insert(resource).values(
            {column.name: bindparam(column.name) for column in resource.c if column.name != "pk"}
        )
        # SQLite tells the key by itself, and knows RETURNING only since 3.35.
        self.add = compiled(made if dialect.name == "sqlite" else made.returning(resource.c.pk))
        self.replace = compiled(
            update(resource)
            .where(resource.c.pk == bindparam("key"))
            .values({name: bindparam(f"new_{name}") for name in ("version", "updated", "deleted")})
        )
        self.add_version = compiled(insert(version))
        self.inner = compiled(select(resource.c.pk).where(resource.c.container == bindparam("key")))
        self.drop_inner = compiled(delete(resource).where(resource.c.container == bindparam("key")))
        self.link_inner = compiled(
            update(links).where(links.c.resource == bindparam("key"), links.c.id == bindparam("old")).values(
                id=bindparam("new")
            )
        )  # fmt: skip
        indexes = {table.name: table for table in tables.INDEXES.values()}.values()
        self.drop = [compiled(delete(table).where(table.c.resource == bindparam("key"))) for table in indexes]
        self.index = {kind: compiled(insert(table)) for kind, table in tables.INDEXES.items()}


def key_of(made: CursorResult[Any]) -> int:
    """The primary key that :attr:`Statements.add` gave."""
    return int(made.scalar_one() if made.returns_rows else made.lastrowid)
