"""Every construct of HL7's published scripts, in one of our own: what it comes to, and what is told of it."""

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, TestSetError, UsageError
from harness.suite.testscript import Imported, Loss, import_testscript
from tests.suite.testscript.examples import EVERYTHING, PATIENT, claim, operation, script

READ = operation("read", resource="Patient", params="/1", responseId="first")
CREATE = operation("create", resource="Patient", sourceId="patient", responseId="made")


def _import(content: dict[str, Any], **values: str) -> Imported:
    return import_testscript(content, lambda _: copy.deepcopy(PATIENT), values)


def _steps(content: dict[str, Any], test: int = 0) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = _import(content).test_set["tests"][test]["steps"]
    return steps


def _expected(*assertions: dict[str, Any], **members: Any) -> list[dict[str, Any]]:
    """What the assertions on a read come to, the status of it aside."""
    expected: list[dict[str, Any]] = _steps(script(READ, claim(response="okay"), *assertions, **members))[0]["expect"]
    return expected[1:]


def _why(content: dict[str, Any]) -> list[str]:
    return [loss.why for loss in _import(content).losses]


def test_every_construct_is_carried_over() -> None:
    found = _import(EVERYTHING, given="Ana")
    assert [(loss.place, loss.kept) for loss in found.losses] == [
        ("metadata.capability", False),
        ("destination", True),
        ("origin", True),
        ("setup, action 7", True),
        ("test 03-Search, action 4", False),
        ("test 03-Search, action 9", True),
        ("test 03-Search", True),
        ("teardown, action 1", True),
    ]
    assert found.test_set["variables"] == {"createResourceId": "example", "known": "ESSAI", "given": "Ana"}
    assert [one["id"] for one in found.test_set["tests"]] == ["01-read", "02-create", "03-search", "04-history"]
    create, read = found.test_set["tests"][1]["steps"]
    assert create["save"] == {
        "createLocation": "header.Location",
        "made": "Patient.id",
        "create-response-value": "Patient.id.first()",
    }
    assert read["read"] == "${createLocation}"
    assert {"that": "(Patient.id).select(toString()) = %`made`.toString()"} in read["expect"]
    search = found.test_set["tests"][2]["steps"][0]
    assert {"of": "request", "url": "/family/"} in search["expect"]
    assert {"of": "request", "headers": {"Accept": "/xml/"}} in search["expect"]


def test_of_several_nodes_of_a_path_the_first_counts() -> None:
    path = "fhir:Patient/fhir:name/fhir:family/@value"
    plain = "(Patient.name.family.first()).select(toString()) = 'ESSAI'"
    assert _expected(claim(path=path, value="ESSAI")) == [{"that": plain}]
    assert _expected(claim(path=path, compareToSourceId="patient", compareToSourcePath=path)) == [{"that": plain}]


def test_all_values_of_an_expression_count() -> None:
    other = {"compareToSourceId": "patient", "compareToSourceExpression": "Patient.name.family"}
    (block,) = _expected(claim(expression="Patient.name.family", **other))
    assert block == {
        "that": [
            "(Patient.name.family).count() = 2",
            "(Patient.name.family)[0].toString() = 'ESSAI'",
            "(Patient.name.family)[1].toString() = 'TEST'",
        ]
    }


def test_a_value_wins_over_what_it_is_compared_with() -> None:
    both = claim(expression="id", value="x", compareToSourceId="patient", compareToSourceExpression="Patient.id")
    assert _expected(both) == [{"that": "(id).select(toString()) = 'x'"}]


