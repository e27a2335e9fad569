"""Conversion between the UCUM units that bounds are written in: prefixes on metric atoms, the common units of time.

A small part of UCUM (https://ucum.org/ucum), enough to compare a quantity with a bound; None means "not known here".
"""

from __future__ import annotations

from decimal import Decimal

_PREFIXES = {
    "": 0, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "M": 6, "G": 9,
}  # fmt: skip
_ATOMS = ("g", "m", "L", "l", "mol", "Pa", "J", "W", "V", "A", "Hz", "N", "s", "eq", "U")
_SPECIAL = {
    "min": ("s", Decimal(60)),
    "h": ("s", Decimal(3600)),
    "d": ("s", Decimal(86400)),
    "wk": ("s", Decimal(604800)),
    "mo": ("s", Decimal("2629800")),
    "a": ("s", Decimal("31557600")),
    "[lb_av]": ("g", Decimal("453.59237")),
    "[oz_av]": ("g", Decimal("28.349523125")),
    "[in_i]": ("m", Decimal("0.0254")),
    "[ft_i]": ("m", Decimal("0.3048")),
    "t": ("g", Decimal(1000000)),
}


def _base(unit: str) -> tuple[str, Decimal] | None:
    """The atom behind ``unit`` and the factor to it."""
    if unit in _SPECIAL:
        return _SPECIAL[unit]
    for atom in _ATOMS:
        prefix = unit.removesuffix(atom)
        if prefix != unit and prefix in _PREFIXES:
            return ("L" if atom == "l" else atom), Decimal(1).scaleb(_PREFIXES[prefix])
    return None


def commensurable(unit: str, wanted: str) -> bool | None:
    """Whether a quantity of one unit can be told in the other; None where one of them is not known here."""
    if unit == wanted:
        return True
    source, target = _base(unit), _base(wanted)
    return None if source is None or target is None else source[0] == target[0]


def convert(value: Decimal, unit: str, wanted: str) -> Decimal | None:
    """``value`` of ``unit`` in ``wanted``; None when they are not commensurable or not known."""
    if unit == wanted:
        return value
    if "/" in unit and "/" in wanted:
        return _convert_ratio(value, unit, wanted)
    source, target = _base(unit), _base(wanted)
    if source is None or target is None or source[0] != target[0]:
        return None
    return value * source[1] / target[1]


def _convert_ratio(value: Decimal, unit: str, wanted: str) -> Decimal | None:
    above, _, below = unit.partition("/")
    above_wanted, _, below_wanted = wanted.partition("/")
    top = convert(value, above, above_wanted)
    bottom = convert(Decimal(1), below, below_wanted)
    return None if top is None or bottom is None else top / bottom
