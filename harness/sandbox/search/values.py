"""Values as search compares them: folded text, ranges of time, ranges of numbers."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import inf, isfinite

EARLIEST = -(2**62)
LATEST = 2**62

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "đ": "d", "ł": "l"})
_TIME = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def fold(text: str) -> str:
    """``text`` without case, accents and repeated spaces: how string parameters compare (search.html#string)."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LIGATURES))
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def time_range(text: str) -> tuple[int, int]:
    """``[low, high)`` in microseconds since the epoch of a date, dateTime or instant, as precise as it is written.

    Without a time zone it is read as UTC. Raises ValueError.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"'{text}' is not a FHIR date: write yyyy, yyyy-mm, yyyy-mm-dd or yyyy-mm-ddThh:mm:ss+zz:zz")
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    hour, minute, second = int(found["hour"] or 0), int(found["minute"] or 0), int(found["second"] or 0)
    fraction = found["fraction"]
    zone = "+00:00" if found["zone"] in {None, "Z"} else found["zone"]
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (-1 if zone[0] == "-" else 1)
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    low = _microseconds(datetime(year, month, day, hour, minute, second, tzinfo=UTC)) + micro
    low -= offset // timedelta(microseconds=1)
    if fraction is not None:
        return low, low + 10 ** max(0, 6 - len(fraction))
    if found["second"]:
        return low, low + 1_000_000
    if found["hour"]:
        return low, low + 60_000_000
    if found["day"]:
        return low, low + 86_400_000_000
    if month == 12 or not found["month"]:
        following = _after_year(year)
    else:
        following = _microseconds(datetime(year, month + 1, 1, tzinfo=UTC))
    return low, following


def _after_year(year: int) -> int:
    return LATEST if year == 9999 else _microseconds(datetime(year + 1, 1, 1, tzinfo=UTC))


def number_range(text: str) -> tuple[float, float, float]:
    """The bounds of a number by its precision (``100``: 99.5 and 100.5), and the number itself. Raises ValueError."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"'{text}' is not a number")
    try:
        value = Decimal(text)
        half = Decimal(5).scaleb(int(value.as_tuple().exponent) - 1)
        found = float(value - half), float(value + half), float(value)
    except ArithmeticError:
        found = (inf,) * 3
    if not all(map(isfinite, found)):
        raise ValueError(f"'{text}' is not a number that this server can compare")
    return found