@pytest.mark.parametrize(
    ("assertion", "expected"),
    [
        ({"minimumId": "patient"}, {"same-as": {"value": "${fixtures.patient}", "at-least": True}}),
        (
            {"minimumId": "patient", "warningOnly": True},
            {"level": "SHOULD", "same-as": {"value": "${fixtures.patient}", "at-least": True}},
        ),
        (
            {"direction": "request", "requestURL": "/Patient/1", "operator": "notEquals", "warningOnly": True},
            {"of": "request", "level": "SHOULD", "url": "/^(?!/Patient/1$)/"},
        ),
        ({"requestURL": "/Patient/1"}, {"of": "request", "url": r"/(?:^|\/)Patient/1$/"}),
        ({"direction": "request", "expression": "active"}, {"of": "request", "that": "active"}),
        ({"expression": "active", "operator": "eval"}, {"that": "active"}),
        (
            {"headerField": "ETag", "compareToSourceId": "patient", "compareToSourceExpression": "Patient.id"},
            {"headers": {"ETag": "example"}},
        ),
        (
            {
                "expression": "name.count()",
                "operator": "lessThan",
                "compareToSourceId": "patient",
                "compareToSourceExpression": "Patient.name.count()",
            },
            {"that": "(name.count()) < 2"},
        ),
        (
            {"expression": "id", "compareToSourceId": "first", "compareToSourceExpression": "identifier.value"},
            {"that": "(id).select(toString()) = (identifier.value).select(toString())"},
        ),
    ],
)
def test_an_assertion_becomes_an_expectation(assertion: dict[str, Any], expected: dict[str, Any]) -> None:
    assert _expected(claim(**assertion)) == [expected]


@pytest.mark.parametrize(
    ("assertion", "why"),
    [
        ({"requestMethod": "get"}, "so this always holds"),
        ({"requestMethod": "post"}, "so this never holds"),
        ({"requestMethod": "post", "operator": "notEquals"}, "so this always holds"),
        ({"minimumId": "first"}, "compares an answer with itself"),
        ({"minimumId": "nothing"}, "neither a fixture"),
        ({"sourceId": "patient", "expression": "id"}, "which no answer changes"),
        ({"sourceId": "nothing", "expression": "id"}, "is no answer of this test"),
        (
            {"expression": "id", "compareToSourceId": "first", "compareToSourceExpression": "id"},
            "with itself, so it cannot fail",
        ),
        (
            {"expression": "id", "compareToSourceId": "patient", "compareToSourceExpression": "gender"},
            "there is nothing to compare with",
        ),
        (
            {"expression": "id", "compareToSourceId": "patient", "compareToSourceExpression": "name"},
            "compare its elements",
        ),
        (
            {
                "expression": "id",
                "operator": "in",
                "compareToSourceId": "patient",
                "compareToSourceExpression": "name.family",
            },
            "write first() after it",
        ),
        ({"expression": "id", "compareToSourceId": "x", "compareToSourceExpression": "id"}, "neither a fixture"),
        ({"expression": "id", "compareToSourceId": "patient"}, "names no element"),
        ({"expression": "id = ("}, "not FHIRPath"),
        ({"expression": "id", "value": "${unknown}"}, 'no variable is called "unknown"'),
        ({"navigationLinks": False}, "asserts nothing"),
        ({"validateProfileId": "nothing"}, 'no profile "nothing"'),
        ({"validateProfileId": "inside"}, "is no canonical URL"),
        ({"resource": "../x"}, "no resource type"),
        ({"modifierExtension": [{"url": "urn:x"}], "response": "okay"}, "a modifierExtension changes"),
    ],
)
def test_what_is_no_expectation_is_told(assertion: dict[str, Any], why: str) -> None:
    profile = [{"id": "inside", "reference": "#p"}]
    content = script(READ, claim(response="okay"), claim(**assertion), profile=profile)
    assert any(why in told for told in _why(content)), _why(content)
    assert _expected(claim(**assertion), profile=profile) == []


def test_a_request_is_judged_where_its_id_is_named() -> None:
    first = operation("read", resource="Patient", params="/1", requestId="sent")
    again = operation("read", resource="Patient", params="/2")
    about = claim(sourceId="sent", headerField="Accept", operator="contains", value="json")
    one, two = _steps(script(first, again, claim(response="okay"), about))
    assert one["expect"] == [{"of": "request", "headers": {"Accept": "/json/"}}, {"status": "2xx"}]
    assert two["expect"] == [{"status": 200}]


