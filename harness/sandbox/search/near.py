"""``Location.near``: how far a place is from a point (https://hl7.org/fhir/R4/location.html#positional-searching)."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, degrees, isfinite, radians, sin

from sqlalchemy import ColumnElement, Table, and_, case, func

_EARTH = 6371.0088
"""Mean radius in kilometres."""
_KILOMETRES = {"km": 1.0, "m": 0.001, "[mi_i]": 1.609344, "mi": 1.609344}
_DEFAULT_DISTANCE = 50.0
"""Kilometres, where the request names no distance: FHIR leaves it to the server."""


def near(table: Table, parts: Sequence[str]) -> ColumnElement[bool]:
    """The rows of ``table`` (latitude in ``low``, longitude in ``high``) near ``latitude|longitude[|distance[|unit]]``.

    The distance is that on a plane tangent to the mean latitude of both points: below a thousand kilometres it is
    right within one per cent outside of the polar regions. Raises ValueError for what is not a point or a distance.
    """
    latitude, longitude, distance = _read(parts)
    north = table.c.low - latitude
    apart = func.abs(table.c.high - longitude)
    east = case((apart > 180, 360 - apart), else_=apart)
    # The square of the cosine of the mean latitude, to the second order in half the difference of latitudes.
    half = north * radians(0.5)
    at = radians(latitude)
    squeeze = cos(at) ** 2 - sin(2 * at) * half - cos(2 * at) * half * half
    reach = degrees(distance / _EARTH)
    return and_(
        table.c.low >= latitude - reach,
        table.c.low <= latitude + reach,
        north * north + east * east * squeeze <= reach * reach,
    )


def _read(parts: Sequence[str]) -> tuple[float, float, float]:
    numbers = [float(part) for part in parts[:3] if part]
    unit = parts[3] if len(parts) > 3 and parts[3] else "km"
    if len(parts) not in {2, 3, 4} or not all(parts[:2]) or not all(isfinite(number) for number in numbers):
        raise ValueError("write latitude|longitude|distance|unit")
    if unit not in _KILOMETRES:
        raise ValueError(f"the unit is one of {', '.join(_KILOMETRES)}")
    latitude, longitude = numbers[:2]
    distance = numbers[2] * _KILOMETRES[unit] if len(numbers) > 2 else _DEFAULT_DISTANCE
    if abs(latitude) > 90 or abs(longitude) > 180 or distance < 0:
        raise ValueError("a latitude lies between -90 and 90, a longitude between -180 and 180, a distance above 0")
    return latitude, longitude, distance
