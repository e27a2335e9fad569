"""TestScripts as others write them become test sets; what cannot be carried over is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import TestSetError
from harness.suite.testscript import CannotBeSaid, Imported, import_testscript
from harness.suite.testscript.assertions import expectation
from harness.suite.testscript.operations import step
from harness.suite.testscript.xpath import fhirpath_of

SCRIPTS = Path(__file__).parent / "scripts"


def _find(reference: str) -> dict[str, Any] | None:
    path = SCRIPTS / f"{reference.removesuffix('.json')}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def _imported(name: str, **changes: Any) -> Imported:
    script = json.loads((SCRIPTS / f"{name}.json").read_text("utf-8"))
    return import_testscript({**script, **changes}, _find)


def test_a_script_becomes_a_set_of_tests() -> None:
    found = _imported("read")
    content = found.test_set
    assert [test["id"] for test in content["tests"]] == ["01-read-patient", "02-search-patient", "03-history"]
    assert content["variables"] == {"createResourceId": "harness-one", "family": "ESSAI", "count": "5"}
    assert content["setup"][1] == {
        "update": "${fixtures.fixture-patient-create}",
        "expect": [{"status": [200, 201]}],
    }
    assert list(found.fixtures) == ["fixture-patient-create"]
    read, again = content["tests"][0]["steps"]
    assert read["save"] == {"etag": "header.ETag"}
    assert again["headers"] == {"If-None-Match": "${etag}"}
    assert content["tests"][2]["steps"][0]["format"] == "xml"
    minimum = {"resourceType": "Patient", "name": [{"family": "ESSAI"}]}
    assert {"same-as": {"value": minimum, "at-least": True}} in read["expect"]


def test_what_cannot_be_carried_over_is_told() -> None:
    told = {(loss.place, loss.what.partition("=")[0], loss.kept) for loss in _imported("read").losses}
    assert told == {
        ("metadata.capability", "required", False),
        ("fixture fixture-elsewhere", "http://example.org/Patient/9", False),
        ("test 04-Unknown, action 1", "resource", False),
        ("test 04-Unknown", "the rest of it, 1 actions", False),
        ("teardown, action 1", "resource", True),
    }


def test_tests_that_need_each_other_become_one() -> None:
    found = _imported("chain")
    (whole,) = found.test_set["tests"]
    assert [next(iter(one)) for one in whole["steps"]] == ["create", "read", "read", "delete"]
    assert whole["steps"][0]["save"] == {"made": "Patient.id", "response-create-id": "id"}
    assert any("an earlier test received" in loss.why for loss in found.losses)


def test_a_fixture_that_is_created_by_itself_begins_the_set_up() -> None:
    fixture = {
        "id": "patient",
        "autocreate": True,
        "autodelete": True,
        "resource": {"reference": "patient/example-one"},
    }
    setup = _imported("chain", fixture=[fixture]).test_set["setup"]
    assert setup == [{"create": "${fixtures.patient}", "save": {"patient-id": "id"}}]


def test_a_variable_without_a_value_leaves_what_needs_it_out() -> None:
    found = _imported("chain", variable=[{"name": "made", "hint": "fill in"}])
    assert any("--variable made=VALUE" in loss.why for loss in found.losses)
    assert "${made}" not in json.dumps(found.test_set)


@pytest.mark.parametrize("script", [{"resourceType": "Patient"}, {}, {"resourceType": "TestScript", "test": []}])
def test_what_is_no_script_is_refused(script: dict[str, Any]) -> None:
    with pytest.raises(TestSetError):
        import_testscript(script, _find)


@pytest.mark.parametrize(
    ("assertion", "expected"),
    [
        ({"response": "notFound"}, {"status": 404}),
        ({"responseCode": "200,201", "operator": "in"}, {"status": [200, 201]}),
        ({"headerField": "ETag", "operator": "notEmpty"}, {"headers": {"ETag": "present"}}),
        ({"headerField": "X", "operator": "contains", "value": "a.b"}, {"headers": {"X": r"/a\.b/"}}),
        ({"contentType": "xml"}, {"content-type": "application/fhir+xml"}),
        ({"resource": "Bundle"}, {"type": "Bundle"}),
        ({"validateProfileId": "p"}, {"conforms": "http://example.org/p"}),
        ({"expression": "active", "value": "true"}, {"that": "(active) = true"}),
        ({"expression": "active"}, {"that": "active"}),
        ({"expression": "id", "value": "it's"}, {"that": r"(id).select(toString()) = 'it\'s'"}),
        ({"expression": "total", "operator": "lessThan", "value": "3"}, {"that": "(total) < 3"}),
        ({"expression": "name", "operator": "notEmpty"}, {"that": "(name).exists()"}),
        ({"response": "okay", "warningOnly": True}, {"level": "SHOULD", "status": 200}),
    ],
)
def test_an_assertion_is_an_expectation(assertion: dict[str, Any], expected: dict[str, Any]) -> None:
    assert expectation(assertion, {"p": "http://example.org/p"}) == expected


@pytest.mark.parametrize(
    "assertion",
    [
        {"direction": "request", "response": "okay"},
        {"response": "okay", "operator": "notEquals"},
        {"response": "okay", "resource": "Patient"},
        {"headerField": "ETag"},
        {"responseCode": "404", "operator": "notEquals"},
        {"validateProfileId": "unknown"},
        {"expression": "name", "operator": "lessThan", "value": "B"},
        {"path": ".//fhir:entry[1]/fhir:id"},
        {"requestMethod": "get"},
        {},
    ],
)
def test_what_an_expectation_cannot_say_is_not_guessed(assertion: dict[str, Any]) -> None:
    with pytest.raises(CannotBeSaid):
        expectation(assertion, {})


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("fhir:Patient/fhir:name/fhir:family/@value", "Patient.name.family"),
        ("/Patient/id", "Patient.id"),
        ("f:Bundle/f:total/@value", "Bundle.total"),
    ],
)
def test_an_xpath_of_names_is_fhirpath(path: str, expression: str) -> None:
    assert fhirpath_of(path) == expression


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"type": {"code": "read"}, "resource": "Patient", "params": "/1"}, {"read": "Patient/1"}),
        (
            {"type": {"code": "vread"}, "resource": "Patient", "params": "/1/_history/2"},
            {"vread": "Patient/1/_history/2"},
        ),
        ({"type": {"code": "search"}, "url": "Patient?a=1&a=2"}, {"search": "Patient", "params": {"a": ["1", "2"]}}),
        ({"type": {"code": "history"}, "resource": "Patient"}, {"history": "Patient"}),
        ({"type": {"code": "capabilities"}}, {"capabilities": None}),
        (
            {"type": {"code": "everything"}, "resource": "Patient", "params": "/1"},
            {"operation": "Patient/1/$everything"},
        ),
        ({"method": "get", "url": "Patient/1"}, {"read": "Patient/1"}),
        ({"method": "head", "url": "Patient/1"}, {"request": {"method": "HEAD", "path": "Patient/1"}}),
        (
            {"type": {"code": "read"}, "resource": "Patient", "params": "/1", "accept": "xml"},
            {"read": "Patient/1", "format": "xml"},
        ),
    ],
)
def test_an_operation_is_a_step(operation: dict[str, Any], expected: dict[str, Any]) -> None:
    assert step(operation, None, None) == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"type": {"code": "create"}, "resource": "Patient"},
        {"type": {"code": "read"}, "resource": "Patient"},
        {"type": {"code": "read"}, "url": "http://elsewhere.example/Patient/1"},
        {"url": "Patient/1"},
    ],
)
def test_an_operation_that_no_step_is_is_not_guessed(operation: dict[str, Any]) -> None:
    with pytest.raises(CannotBeSaid):
        step(operation, None, None)