def test_what_an_answer_gave_is_compared_by_name() -> None:
    other = {"compareToSourceId": "made", "compareToSourceExpression": "id"}
    create, read = _steps(script(CREATE, claim(response="created"), READ, claim(expression="id", **other)))
    assert create["save"] == {"made-value": "id"}
    assert read["expect"] == [{"that": "(id).select(toString()) = %`made-value`.select(toString())"}]


@pytest.mark.parametrize(
    ("actions", "steps"),
    [
        (
            [operation("update", resource="Patient", params="/other", sourceId="patient")],
            [{"update": "${fixtures.patient}", "set": {"id": "other"}}],
        ),
        (
            [operation("update", resource="Patient", params="/example", sourceId="patient")],
            [{"update": "${fixtures.patient}"}],
        ),
        (
            [operation("update", resource="Patient", params="/a?_format=json", sourceId="patient")],
            [
                {
                    "request": {"method": "PUT", "path": "Patient/a", "body": "${fixtures.patient}"},
                    "params": {"_format": "json"},
                }
            ],
        ),
        (
            [operation("search", resource="Patient", method="post", params="?name=a")],
            [
                {
                    "request": {
                        "method": "POST",
                        "path": "Patient/_search",
                        "content-type": "application/x-www-form-urlencoded",
                        "body": "",
                    },
                    "params": {"name": "a"},
                }
            ],
        ),
        (
            [operation("read", resource="Patient", params="/1", method="head")],
            [{"request": {"method": "HEAD", "path": "Patient/1"}}],
        ),
        (
            [CREATE, operation("vread", resource="Patient", targetId="made")],
            [
                {
                    "create": "${fixtures.patient}",
                    "save": {"made-version": "meta.versionId", "made-id": "id"},
                },
                {"vread": "Patient/${made-id}/_history/${made-version}"},
            ],
        ),
        (
            [operation("read", resource="Patient", params="/1?_summary=true", accept="application/json")],
            [{"read": "Patient/1", "params": {"_summary": "true"}, "headers": {"Accept": "application/json"}}],
        ),
    ],
)
def test_an_operation_becomes_a_step(actions: list[dict[str, Any]], steps: list[dict[str, Any]]) -> None:
    found = _steps(script(*actions, claim(response="okay")))
    assert [{key: value for key, value in step.items() if key != "expect"} for step in found] == steps


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (operation("create", resource="Patient", sourceId="patient", accept="xml", contentType="json"), "choose one"),
        (operation("vread", resource="Patient", targetId="patient"), "no meta.versionId"),
        (operation("patch", resource="Patient", params="/1", sourceId="patient"), "patch with operations"),
        (operation("read", resource="Patient", params="/a b"), "percent-encode it"),
        (operation("read", targetId="nothing"), "cannot be told"),
        (operation("update", resource="Patient", sourceId="nothing"), "neither a fixture"),
        (operation("read", url="http://fhir.example/Patient/1"), "leads away from the candidate"),
        (operation("read", resource="Patient", params="/${unset}"), "--variable unset=VALUE"),
        (operation("read", resource="Patient", params="/${made}"), "which nothing before it receives"),
        (operation("read", resource="Patient", params="/${names}"), "is 2 values in the fixture patient"),
        (operation("read", resource="Patient", params="/${loose}"), "has no sourceId"),
        (operation("read", resource="Patient", params="/${nested}"), "none is filled in"),
        (operation("read", resource="Patient", params="/1", requestHeader=[{"field": "a b"}]), "no name of a header"),
        (operation("read", resource="Patient", params="/1", method="$"), "no method of HTTP"),
        ({}, "neither operation nor assert"),
    ],
)
def test_what_is_no_step_is_told(action: dict[str, Any], why: str) -> None:
    variables = [
        {"name": "unset", "hint": "a value"},
        {"name": "made", "sourceId": "later", "expression": "id"},
        {"name": "names", "sourceId": "patient", "expression": "Patient.name.family"},
        {"name": "loose", "expression": "id"},
        {"name": "nested", "sourceId": "first", "expression": "${unset}"},
    ]
    content = script(READ, claim(response="okay"), action, variable=variables)
    assert any(why in told for told in _why(content)), _why(content)
    assert len(_steps(content)) == 1


