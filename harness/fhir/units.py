"""Conversion between UCUM units (https://ucum.org/ucum): products of powers of metric and customary units.

Enough to compare a quantity with a bound or with another one: units of length, mass, time, volume, pressure, energy,
amount and their like. None means "not known here": special scales (Cel, pH) and arbitrary units convert into nothing.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

Dimension = tuple[tuple[str, int], ...]
"""Base units with their powers, sorted."""

_PREFIXES = {
    "": 0, "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2,
    "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18,
}  # fmt: skip
_METRIC: dict[str, tuple[str, str]] = {
    "m": ("1", "m"), "g": ("1", "g"), "s": ("1", "s"), "K": ("1", "K"), "cd": ("1", "cd"), "A": ("1", "A"),
    "L": ("0.001", "m3"), "l": ("0.001", "m3"), "mol": ("6.0221367e23", ""), "eq": ("6.0221367e23", ""),
    "osm": ("6.0221367e23", ""), "kat": ("6.0221367e23", "s-1"), "U": ("1.00368945e16", "s-1"),
    "Hz": ("1", "s-1"), "N": ("1000", "m.g.s-2"), "Pa": ("1000", "m-1.g.s-2"), "bar": ("1e8", "m-1.g.s-2"),
    "J": ("1000", "m2.g.s-2"), "W": ("1000", "m2.g.s-3"), "V": ("1000", "m2.g.s-3.A-1"), "cal": ("4184", "m2.g.s-2"),
    "m[Hg]": ("133322000", "m-1.g.s-2"), "m[H2O]": ("9806650", "m-1.g.s-2"), "Bq": ("1", "s-1"), "Gy": ("1", "m2.s-2"),
    "Sv": ("1", "m2.s-2"), "t": ("1000000", "g"), "[iU]": ("1", "[iU]"), "[IU]": ("1", "[iU]"),
}  # fmt: skip
"""Units that take a prefix: factor and base units."""
_OTHER: dict[str, tuple[str, str]] = {
    "min": ("60", "s"), "h": ("3600", "s"), "d": ("86400", "s"), "wk": ("604800", "s"), "mo": ("2629800", "s"),
    "a": ("31557600", "s"), "%": ("0.01", ""), "[ppth]": ("0.001", ""), "[ppm]": ("0.000001", ""), "10*": ("10", ""),
    "10^": ("10", ""), "[lb_av]": ("453.59237", "g"), "[oz_av]": ("28.349523125", "g"), "[gr]": ("0.06479891", "g"),
    "[stone_av]": ("6350.29318", "g"), "[in_i]": ("0.0254", "m"), "[ft_i]": ("0.3048", "m"), "[yd_i]": ("0.9144", "m"),
    "[mi_i]": ("1609.344", "m"), "[psi]": ("6894757.293168", "m-1.g.s-2"), "[kn_i]": ("0.514444444444", "m.s-1"),
}  # fmt: skip
_COMPONENT = re.compile(r"(?P<unit>.+?)(?P<power>[+-]?[0-9]+)?")
_ANNOTATION = re.compile(r"\{[^{}]*\}")


@lru_cache(maxsize=1024)
def factor(unit: str) -> tuple[Decimal, Dimension] | None:
    """The factor and the base units of ``unit``; None for one that is not known here, or needs parentheses."""
    plain = _ANNOTATION.sub("", unit)
    if "(" in plain or " " in plain:
        return None
    number, powers = Decimal(1), dict[str, int]()
    for part, sign in _components(plain):
        found = _component(part)
        if found is None:
            return None
        number *= found[0] if sign > 0 else 1 / found[0]
        for base, power in found[1].items():
            powers[base] = powers.get(base, 0) + sign * power
    return number, tuple(sorted((base, power) for base, power in powers.items() if power))


def _components(unit: str) -> list[tuple[str, int]]:
    """The parts of a product, with the side of the fraction bar that each stands on; brackets may hold both signs."""
    found: list[tuple[str, int]] = []
    sign, start, square = 1, 0, False
    for place, letter in enumerate(unit + "."):
        square = letter == "[" or (square and letter != "]")
        if letter in "./" and not square:
            if place > start:
                found.append((unit[start:place], sign))
            sign, start = (-1 if letter == "/" else 1), place + 1
    return found


def _component(text: str) -> tuple[Decimal, dict[str, int]] | None:
    """One unit with its power."""
    if text.isascii() and text.isdigit():
        return (Decimal(text), {}) if int(text) else None
    matched = _COMPONENT.fullmatch(text)
    if matched is None:
        return None
    power = int(matched["power"] or 1)
    known = _unit(text) if matched["power"] is None or text in _OTHER else _unit(matched["unit"])
    if known is None or abs(power) > 30:
        return None
    number, base = known
    return number**power, {name: count * power for name, count in base.items()}


@lru_cache(maxsize=256)
def _unit(text: str) -> tuple[Decimal, dict[str, int]] | None:
    if text in _OTHER:
        return _defined(*_OTHER[text])
    for size in (0, 1, 2):
        exponent = _PREFIXES.get(text[:size])
        if exponent is not None and text[size:] in _METRIC:
            number, base = _defined(*_METRIC[text[size:]])
            return number.scaleb(exponent), base
    return None


def _defined(number: str, product: str) -> tuple[Decimal, dict[str, int]]:
    base: dict[str, int] = {}
    for part in product.split(".") if product else ():
        name = part.rstrip("-0123456789")
        base[name] = int(part[len(name) :] or 1)
    return Decimal(number), base


def commensurable(unit: str, wanted: str) -> bool | None:
    """Whether a quantity of one unit can be told in the other; None where one of them is not known here."""
    if unit == wanted:
        return True
    source, target = factor(unit), factor(wanted)
    return None if source is None or target is None else source[1] == target[1]


def convert(value: Decimal, unit: str, wanted: str) -> Decimal | None:
    """``value`` of ``unit`` in ``wanted``; None when they are not commensurable or not known."""
    if unit == wanted:
        return value
    source, target = factor(unit), factor(wanted)
    if source is None or target is None or source[1] != target[1]:
        return None
    return value * source[0] / target[0]
