"""JSON as it goes over the wire: decimals keep the digits they were written with (FHIR R4, json.html#primitive)."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

_STRING = json.JSONEncoder(ensure_ascii=False).encode


def dumps(value: Any) -> str:
    """Return ``value`` as compact JSON, members in their order. Raises TypeError for what JSON does not have."""
    return "".join(_parts(value))


def _parts(value: Any) -> Iterator[str]:
    match value:
        case None | bool():
            yield {None: "null", True: "true", False: "false"}[value]
        case str():
            yield _STRING(value)
        case int() | Decimal():
            yield str(value)
        case float():
            yield json.dumps(value, allow_nan=False)
        case Mapping():
            yield "{"
            for index, (name, member) in enumerate(value.items()):
                yield f"{',' if index else ''}{_STRING(str(name))}:"
                yield from _parts(member)
            yield "}"
        case list() | tuple():
            yield "["
            for index, member in enumerate(value):
                if index:
                    yield ","
                yield from _parts(member)
            yield "]"
        case _:
            raise TypeError(f"{type(value).__name__} is not a JSON value")