def test_an_answer_is_not_judged_by_what_is_known_only_after_it() -> None:
    other = operation("read", resource="Patient", params="/2", responseId="second")
    late = {"name": "late", "expression": "id", "sourceId": "second"}
    own = claim(expression="Patient.id", operator="equals", value="${late}")
    before = claim(expression="Patient.id", operator="equals", value="${late}", sourceId="first")
    found = _import(script(READ, claim(response="okay"), other, claim(response="okay"), own, before, variable=[late]))
    why = "late is of this answer or of a later one, known only once this one was judged"
    assert [(loss.place, loss.why) for loss in found.losses] == [
        ("test one, action 5", why),
        ("test one, action 6", why),
    ]
    assert "%" not in json.dumps(found.test_set)


def test_elements_that_r4_does_not_have_are_told() -> None:
    okay = claim(response="okay", stopTestOnFail=True, requirement=[{"reference": "x"}], _label={"id": "l"})
    found = _import({**script(READ, okay), "scope": [{"artifact": "http://example.org"}], "testSystem": [{"index": 1}]})
    assert [(loss.place, loss.what) for loss in found.losses if not loss.kept] == [
        ("scope", "the whole of it"),
        ("testSystem", "the whole of it"),
        ("test one, action 2", "stopTestOnFail, requirement"),
    ]


def test_a_test_ends_where_what_it_builds_on_is_left_out() -> None:
    broken = operation("create", resource="Patient", sourceId="nothing")
    assert len(_steps(script(READ, claim(response="okay"), broken, READ, claim(response="okay")))) == 1


def test_what_is_not_asserted_need_not_succeed() -> None:
    delete = operation("delete", resource="Patient", params="/1")
    one, _read = _steps(script(delete, READ, claim(response="okay")))
    assert "expect" not in one
    (alone,) = _steps(script(delete))
    assert alone["expect"] == [{"status": "2xx"}]
    set_up = _import(script(READ, claim(response="okay"), setup={"action": [delete]})).test_set["setup"]
    assert set_up == [{"delete": "Patient/1", "expect": [{"status": ["2xx", 404, 410]}]}]


def test_tests_that_share_a_resource_become_one() -> None:
    put = operation("update", resource="Patient", params="/${id}", sourceId="patient")
    tests = [
        {"id": "a", "action": [put, claim(responseCode="200,201", operator="in")]},
        {"id": "b", "action": [operation("capabilities"), claim(response="okay")]},
        {"id": "c", "action": [operation("read", resource="Patient", targetId="patient"), claim(response="okay")]},
        {"id": "d", "action": [READ, claim(response="okay")]},
    ]
    found = _import(script(test=tests, variable=[{"name": "id", "path": "Patient/id", "sourceId": "patient"}]))
    assert [(one["id"], len(one["steps"])) for one in found.test_set["tests"]] == [("a", 3), ("d", 1)]


def test_names_that_are_alike_stay_apart() -> None:
    contained = [{"resourceType": "Patient", "id": one} for one in "abc"]
    names = ("f 1", "f-1", "F-1")
    fixtures = [{"id": name, "resource": {"reference": f"#{one}"}} for name, one in zip(names, "abc", strict=True)]
    tests = [
        {
            "id": name,
            "action": [operation("create", resource="Patient", sourceId=source), claim(response="created")],
        }
        for name, source in zip(("a", "A", "a-2"), names, strict=True)
    ]
    found = _import(script(contained=contained, fixture=fixtures, test=tests))
    assert [one["id"] for one in found.test_set["tests"]] == ["a", "a-2", "a-2-2"]
    assert sorted(resource["id"] for resource in found.fixtures.values()) == ["a", "b", "c"]
    assert len({name.lower() for name in found.fixtures}) == 3


