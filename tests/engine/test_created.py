"""What a run made, and its values that go on."""

import json
from datetime import UTC, datetime

import pytest

from harness.engine.checks.evidence import Evidence
from harness.engine.created import Created
from harness.engine.exchange import Exchange, Request, Response
from harness.engine.saving import placed, saved_value

BASE = "http://x.example/fhir"


def exchange(method, path, status, headers=(), resource=None):
    body = json.dumps(resource).encode() if resource else b""
    return Exchange(Request(method, f"{BASE}/{path}"), "", 0.1, Response(status, headers, body))


def noted(*exchanges):
    created = Created(BASE)
    for one in exchanges:
        created.note(one.request, one, (("Authorization", "Bearer t"),))
    return created


@pytest.mark.parametrize(
    ("made", "left"),
    [
        (exchange("POST", "Patient", 201, (("Location", "Patient/1/_history/1"),)), ("Patient/1",)),
        (exchange("POST", "Patient", 201, (("Location", f"{BASE}/Patient/1"),)), ("Patient/1",)),
        (exchange("POST", "Patient", 201, (), {"resourceType": "Patient", "id": "2"}), ("Patient/2",)),
        (exchange("POST", "Patient", 201, (), {"resourceType": "OperationOutcome", "id": "2"}), ()),
        (exchange("POST", "Patient", 200, (("Location", "Patient/1"),)), ()),
        (exchange("POST", "Patient", 422, (("Location", "Patient/1"),)), ()),
        (exchange("PUT", "Patient/3", 201), ("Patient/3",)),
        (exchange("PUT", "Patient/3", 200), ()),
        (exchange("POST", "Patient", 201, (("Location", "http://evil.example/"),)), ()),
        (
            exchange(
                "POST",
                "",
                200,
                (),
                {
                    "resourceType": "Bundle",
                    "entry": [
                        {"response": {"status": "201 Created", "location": "Slot/1/_history/1"}},
                        {"response": {"status": "200", "location": "Slot/2"}},
                        {"response": "x"},
                        {"response": {"status": "201"}, "resource": {"resourceType": "Slot", "id": "4"}},
                    ],
                },
            ),
            ("Slot/1", "Slot/4"),
        ),
    ],
)
def test_what_was_made(made, left):
    assert noted(made).left == left


def test_the_last_made_goes_first_with_the_credentials_that_made_it():
    created = noted(*(exchange("PUT", f"Patient/{number}", 201) for number in (1, 2)))
    asked = []
    for place, request in created.deletions():
        asked.append((place, request.method, request.url, dict(request.headers)["Authorization"]))
        created.note(request, Exchange(request, "", 0.1, Response(204)), ())
    assert asked == [
        ("Patient/2", "DELETE", f"{BASE}/Patient/2", "Bearer t"),
        ("Patient/1", "DELETE", f"{BASE}/Patient/1", "Bearer t"),
    ]
    assert created.left == ()


def test_what_others_point_at_is_tried_again():
    created = noted(exchange("PUT", "Patient/1", 201), exchange("PUT", "Slot/1", 201))
    answers = iter([409, 204, 204])
    for _, request in created.deletions():
        created.note(request, Exchange(request, "", 0.1, Response(next(answers))), ())
    assert created.left == ()


def test_deleted_by_a_test_is_gone():
    assert noted(exchange("PUT", "Patient/1", 201), exchange("DELETE", "Patient/1", 204)).left == ()


def test_places():
    assert placed("/fhir/Patient/a-b.C/_history/1?x=y") == "Patient/a-b.C"
    assert placed("/fhir/Patient") is None
    assert placed("Patient/a b") is None


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("id", "7"),
        ("name.given", ["A", "B"]),
        ("name.family", None),
        ("status", 201),
        ("header.ETag", 'W/"3"'),
        ("header.ETag.version", "3"),
        ("header.Location.id", "7"),
        ("header.location.version", "3"),
        ("header.Location.type", "Patient"),
        ("header.Location.other", None),
        ("header.X-No", None),
        ("multipleBirth", 2),
    ],
)
def test_saved_values(source, value):
    headers = (("Location", f"{BASE}/Patient/7/_history/3"), ("ETag", 'W/"3"'))
    resource = {"resourceType": "Patient", "id": "7", "name": [{"given": ["A", "B"]}], "multipleBirthInteger": 2}
    made = exchange("POST", "Patient", 201, headers, resource)
    evidence = Evidence((made,), BASE, None, None, datetime(2026, 1, 1, tzinfo=UTC))
    assert saved_value(source, evidence) == value


def test_nothing_is_saved_of_what_is_no_resource():
    made = exchange("GET", "x", 200)
    assert saved_value("id", Evidence((made,), BASE, None, None, datetime(2026, 1, 1, tzinfo=UTC))) is None
