"""The primitive types: patterns and bounds of the R4 datatypes page, and comparison at precision."""

import math
import tracemalloc
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fhir.primitives import PRIMITIVES, compare_temporal, exact_decimal, temporal

GOOD = [
    ("boolean", True),
    ("integer", -(2**31)),
    ("unsignedInt", 0),
    ("positiveInt", 2**31 - 1),
    ("decimal", 1),
    ("decimal", 0.1),
    ("decimal", Decimal("1.10")),
    ("string", "a\tb\r\né"),
    ("markdown", " # title"),
    ("code", "a b"),
    ("id", "A-1." * 16),
    ("uri", "urn:x y".replace(" ", "")),
    ("url", "https://a.example/é"),
    ("canonical", "http://a.example|1#b"),
    ("oid", "urn:oid:1.2.250.1.213.1.4.10"),
    ("uuid", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
    ("time", "23:59:60.5"),
    ("date", "2024-02-29"),
    ("date", "2024"),
    ("dateTime", "2024-05"),
    ("dateTime", "2024-05-01T00:00:00-14:00"),
    ("instant", "2015-02-07T13:28:17.239+02:00"),
    ("base64Binary", "aGVs bG8="),
]
BAD = [
    ("boolean", 1, "type"),
    ("boolean", "true", "type"),
    ("integer", True, "type"),
    ("integer", 1.0, "format"),
    ("integer", 2**31, "range"),
    ("unsignedInt", -1, "range"),
    ("positiveInt", 0, "range"),
    ("decimal", "1.0", "type"),
    ("decimal", True, "type"),
    ("decimal", math.nan, "range"),
    ("decimal", math.inf, "range"),
    ("decimal", Decimal("Infinity"), "range"),
    ("string", "", "empty"),
    ("string", "a\x0cb", "control"),
    ("string", "a" * (1024 * 1024 + 1), "length"),
    ("string", 5, "type"),
    ("code", " a", "format"),
    ("code", "a  b", "format"),
    ("code", "a ", "format"),
    ("id", "a" * 65, "format"),
    ("id", "a_b", "format"),
    ("uri", "a b", "format"),
    ("oid", "urn:oid:3.1", "format"),
    ("oid", "urn:oid:1.02", "format"),
    ("uuid", "urn:uuid:C757873D-ec9a-4326-a141-556f43239520", "format"),
    ("time", "24:00:00", "format"),
    ("time", "12:00", "format"),
    ("date", "2023-02-29", "calendar"),
    ("date", "1900-02-29", "calendar"),
    ("date", "2024-13", "format"),
    ("date", "0000", "format"),
    ("date", "2024-1-1", "format"),
    ("date", "2024\n", "format"),
    ("dateTime", "2024-05-01T10:00:00", "format"),
    ("dateTime", "2024-05-01T24:00:00Z", "format"),
    ("dateTime", "2024-05-01T10:00Z", "format"),
    ("dateTime", "2024-05-01T10:00:00+14:01", "format"),
    ("dateTime", "2024-04-31T10:00:00Z", "calendar"),
    ("instant", "2024-05-01", "format"),
    ("base64Binary", "aGVsbG8", "format"),
    ("base64Binary", "", "empty"),
]


def test_every_primitive_type_of_r4_is_here() -> None:
    text = {"string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid", "base64Binary"}
    assert set(PRIMITIVES) - text == {
        *("boolean", "integer", "unsignedInt", "positiveInt", "decimal", "time", "date", "dateTime", "instant"),
    }


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_legal_values(name: str, value: object) -> None:
    assert PRIMITIVES[name].check(value) is None


@pytest.mark.parametrize(("name", "value", "reason"), BAD)
def test_illegal_values(name: str, value: object, reason: str) -> None:
    assert PRIMITIVES[name].check(value) == reason


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("2024", "2025", -1),
        ("2024", "2024-05", None),
        ("2024-06", "2024-05-31", 1),
        ("2024-05-01", "2024-05-01", 0),
        ("2024-05-01", "2024-05-01T10:00:00Z", None),
        ("2024-05-01T10:00:00+02:00", "2024-05-01T08:00:00Z", 0),
        ("2024-05-01T00:30:00+02:00", "2024-04-30T23:00:00Z", -1),
        ("2024-05-01T10:00:00.0Z", "2024-05-01T10:00:00Z", 0),
        ("10:00:00", "10:00:00.5", -1),
        ("10:00", "10:00:30", None),
        ("10:00:00", "2024", None),
        ("nonsense", "2024", None),
    ],
)
def test_comparison_at_precision(left: str, right: str, expected: int | None) -> None:
    assert compare_temporal(left, right) == expected


@pytest.mark.parametrize("text", ["2023-02-29", "T", "", "2024T10", "2024-05-0110:00", "10:00:00Z", "2024-05-01TZ"])
def test_what_is_no_date_reads_as_none(text: str) -> None:
    assert temporal(text) is None


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
        ("2024-02", datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        ("2024-02-29T10:00+02:00", datetime(2024, 2, 29, 8, tzinfo=UTC), datetime(2024, 2, 29, 8, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC), datetime(2017, 1, 1, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_the_range_that_a_partial_date_stands_for(text: str, start: datetime, end: datetime) -> None:
    value = temporal(text)
    assert value is not None
    assert value.bounds() == (start, end)


def test_a_range_at_the_end_of_the_calendar_stays_in_it() -> None:
    value = temporal("9999")
    assert value is not None
    assert value.bounds()[1] == datetime.max.replace(tzinfo=UTC)


MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
OFFSETS = st.integers(-14 * 60, 14 * 60)


def _written(moment: datetime, offset: int) -> str:
    sign = "-" if offset < 0 else "+"
    local = moment + timedelta(minutes=offset)
    return f"{local.isoformat()}{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"


@given(MOMENTS, OFFSETS, MOMENTS, OFFSETS)
def test_moments_compare_as_the_clock_does(left: datetime, a: int, right: datetime, b: int) -> None:
    assert compare_temporal(_written(left, a), _written(right, b)) == (left > right) - (left < right)


@given(MOMENTS, st.sampled_from([4, 7, 10]))
def test_a_decided_comparison_never_contradicts_the_ranges(moment: datetime, length: int) -> None:
    whole, part = temporal(moment.isoformat() + "Z"), temporal(moment.isoformat()[:length])
    assert whole is not None
    assert part is not None
    start, end = part.bounds()
    assert start <= moment.replace(tzinfo=UTC) < end
    assert whole.compare(part) is None


@given(st.integers(-(10**18), 10**18), st.integers(0, 12))
def test_decimals_keep_the_digits_they_were_written_with(digits: int, places: int) -> None:
    value = Decimal(digits).scaleb(-places)
    assert str(exact_decimal(value)) == str(value)


@pytest.mark.parametrize(("value", "expected"), [(True, None), ("1", None), (0.1, Decimal("0.1")), (math.nan, None)])
def test_what_is_no_number_has_no_decimal(value: object, expected: Decimal | None) -> None:
    assert exact_decimal(value) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base64Binary", "QUFB" * 300_000),
        ("code", "a " * 300_000 + "a"),
        ("oid", "urn:oid:1" + ".1" * 300_000),
    ],
)
def test_a_long_value_takes_no_memory_for_each_of_its_groups(name: str, value: str) -> None:
    tracemalloc.start()
    try:
        assert PRIMITIVES[name].check(value) is None
        assert tracemalloc.get_traced_memory()[1] < len(value)
    finally:
        tracemalloc.stop()
