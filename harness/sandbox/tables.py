"""The tables of the store: resources, their versions, and one index table for each kind of search parameter.

A contained resource has a row of its own in ``resource`` (``container`` set, never returned), so that chained searches
reach it by the same joins as any other.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Float, ForeignKey, Index, Integer, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import TEXT

metadata = MetaData()

_KEY = BigInteger().with_variant(Integer, "sqlite")
_TEXT = Text().with_variant(TEXT(collation="C"), "postgresql")
"""Text in the order of its code points everywhere: searches compare ranges of it."""
_NUMBER = Float().with_variant(Double(), "postgresql")

resource = Table(
    "resource",
    metadata,
    Column("pk", _KEY, primary_key=True, autoincrement=True),
    Column("type", _TEXT, nullable=False),
    Column("id", _TEXT, nullable=False),
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
    Column("method", _TEXT, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("content", _TEXT, nullable=True),
    Index("version_updated", "updated"),
)

_LONGEST_KEY = 600
"""Characters that PostgreSQL surely takes into an entry of an ordered index, which has at most 2704 octets."""


def _index(name: str, *columns: Column[object], by: tuple[str, ...], equal: bool = False, long: bool = False) -> Table:
    """An index table, ordered by the columns ``by``.

    PostgreSQL refuses long texts in an ordered index: there, ``equal`` says that the first column is looked up by its
    whole value, which a hash does, and ``long`` that it is looked up by how it begins.
    """
    # ``element`` numbers the element that a composite parameter takes its parts from; 0 elsewhere.
    table = Table(
        name,
        metadata,
        Column("resource", _KEY, nullable=False),
        Column("param", _TEXT, nullable=False),
        Column("element", Integer, nullable=False, default=0),
        *columns,
        Index(f"{name}_resource", "resource", "param"),
    )
    values = [table.c[column] for column in by]
    ordered = Index(f"{name}_value", table.c.param, *values)
    if equal:
        Index(f"{name}_equal", values[0], postgresql_using="hash").ddl_if(dialect="postgresql")
    elif long:
        Index(f"{name}_begin", table.c.param, func.left(values[0], _LONGEST_KEY)).ddl_if(dialect="postgresql")
    if equal or long:
        ordered.ddl_if(dialect="sqlite")
    return table


token = _index("token_index", Column("system", _TEXT), Column("code", _TEXT), by=("code", "system"), equal=True)
string = _index("string_index", Column("value", _TEXT), Column("folded", _TEXT), by=("folded",), long=True)
date = _index("date_index", Column("low", BigInteger), Column("high", BigInteger), by=("low", "high"))
quantity = _index(
    "quantity_index",
    Column("low", _NUMBER),
    Column("high", _NUMBER),
    Column("system", _TEXT),
    Column("code", _TEXT),
    Column("unit", _TEXT),
    by=("low", "high"),
)
uri = _index("uri_index", Column("value", _TEXT), by=("value",), equal=True)
reference = _index(
    "reference_index",
    Column("type", _TEXT),
    Column("id", _TEXT),
    Column("url", _TEXT),
    Column("system", _TEXT),
    Column("value", _TEXT),
    by=("id", "type"),
    equal=True,
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
