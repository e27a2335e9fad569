"""Conversion between UCUM units."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fhir.units import commensurable, convert


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "expected"),
    [
        ("1", "kg", "g", "1000"),
        ("500", "g", "kg", "0.5"),
        ("1", "g/L", "mg/dL", "100"),
        ("90", "min", "h", "1.5"),
        ("1", "[lb_av]", "g", "453.59237"),
        ("1", "kPa", "N/m2", "1000"),
        ("1", "cm2", "mm2", "100"),
        ("1", "L", "dm3", "1"),
        ("50", "%", "1", "0.5"),
        ("3", "10*3/uL", "10*9/L", "3"),
        ("60", "{beats}/min", "Hz", "1"),
        ("2", "a", "mo", "24"),
    ],
)
def test_what_can_be_converted(value: str, unit: str, wanted: str, expected: str) -> None:
    found = convert(Decimal(value), unit, wanted)
    assert found is not None
    assert round(found, 12) == Decimal(expected)


@pytest.mark.parametrize(
    ("unit", "wanted", "known"),
    [("kg", "m", False), ("kg", "kg", True), ("Cel", "K", None), ("foo", "bar", None), ("mg/(dL.h)", "g", None)],
)
def test_what_cannot(unit: str, wanted: str, known: bool | None) -> None:
    assert commensurable(unit, wanted) is known
    assert (convert(Decimal(1), unit, wanted) is None) is (unit != wanted)


@given(st.decimals(-(10**6), 10**6, places=3), st.sampled_from(["kg", "g", "mg", "ug", "[lb_av]", "t"]))
def test_there_and_back(value: Decimal, unit: str) -> None:
    there = convert(value, unit, "g")
    back = convert(there, "g", unit) if there is not None else None
    assert back is not None
    assert abs(back - value) < Decimal("1e-12")


@given(st.text(max_size=12))
def test_any_text_is_judged(text: str) -> None:
    assert commensurable(text, text) is True
    assert commensurable(text, "kg") in (True, False, None)
