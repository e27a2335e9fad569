"""What lies a duration later or earlier than a date or time. Source: FHIRPath N1 §6.6.1 and §6.6.2, date arithmetic."""

from calendar import monthrange
from datetime import datetime, timedelta
from decimal import Decimal

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.values import MILLISECONDS, Quantity
from harness.fhir.primitives import Temporal, temporal

_MONTHS = {"year": 12, "month": 1}
_STEPS = {3: "day", 4: "hour", 5: "minute"}
_FORMATS = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
_YEAR_OF_A_TIME = 2000


def shift(moment: Temporal, duration: Quantity, sign: int) -> Temporal | None:
    """The moment that lies the duration later (``sign`` 1) or earlier (-1), at the moment's own precision.

    None where it leaves the years 1 to 9999. Raises FHIRPathError for a duration that is no time, or is in UCUM's
    years or months, which no calendar has.
    """
    unit = duration.unit
    if unit not in MILLISECONDS and (unit not in _MONTHS or moment.is_time or not duration.calendar):
        raise FHIRPathError(
            f"FHIRPath + and -: {duration} cannot be added to a date or time",
            f"FHIRPath + et - : {duration} ne s'ajoute pas à une date ou une heure",
        )
    amount = duration.value if unit in ("second", "s", "millisecond", "ms") else Decimal(int(duration.value))
    try:
        if moment.is_time:
            return _written(_start(moment) + _length(amount * sign, unit), moment)
        size = len(moment.parts)
        if unit in _MONTHS:
            return _later(moment, int(amount) * _MONTHS[unit] * sign)
        if size > 2:
            step = MILLISECONDS[_STEPS[size]] if size in _STEPS else 1
            whole = int(amount * MILLISECONDS[unit] / step) * step if size in _STEPS else amount * MILLISECONDS[unit]
            return _written(_start(moment) + _length(Decimal(whole) * sign, "millisecond"), moment)
        days = int(amount * MILLISECONDS[unit] / MILLISECONDS["day"]) * sign
        return _later(moment, int(days / 365) * 12 if size == 1 else int(days / 30))
    except (OverflowError, ValueError):
        return None


def _length(amount: Decimal, unit: str) -> timedelta:
    return timedelta(microseconds=int(amount * MILLISECONDS[unit] * 1000))


def _start(moment: Temporal) -> datetime:
    parts = [_YEAR_OF_A_TIME, 1, 1, *moment.parts] if moment.is_time else list(moment.parts)
    year, month, day, hour, minute = ([int(part) for part in parts[:5]] + [1, 1, 1, 0, 0][len(parts) :])[:5]
    start = datetime(year, month, day, hour, minute)
    return start + timedelta(microseconds=int(Decimal(parts[5]) * 1_000_000)) if len(parts) == 6 else start


def _later(moment: Temporal, months: int) -> Temporal | None:
    start = _start(moment)
    if len(moment.parts) == 1:
        months = int(months / 12) * 12
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return _written(start.replace(year=year, month=month + 1, day=day), moment)


def _written(moved: datetime, like: Temporal) -> Temporal | None:
    """The moment with the precision and the offset of another."""
    size = len(like.parts) + (3 if like.is_time else 0)
    text = f"{moved.year:04}" + moved.strftime(_FORMATS[size - 1][2:])
    if size == 6 and (moved.microsecond or "." in like.text):
        text += f".{moved.microsecond // 1000:03}"
    if like.is_time:
        return temporal(text.partition("T")[2])
    if like.offset is not None:
        hours, minutes = divmod(abs(like.offset), 60)
        text += f"{'-' if like.offset < 0 else '+'}{hours:02}:{minutes:02}"
    return temporal(text)
