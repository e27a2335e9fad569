"""The tables of the store: resources, their versions, and one index table for each kind of search parameter.

A contained resource has a row of its own in ``resource`` (``container`` set, never returned), so that chained searches
reach it by the same joins as any other.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

_KEY = BigInteger().with_variant(Integer, "sqlite")

resource = Table(
    "resource",
    metadata,
    Column("pk", _KEY, primary_key=True, autoincrement=True),
    Column("type", String(64), nullable=False),
    Column("id", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("deleted", Integer, nullable=False, default=0),
    Column("container", _KEY, nullable=True),
    Index("resource_identity", "type", "id", unique=True),
    Index("resource_container", "container"),
)

version = Table(
    "version",
    metadata,
    Column("resource", _KEY, ForeignKey("resource.pk"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("method", String(8), nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("content", Text, nullable=True),
    Index("version_updated", "updated"),
)


def _index(name: str, *columns: Column[object], by: tuple[str, ...]) -> Table:
    # ``element`` numbers the element that a composite parameter takes its parts from; 0 elsewhere.
    return Table(
        name,
        metadata,
        Column("resource", _KEY, nullable=False),
        Column("param", String(120), nullable=False),
        Column("element", Integer, nullable=False, default=0),
        *columns,
        Index(f"{name}_value", "param", *by),
        Index(f"{name}_resource", "resource", "param"),
    )


token = _index("token_index", Column("system", Text), Column("code", Text), by=("code", "system"))
string = _index("string_index", Column("value", Text), Column("folded", Text), by=("folded",))
date = _index("date_index", Column("low", BigInteger), Column("high", BigInteger), by=("low", "high"))
quantity = _index(
    "quantity_index",
    Column("low", Float),
    Column("high", Float),
    Column("system", Text),
    Column("code", Text),
    Column("unit", Text),
    by=("low", "high"),
)
uri = _index("uri_index", Column("value", Text), by=("value",))
reference = _index(
    "reference_index",
    Column("type", String(64)),
    Column("id", String(200)),
    Column("url", Text),
    Column("system", Text),
    Column("value", Text),
    by=("id", "type"),
)

INDEXES: dict[str, Table] = {
    "token": token,
    "string": string,
    "date": date,
    "quantity": quantity,
    "number": quantity,
    "uri": uri,
    "reference": reference,
    "special": quantity,
}
"""The index table that holds the values of a search parameter of each type."""
