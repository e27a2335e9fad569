"""FHIR R4's primitive types: what a value may look like, and how two of them compare.

Sources: FHIR R4 datatypes (https://hl7.org/fhir/R4/datatypes.html#primitive) for patterns and bounds, search
(https://hl7.org/fhir/R4/search.html#date) for the range that a partial date stands for, and FHIRPath N1 §6.2 for
comparison at differing precision.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Literal

Kind = Literal["boolean", "number", "string"]
Check = Callable[[object], str | None]

STRING_LIMIT = 1024 * 1024
"""Characters that a string may hold at most."""

_YEAR = r"(?!0000)[0-9]{4}"
_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = r"(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_CLEAN_TEXT = r"[^\x00-\x08\x0b\x0c\x0e-\x1f]+"

_DATE = re.compile(rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY})?)?")
_DATE_TIME = re.compile(rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY}(?:T{_TIME}{_ZONE})?)?)?")
_INSTANT = re.compile(rf"{_YEAR}-{_MONTH}-{_DAY}T{_TIME}{_ZONE}")
# Groups that repeat are possessive: else a long text takes a hundred times its length, to remember every repetition.
# Four characters are written out for Python before 3.11.5 (gh-106052).
_CHARACTER = "[A-Za-z0-9+/]"
_BASE64 = re.compile(
    rf"(?:{_CHARACTER}{_CHARACTER}{_CHARACTER}{_CHARACTER})*+(?:{_CHARACTER}{{2}}==|{_CHARACTER}{{3}}=)?"
)


@dataclass(frozen=True, slots=True)
class Primitive:
    """One primitive type.

    ``check(value)`` takes the value as JSON gave it (``bool``, ``int``, ``float``, ``Decimal`` or ``str``) and returns
    None when it is legal, else one of: ``type`` (another kind of JSON value), ``empty``, ``format``, ``range``,
    ``calendar`` (no such day), ``length``, ``control`` (a forbidden control character).
    """

    name: str
    kind: Kind
    pattern: re.Pattern[str] | None
    check: Check
    minimum: int | None = None
    maximum: int | None = None


def _check_boolean(value: object) -> str | None:
    return None if value is True or value is False else "type"


def _check_decimal(value: object) -> str | None:
    if type(value) is float:
        return None if isfinite(value) else "range"
    if type(value) is Decimal:
        return None if value.is_finite() else "range"
    return None if type(value) is int else "type"


def _whole(name: str, minimum: int, maximum: int) -> Primitive:
    def check(value: object) -> str | None:
        if type(value) is int:
            return None if minimum <= value <= maximum else "range"
        return "format" if type(value) in (float, Decimal) else "type"

    return Primitive(name, "number", None, check, minimum, maximum)


def _text(name: str, pattern: str, limit: int = STRING_LIMIT, otherwise: str = "format") -> Primitive:
    """A string type whose whole rule is a pattern and a length."""
    compiled = re.compile(pattern, re.ASCII)
    fullmatch = compiled.fullmatch

    def check(value: object) -> str | None:
        if type(value) is not str:
            return "type"
        if fullmatch(value):
            return None if len(value) <= limit else "length"
        return otherwise if value else "empty"

    return Primitive(name, "string", compiled, check)


def _calendar(name: str, pattern: re.Pattern[str]) -> Primitive:
    """A string type that names a day, which must exist."""
    fullmatch = pattern.fullmatch

    def check(value: object) -> str | None:
        if type(value) is not str:
            return "type"
        if not fullmatch(value):
            return "format" if value else "empty"
        if value[8:10] > "28" and int(value[8:10]) > monthrange(int(value[:4]), int(value[5:7]))[1]:
            return "calendar"
        return None

    return Primitive(name, "string", pattern, check)


def _check_base64(value: object) -> str | None:
    if type(value) is not str:
        return "type"
    if not value:
        return "empty"
    if _BASE64.fullmatch(value):
        return None
    packed = "".join(value.split())  # white space may stand anywhere between the groups
    return None if packed and _BASE64.fullmatch(packed) else "format"


_TYPES = (
    Primitive("boolean", "boolean", None, _check_boolean),
    _whole("integer", -(2**31), 2**31 - 1),
    _whole("unsignedInt", 0, 2**31 - 1),
    _whole("positiveInt", 1, 2**31 - 1),
    Primitive("decimal", "number", None, _check_decimal),
    _text("string", _CLEAN_TEXT, otherwise="control"),
    _text("markdown", _CLEAN_TEXT, otherwise="control"),
    _text("code", r"\S++(?:\s\S++)*+"),
    _text("id", r"[A-Za-z0-9.-]{1,64}", 64),
    _text("uri", r"\S+"),
    _text("url", r"\S+"),
    _text("canonical", r"\S+"),
    _text("oid", r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*+))++"),
    _text("uuid", r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    _text("time", _TIME),
    _calendar("date", _DATE),
    _calendar("dateTime", _DATE_TIME),
    _calendar("instant", _INSTANT),
    Primitive("base64Binary", "string", _BASE64, _check_base64),
)

PRIMITIVES: dict[str, Primitive] = {primitive.name: primitive for primitive in _TYPES}
"""Every primitive type of FHIR R4 by its name; xhtml is judged where narratives are."""

Precision = Literal["year", "month", "day", "hour", "minute", "second"]
_PRECISIONS: tuple[Precision, ...] = ("year", "month", "day", "hour", "minute", "second")
_PARTS = re.compile(
    rf"(?:(?P<year>{_YEAR})(?:-(?P<month>{_MONTH})(?:-(?P<day>{_DAY}))?)?)?"
    r"(?P<time>T?(?:(?P<hour>[01][0-9]|2[0-3])(?::(?P<minute>[0-5][0-9])"
    rf"(?::(?P<second>(?:[0-5][0-9]|60)(?:\.[0-9]+)?))?)?)?(?P<zone>{_ZONE})?)?"
)


@dataclass(frozen=True, slots=True)
class Temporal:
    """A date, dateTime, instant or time with the precision it was written in.

    ``parts`` runs from the year (or, for a time of day, from the hour) to the last part that was written; seconds and
    their fraction are one part, as FHIRPath N1 §6.1.1 has it. ``offset`` is in minutes, None where not written.
    """

    text: str
    parts: tuple[Decimal | int, ...]
    offset: int | None
    is_time: bool = False

    @property
    def precision(self) -> Precision:
        """The last part that was written."""
        return _PRECISIONS[len(self.parts) - 1 + (3 if self.is_time else 0)]

    def __str__(self) -> str:
        return self.text

    def _instant_parts(self) -> tuple[Decimal | int, ...]:
        """The parts in UTC; only for one that has a time and an offset."""
        year, month, day, hour = (int(part) for part in self.parts[:4])
        minute = int(self.parts[4]) if len(self.parts) > 4 else 0
        try:
            moved = datetime(year, month, day, hour, minute) - timedelta(minutes=self.offset or 0)
        except OverflowError:  # the first and last day of the calendar cannot move out of it
            return self.parts
        return (moved.year, moved.month, moved.day, moved.hour, moved.minute, *self.parts[5:])[: len(self.parts)]

    def compare(self, other: "Temporal") -> int | None:
        """-1, 0 or 1 for before, same, after; None where the precisions leave it open (FHIRPath N1 §6.2).

        Two values with a time are compared in UTC. Where only one says its offset, both are taken to have the same.
        """
        if self.is_time is not other.is_time:
            return None
        mine, theirs = self.parts, other.parts
        if self.offset != other.offset and self.offset is not None and other.offset is not None:
            mine, theirs = self._instant_parts(), other._instant_parts()
        for left, right in zip(mine, theirs, strict=False):
            if left != right:
                return -1 if left < right else 1
        return 0 if len(mine) == len(theirs) else None

    def bounds(self, zone: tzinfo = UTC) -> tuple[datetime, datetime]:
        """The first moment it can mean and the first moment after it, both aware (FHIR search, dates).

        ``zone`` is used where no offset was written. Raises ValueError for a time of day.
        """
        if self.is_time:
            raise ValueError(f"{self.text} is a time of day and names no day")
        if self.offset is not None:
            zone = timezone(timedelta(minutes=self.offset))
        year, month, day, hour, minute = ([int(part) for part in self.parts[:5]] + [1, 1, 1, 0, 0][len(self.parts) :])[
            :5
        ]
        start = datetime(year, month, day, hour, minute, tzinfo=zone)
        if len(self.parts) == 6:
            second = Decimal(self.parts[5])
            start += timedelta(microseconds=int(second * 1_000_000))
            decimals = -int(second.as_tuple().exponent)
            return start, start + timedelta(microseconds=max(1, 10 ** (6 - decimals) if decimals <= 6 else 1))
        return start, _next(start, self.precision)


def _next(start: datetime, precision: Precision) -> datetime:
    try:
        if precision == "year":
            return start.replace(year=start.year + 1)
        if precision == "month":
            return start + timedelta(days=monthrange(start.year, start.month)[1])
        return start + {"day": timedelta(days=1), "hour": timedelta(hours=1)}.get(precision, timedelta(minutes=1))
    except (OverflowError, ValueError):  # the year 9999 has no next one
        return datetime.max.replace(tzinfo=start.tzinfo)


@lru_cache(maxsize=4096)
def temporal(text: str) -> Temporal | None:
    """Read a date, dateTime, instant (``2024-05``, ``2024-05-01T10:00:00+02:00``) or time (``10:00:00``, ``T10:00``).

    Returns None for a text that is none of these, and for a day that does not exist.
    """
    found = _PARTS.fullmatch(text)
    if not found or not text or text == "T":
        return None
    year, month, day, time, hour, minute, second, zone = found.groups()
    offset = _offset(zone)
    clock = tuple(int(part) for part in (hour, minute) if part) + ((Decimal(second),) if second else ())
    if year is None:
        return Temporal(text, clock, offset, is_time=True) if clock and zone is None else None
    if time and (day is None or not time.startswith("T") or (zone and not clock)):
        return None
    calendar = tuple(int(part) for part in (year, month, day) if part)
    if len(calendar) == 3 and calendar[2] > monthrange(calendar[0], calendar[1])[1]:
        return None
    return Temporal(text, (*calendar, *clock), offset)


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:])
    return -minutes if zone[0] == "-" else minutes


def compare_temporal(left: str, right: str) -> int | None:
    """Compare two dates, dateTimes, instants or times at their precision: -1, 0, 1; None where undecidable."""
    first, second = temporal(left), temporal(right)
    return None if first is None or second is None else first.compare(second)


def exact_decimal(value: object) -> Decimal | None:
    """The value with the precision it was written in (``1.10`` stays ``1.10``); None for what is no number.

    A float is read through its shortest decimal text, so 0.1 is one tenth.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if isfinite(value) else None
    return None
