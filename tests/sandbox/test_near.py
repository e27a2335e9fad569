"""Places near a point, and what hangs on them."""

from math import asin, cos, radians, sin, sqrt
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert, select

from harness.sandbox import tables
from harness.sandbox.search.near import near

LYON = (45.764, 4.8357)


def place(client: httpx.Client, latitude: float, longitude: float) -> str:
    body = {"resourceType": "Location", "position": {"latitude": latitude, "longitude": longitude}}
    return f"Location/{client.post('/Location', json=body).json()['id']}"


def found(client: httpx.Client, type_: str, **params: Any) -> set[str]:
    answer = client.get(f"/{type_}", params=params)
    assert answer.status_code == 200
    return {f"{type_}/{entry['resource']['id']}" for entry in answer.json().get("entry", [])}


def test_slots_of_places_within_reach(lenient: httpx.Client) -> None:
    where = place(lenient, *LYON)
    schedule = lenient.post("/Schedule", json={"resourceType": "Schedule", "actor": [{"reference": where}]}).json()
    reference = {"reference": f"Schedule/{schedule['id']}"}
    slot = lenient.post("/Slot", json={"resourceType": "Slot", "schedule": reference}).json()
    for point, reached in (
        ("45.764|4.8357|5|km", True),
        ("45.1885|5.7245|120|km", True),
        ("45.1885|5.7245|60|km", False),
        ("45.1885|5.7245|75|[mi_i]", True),
        ("48.8566|2.3522|120|km", False),
        ("45.764|4.8357", True),
    ):
        asked = {"schedule.actor:Location.near": point, "schedule": reference["reference"]}
        assert found(lenient, "Slot", **asked) == ({f"Slot/{slot['id']}"} if reached else set())


def test_places_across_the_date_line(lenient: httpx.Client) -> None:
    where = place(lenient, -17.0, 179.9)
    assert where in found(lenient, "Location", near="-17.0|-179.9|30|km")
    assert where not in found(lenient, "Location", near="-17.0|-179.9|20|km")


@pytest.mark.parametrize("text", ["45", "a|b", "45|4|5|parsec", "95|4|5|km", "45|4|-1", "nan|4", "1|2|3|km|5", "|4"])
def test_what_is_no_point_is_refused(lenient: httpx.Client, text: str) -> None:
    answer = lenient.get("/Location", params={"near": text})
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "value"


def haversine(one: tuple[float, float], other: tuple[float, float]) -> float:
    north, east = (radians(b - a) for a, b in zip(one, other, strict=True))
    between = sin(north / 2) ** 2 + cos(radians(one[0])) * cos(radians(other[0])) * sin(east / 2) ** 2
    return 2 * 6371.0088 * asin(sqrt(between))


@given(
    here=st.tuples(st.floats(-60, 60), st.floats(-180, 180)),
    away=st.tuples(st.floats(-4, 4), st.floats(-4, 4)),
)
def test_the_distance_is_that_on_the_sphere(here: tuple[float, float], away: tuple[float, float]) -> None:
    there = (here[0] + away[0], (here[1] + away[1] + 180) % 360 - 180)
    distance = haversine(here, there)
    with ENGINE.begin() as connection:
        row = {"resource": 1, "param": "Location.near", "element": 0, "low": there[0], "high": there[1]}
        connection.execute(tables.quantity.delete())
        connection.execute(insert(tables.quantity), row)

        def within(kilometres: float) -> bool:
            parts = [repr(here[0]), repr(here[1]), repr(kilometres), "km"]
            return connection.execute(select(tables.quantity).where(near(tables.quantity, parts))).first() is not None

        assert within(distance * 1.01 + 0.1)
        assert distance < 1 or not within(distance * 0.99 - 0.1)


ENGINE = create_engine("sqlite://")
tables.metadata.create_all(ENGINE)
