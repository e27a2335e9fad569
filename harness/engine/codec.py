"""Frozen dataclasses to JSON values and back, by their type hints: how the journal and the evidence are written."""

import base64
import binascii
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson

from harness.errors import JournalError

T = TypeVar("T")

_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def dumps(value: Any, *, indent: bool = False, sort: bool = False) -> bytes:
    """Return a JSON value as UTF-8; a Decimal keeps its digits. With ``indent``, for reading, with a line end."""
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE if indent else 0
    return orjson.dumps(value, default=_number, option=option | (orjson.OPT_SORT_KEYS if sort else 0))


def _number(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON value")


def encode(value: Any) -> Any:
    """Return ``value`` (dataclasses, tuples, mappings, enums, bytes, JSON values) as a JSON value.

    Bytes become ``{"text": …}`` when they are UTF-8, else ``{"base64": …}``, as those with control characters, each of
    which JSON writes in six. Fields that are None are left out.
    """
    kind: type = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple or kind is list:
        return [encode(member) for member in value]
    if (names := _names(kind)) is not None:
        members = ((name, getattr(value, name)) for name in names)
        return {name: encode(member) for name, member in members if member is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        with suppress(UnicodeDecodeError):
            if not _CONTROLS.search(value):
                return {"text": value.decode("utf-8")}
        return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Mapping):
        return {str(key): encode(member) for key, member in value.items()}
    if isinstance(value, (tuple, list, frozenset)):
        return [encode(member) for member in value]
    return value


def pieces(value: Any, whole: tuple[type, ...], level: int = 0) -> Iterator[bytes]:
    """Yield the indented JSON of ``value`` piece by piece, so that what is long is never there as one text.

    Instances of ``whole`` are one piece each. All together they are ``dumps(encode(value), indent=True)`` without its
    line end; an iterator is a list.
    """
    kind: type = type(value)
    names = _names(kind)
    if names is not None and not isinstance(value, whole):
        members = ((name, getattr(value, name)) for name in names)
        value = {name: member for name, member in members if member is not None}
    inner: Iterable[tuple[bytes, Any]]
    if isinstance(value, Mapping) and value:
        brackets, inner = b"{}", ((dumps(str(name)) + b": ", member) for name, member in value.items())
    elif isinstance(value, Iterator) or (isinstance(value, (list, tuple)) and value):
        brackets, inner = b"[]", ((b"", member) for member in value)
    else:
        yield dumps(encode(value), indent=True).rstrip(b"\n").replace(b"\n", b"\n" + b"  " * level)
        return
    empty = True
    for name, member in inner:
        yield (brackets[:1] if empty else b",") + b"\n" + b"  " * (level + 1) + name
        yield from pieces(member, whole, level + 1)
        empty = False
    yield brackets if empty else b"\n" + b"  " * level + brackets[1:]


def decode(kind: type[T], data: Any) -> T:
    """Return ``data``, as :func:`encode` made it, as an instance of the dataclass ``kind``.

    Raises JournalError when ``data`` has another shape. Members that ``kind`` does not know are ignored, so that an
    older harness can read what a newer one wrote.
    """
    try:
        decoded: T = _decode(kind, data)
    except (TypeError, ValueError, KeyError, AttributeError, binascii.Error) as problem:
        raise JournalError(f"cannot read a {kind.__name__}: {problem}") from problem
    return decoded


_PLAIN = frozenset({str, int, float, bool, type(None)})
"""What is a JSON value already: most of what a journal holds."""


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _required_or_none(member: Field[Any], hint: Any) -> bool:
    """A member without a default that may be None: it was left out because it was None."""
    return member.default is MISSING and member.default_factory is MISSING and type(None) in get_args(hint)


def _decode(kind: Any, data: Any) -> Any:
    return _decoder(kind)(data)


@cache
def _decoder(kind: Any) -> Callable[[Any], Any]:
    """Return what decodes values of one type: the type hints are looked at once, not at every value."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        some = _decoder(next(option for option in get_args(kind) if option is not type(None)))
        return lambda data: None if data is None else some(data)
    if origin is tuple:
        member = _decoder(get_args(kind)[0])
        return lambda data: tuple([member(item) for item in data])
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        content = _decoder(get_args(kind)[1])
        return lambda data: {key: content(item) for key, item in data.items()}
    if kind is bytes:
        return _bytes
    if kind is float:
        return lambda data: float(data) if type(data) in (int, float) else data
    if kind in (str, int, bool):
        return _exactly(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return _object(kind)
    return kind if isinstance(kind, type) and issubclass(kind, Enum) else lambda data: data


def _bytes(data: Any) -> bytes:
    return data["text"].encode("utf-8") if "text" in data else base64.b64decode(data["base64"], validate=True)


def _exactly(kind: type) -> Callable[[Any], Any]:
    def decode_exactly(data: Any) -> Any:
        if type(data) is not kind:
            raise TypeError(f"expected {kind.__name__}, found {type(data).__name__}")
        return data

    return decode_exactly


def _object(kind: type) -> Callable[[Any], Any]:
    hints = _hints(kind)
    members = {f.name: _decoder(hints[f.name]) for f in fields(kind)}
    required = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    nothing = {f.name: None for f in fields(kind) if _required_or_none(f, hints[f.name])}

    def decode_object(data: Any) -> Any:
        given = nothing | {name: members[name](value) for name, value in data.items() if name in members}
        try:
            return kind(**given)
        except TypeError as problem:
            lacking = ", ".join(sorted(required - given.keys()))
            raise TypeError(f"it lacks {lacking}" if lacking else str(problem)) from problem

    return decode_object
