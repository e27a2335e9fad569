"""The databases that a store can be in, behind SQLAlchemy: SQLite in memory or in a file, and PostgreSQL.

What they have in common for the store: a transaction begins where the store says so, there is one writer at a time,
also among several processes, and a reader sees one state from its beginning to its end.
"""

from __future__ import annotations

import math
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from harness.errors import HarnessError, UsageError
from harness.sandbox import tables

_MEMORY = (None, "", ":memory:")
_LOCK = 0x66686972  # any number that other programs in the same database are unlikely to lock by
_CONNECTIONS = {"pool_size": 8, "max_overflow": 56, "pool_timeout": 60}
"""Enough for every thread that answers requests, so that none waits for a connection while it holds a lock."""
_MOST_SECONDS = 60
"""How long a statement may run: in PostgreSQL each one, in SQLite what a transaction has run together."""
_DUE = "statements end"


def database_url(text: str) -> URL:
    """The URL that ``--store`` names. Raises UsageError for what is not one, or names a database not offered."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise UsageError(f"--store {text}: this is not a database URL; write {_FORMS}.") from None
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        return url
    if url.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    raise UsageError(f"--store {shown(url)}: {url.drivername} is not offered; write {_FORMS}.")


_FORMS = "sqlite:///FILE, sqlite:// (in memory) or postgresql://USER@HOST/DATABASE"


def shown(url: URL) -> str:
    """``url`` without its password."""
    return url.render_as_string(hide_password=True)


def in_memory(url: URL) -> bool:
    """True for an SQLite database that ends with its connection."""
    return url.get_backend_name() == "sqlite" and url.database in _MEMORY


def beside(url: URL, name: str) -> URL:
    """Another database next to the one at ``url``, for what is called ``name``.

    A file of its own beside an SQLite file, a schema of its own in the same PostgreSQL database.
    """
    if in_memory(url):
        return url
    if url.get_backend_name() == "sqlite":
        file = Path(str(url.database))
        return url.set(database=str(file.with_name(f"{file.stem}-{name}{file.suffix}")))
    return _with_option(url, f"search_path={name}")


def _with_option(url: URL, setting: str) -> URL:
    """A PostgreSQL ``url`` whose connections begin with ``setting``."""
    given = url.query.get("options", "")
    options = given if isinstance(given, str) else " ".join(given)
    return url.update_query_dict({"options": f"{options} -c{setting}".strip()})


def open_database(url: URL) -> Engine:
    """Connect, and make the tables where they are missing.

    Raises UsageError when the driver is not installed, HarnessError when the database cannot be used.
    """
    try:
        engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
    except ModuleNotFoundError:
        raise UsageError(
            f"--store {shown(url)}: PostgreSQL needs a driver: pip install 'fhir-harness[postgresql]'"
        ) from None
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            if engine.dialect.name == "postgresql":
                _make_schema(connection)
            tables.metadata.create_all(connection)
    except SQLAlchemyError as error:
        engine.dispose()
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise HarnessError(f"--store {shown(url)}: the database cannot be used: {reason}.") from None
    return engine


def _sqlite(url: URL) -> Engine:
    memory = in_memory(url)
    pool: dict[str, Any] = {"poolclass": StaticPool} if memory else dict(_CONNECTIONS)
    engine = create_engine(url, connect_args={"check_same_thread": False}, **pool)

    @event.listens_for(engine, "connect")
    def _connect(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver would begin transactions late
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # What is committed outlives the death of this process; FULL would make it outlive that of the machine.
        cursor.execute("PRAGMA synchronous=NORMAL")
        # A create writes some fifteen pages; by default every thousandth one waits for the disk.
        cursor.execute("PRAGMA wal_autocheckpoint=10000")
        cursor.execute("PRAGMA busy_timeout=10000")
        cursor.close()
        connection.set_progress_handler(lambda: time.monotonic() > entry.info.get(_DUE, math.inf), 100_000)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = not memory and connection.get_execution_options().get("writes", False)
        own: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
        own.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        connection.info[_DUE] = time.monotonic() + _MOST_SECONDS

    return engine


def _postgresql(url: URL) -> Engine:
    limited = _with_option(url, f"statement_timeout={_MOST_SECONDS}s")
    engine = create_engine(limited, pool_pre_ping=True, **_CONNECTIONS)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(
                f"SELECT pg_advisory_xact_lock({_LOCK}, hashtext(coalesce(current_schema(), '')))"
            )
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    return engine


def _make_schema(connection: Connection) -> None:
    found = connection.exec_driver_sql("SELECT current_schema(), split_part(current_setting('search_path'), ',', 1)")
    schema, wanted = found.one()
    if schema is None:
        name = connection.dialect.identifier_preparer.quote(wanted.strip())
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {name}")
