"""FHIR JSON in and out, with decimals exactly as they were written.

``parse`` reads decimals as :class:`decimal.Decimal`; ``emit`` writes them back digit for digit, so that ``71.0`` stays
``71.0`` (https://hl7.org/fhir/R4/json.html#primitive asks for it).
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from itertools import islice
from typing import Any

import orjson

from harness.sandbox.problems import Problem

MAX_DEPTH = 64
MAX_VALUES = 200_000
_MOST_DIGITS = 1000
_MARK = re.compile(r'"(?:[^"\\]++|\\.)*+"|[,\[{]', re.DOTALL)
"""A text as a whole, or what stands before a value."""

Resource = dict[str, Any]


def _object(pairs: list[tuple[str, Any]]) -> Resource:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the property '{twice}' stands twice in one object")
    return found


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _integer(text: str) -> int | Decimal:
    """A whole number; those beyond 64 bits are kept digit for digit, since no FHIR integer is that large."""
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number has more than {_MOST_DIGITS} digits")
    return int(text) if len(text) < 19 else Decimal(text)


def _check_texts(value: Any) -> None:
    """Refuse what is no text: NUL, which FHIR forbids in every string, and halves of surrogate pairs."""
    level = [value]
    while level:
        item = level.pop()
        if isinstance(item, dict):
            level += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            level += item
        elif isinstance(item, str) and any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in item):
            raise Problem(400, "value", "A text of the body holds a NUL character or half of a surrogate pair.")


def bounded(value: Any) -> Any:
    """``value``, which nests no deeper and holds no more than this server takes. Raises :class:`Problem` (400, 413).

    Bytes say little about the work that a body makes: a document is one long text, judged at once.
    """
    level, count = [value], 1
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        count += len(level)
        if count > MAX_VALUES:
            raise Problem(413, "too-costly", f"The body holds more than {MAX_VALUES} values; send fewer at once.")
        if not level:
            return value
    raise Problem(400, "too-long", f"The body nests deeper than {MAX_DEPTH} levels; send a flatter one.")


def _check_size(text: str) -> None:
    """Refuse JSON of too many values before it is parsed: a comma or an opening bracket stands before each but one."""
    if text.count(",") + text.count("[") + text.count("{") <= MAX_VALUES:
        return
    marks = (found for found in _MARK.finditer(text) if text[found.start()] != '"')
    if next(islice(marks, MAX_VALUES, None), None) is not None:
        raise Problem(413, "too-costly", f"The body holds more than {MAX_VALUES} values; send fewer at once.")


def parse(text: bytes | str) -> Any:
    """Parse FHIR JSON. Raises :class:`Problem` (400, 413) on what is not JSON, not UTF-8, too deep or too much."""
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        _check_size(decoded)
        value = json.loads(
            decoded.removeprefix("\ufeff"),
            parse_float=Decimal,
            parse_int=_integer,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError as error:
        raise Problem(400, "structure", f"The body is not UTF-8 (byte {error.start}).") from None
    except RecursionError:
        raise Problem(400, "too-long", f"The body nests deeper than {MAX_DEPTH} levels; send a flatter one.") from None
    except ValueError as error:
        raise Problem(400, "structure", f"The body is not well-formed JSON: {error}.") from None
    bounded(value)
    if "\\u0000" in decoded or "\\ud" in decoded or "\\uD" in decoded:
        _check_texts(value)
    return value


def stored(text: str) -> Resource:
    """Parse what this server stored itself: no check beyond JSON's."""
    value: Resource = json.loads(text, parse_float=Decimal, parse_int=_integer)
    return value


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} has no JSON form")


def emit(value: Any, *, pretty: bool = False) -> bytes:
    """Write ``value`` as JSON in UTF-8; :class:`orjson.Fragment` parts are copied as they are."""
    return orjson.dumps(value, default=_exact, option=orjson.OPT_INDENT_2 if pretty else None)


def fragment(text: str) -> orjson.Fragment:
    """Stored JSON text, to be put into a Bundle without parsing it again."""
    return orjson.Fragment(text)