def test_names_with_a_meaning_of_their_own_are_changed() -> None:
    variables = [{"name": "time", "defaultValue": "1"}, {"name": "9 é", "defaultValue": "${time}"}]
    params = "?a=${time}&b=${9 é}"
    found = _import(
        script(operation("search", resource="Patient", params=params), claim(response="okay"), variable=variables)
    )
    assert found.test_set["variables"] == {"x-time": "1", "x-9": "$${time}"}
    assert found.test_set["tests"][0]["steps"][0]["params"] == {"a": "${x-time}", "b": "${x-9}"}


def test_a_value_for_no_variable_is_refused() -> None:
    with pytest.raises(UsageError, match="no variable nope; its variables: createResourceId"):
        _import(EVERYTHING, nope="1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test": {}}, r"TestScript\.test must be a list, and it is an object"),
        ({"test": [{"action": ["x"]}]}, r"TestScript\.test\[0\]\.action\[0\] must be an object, and it is a text"),
        ({"variable": [{"defaultValue": "1"}]}, r"TestScript\.variable\[0\] has no name"),
        ({"variable": 1.5}, "must be a list, and it is a number"),
        ({"fixture": [{"autocreate": "yes"}]}, "autocreate must be true or false, and it is a text"),
        ({"name": ""}, r"TestScript\.name must be a text, and it is empty"),
        ({"name": "\x00"}, "control character"),
        ({"name": "\ud800"}, "half a character"),
        ({"profile": ["http://x.example/p"]}, "looks like a TestScript of R5"),
        ({"modifierExtension": [{"url": "urn:x"}]}, "changes what the script means"),
        ({"resourceType": "Patient"}, "a 'Patient' is no TestScript"),
        ({"resourceType": 7}, "a file without resourceType"),
    ],
)
def test_what_is_no_script_of_r4_is_refused_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TestSetError, match=message):
        _import({**EVERYTHING, **change})


def test_what_is_too_deep_is_refused() -> None:
    deep: Any = {}
    for _ in range(500):
        deep = {"extension": [deep]}
    with pytest.raises(TestSetError, match="more than 60 levels"):
        _import({**EVERYTHING, "text": deep})
    found = import_testscript(script(READ, claim(response="okay")), lambda _: {"resourceType": "Patient", "a": deep})
    assert [loss.place for loss in found.losses] == ["fixture patient"]


JUNK: list[Any] = [
    None,
    True,
    0,
    1.5,
    "",
    [],
    {},
    "x",
    "${x}",
    "${",
    "../../x",
    "\x00",
    "'",
    [[]],
    -1,
    "a" * 200,
    "/",
    "?",
    "%`a`",
]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, member in pairs for place in _places(member, (*path, key)))]


PLACES = [place for place in _places(EVERYTHING) if place]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(JUNK)), min_size=1, max_size=3))
def test_a_damaged_script_is_imported_or_refused(damage: list[tuple[tuple[Any, ...], Any]]) -> None:
    content = copy.deepcopy(EVERYTHING)
    for (*path, last), value in damage:
        holder: Any = content
        try:
            for key in path:
                holder = holder[key]
            holder[last] = copy.deepcopy(value)
        except (TypeError, KeyError, IndexError):
            continue
    try:
        found = _import(content)
    except HarnessError as problem:
        assert str(problem)
    else:
        assert found.test_set["tests"]
        assert all(isinstance(loss, Loss) and loss.why for loss in found.losses)
        assert yaml.safe_load(yaml.safe_dump(json.loads(json.dumps(found.test_set, default=str))))
