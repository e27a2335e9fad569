"""The loader: the language's own example, and no crash on any bytes."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, TestSetError
from harness.suite.loader import load_testset
from harness.suite.model import Interaction, Until
from harness.suite.schema import schema_text
from tests.suite.example import DATA, FIXTURES, HEAD, STEPS, load


def test_the_example_of_the_language() -> None:
    loaded = load_testset(DATA / "feed.yaml", root=DATA, fixtures=FIXTURES)
    assert (loaded.id, loaded.version, loaded.candidate, loaded.path) == (
        "mes-measures-feed",
        "1.0.0",
        "server",
        "feed.yaml",
    )
    assert [test.id for test in loaded.tests] == ["weight-is-stored", "weight-without-value", "any-broken-weight"]
    assert loaded.fixtures["weight"]["valueQuantity"]["value"] == Decimal("71.50")
    assert loaded.fixtures["scale"]["manufactureDate"] == "2024-02-29"
    assert {len(digest) for digest in [loaded.digest, *loaded.fixture_digests.values()]} == {64}
    create, read, search = loaded.tests[0].steps
    assert create.interaction is Interaction.CREATE
    assert create.target == "${fixtures.weight}"
    assert create.set["effectiveDateTime"] == "${time.now}"
    assert [(check.kind, check.level) for check in create.expect] == [("status", "SHALL"), ("headers", "SHALL")]
    assert str(create.expect[0].location) == "feed.yaml:26:11"
    assert read.expect[2].value == {"sent": 0, "except": ["id", "meta", "text"]}
    assert search.pages == 50
    assert search.params == {"code": "29463-7", "subject:identifier": "${patient.token}", "_count": 10}
    assert loaded.tests[0].needs == ("Observation.create",)
    assert loaded.tests[1].steps[0].remove == ("valueQuantity",)
    mutants = loaded.tests[2].mutants
    assert mutants is not None
    assert mutants.send is Interaction.CREATE
    assert mutants.expect[0].value == [400, 422]
    assert str(loaded.declared["variables.patient"]) == "feed.yaml:11:3"


def test_the_rest_of_the_language(tmp_path: Path) -> None:
    test = load(tmp_path, HEAD + STEPS).tests[1]
    assert test.needs == ("Observation.create", "Slot?start", "transaction", "Observation/$lastn")
    assert test.depends == ("first",)
    assert [row["code"] for row in test.each] == ["29463-7", "8302-2"]
    capabilities, history, create, _, _, request = test.steps
    assert (capabilities.target, history.target) == (None, "")
    assert (create.identity, create.format, create.if_none_exist) == ("none", "xml", "code=${code}")
    assert create.headers == {"X-Id": "${random.uuid}", "Accept": None}
    assert request.until == Until(3, 1.0)
    assert [(check.kind, check.level) for check in request.expect] == [
        ("status", "SHALL"),
        ("within", "SHOULD"),
        ("that", "SHOULD"),
        ("searchset", "SHOULD"),
        ("within", "SHALL"),
        ("same-as", "SHALL"),
        ("body", "SHALL"),
    ]


def test_the_level_of_a_test_is_that_of_its_expectations(tmp_path: Path) -> None:
    text = "    level: MAY\n    steps:\n      - read: a/b\n        expect: {status: 200, within: 1}\n"
    checks = load(tmp_path, HEAD + text).tests[1].steps[0].expect
    assert [check.level for check in checks] == ["MAY", "MAY"]


def test_a_test_for_a_client_candidate(tmp_path: Path) -> None:
    text = """\
    steps:
      - await:
          instruction: {en: Send a weight, fr: Envoyez un poids}
          request: {method: POST, path: /^$/, headers: {Authorization: present}}
          within: 60
          answer: {status: 503, headers: {Retry-After: "1"}}
"""
    step = load(tmp_path, HEAD.replace("candidate: server", "candidate: client") + text).tests[1].steps[0]
    assert step.interaction is Interaction.AWAIT
    assert step.target["answer"]["status"] == 503


def test_a_file_that_is_absent_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(TestSetError, match=r"no.yaml:1:1: the file cannot be read: No such file"):
        load_testset(tmp_path / "no.yaml", root=tmp_path, fixtures=FIXTURES)
    with pytest.raises(TestSetError, match="larger than"):
        load(tmp_path, b"#" * (4 * 1024 * 1024 + 1))


yaml_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["first", "a/b", "${fixtures.weight}", "${x", "id", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["read", "create", "id", "x"]), inner),
    max_leaves=6,
)
PATHS: list[tuple[Any, ...]] = [
    (),
    ("tests",),
    ("tests", 0),
    ("tests", 0, "steps"),
    ("tests", 0, "steps", 0),
    ("tests", 0, "steps", 0, "expect"),
    ("tests", 0, "steps", 0, "expect", "same-as"),
    ("tests", 0, "steps", 0, "save"),
    ("tests", 1, "each"),
    ("tests", 1, "mutants"),
    ("tests", 1, "depends"),
    ("variables",),
    ("fixtures",),
    ("setup",),
    ("title",),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(st.sampled_from(PATHS), yaml_values)
def test_any_value_anywhere_is_loaded_or_refused(tmp_path: Path, path: tuple[Any, ...], value: Any) -> None:
    content: Any = yaml.safe_load(HEAD + STEPS)
    if path:
        holder = content
        for segment in path[:-1]:
            holder = holder[segment]
        holder[path[-1]] = value
    else:
        content = value
    try:
        loaded = load(tmp_path, json.dumps(content))
    except HarnessError as problem:
        assert str(problem)
    else:
        assert loaded.id == "a-set"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(
    st.integers(0, len(HEAD + STEPS)), st.integers(0, 9), st.sampled_from(["", "{", "[", ": ", "\n", "${", "*a", "- "])
)
def test_any_damage_is_loaded_or_refused(tmp_path: Path, start: int, length: int, put: str) -> None:
    text = HEAD + STEPS
    try:
        loaded = load(tmp_path, text[:start] + put + text[start + length :])
    except HarnessError as problem:
        assert str(problem).startswith("set.yaml:")
    else:
        assert loaded.path == "set.yaml"


def test_the_schema_is_a_schema_and_explains_every_key() -> None:
    for name in ("testset.schema.json", "requirements.schema.json"):
        jsonschema.Draft202012Validator.check_schema(json.loads(schema_text(name)))
    schema = json.loads(schema_text())
    step = schema["$defs"]["step"]["properties"]
    assert {interaction.value for interaction in Interaction} <= set(step)
    places = [
        schema["properties"],
        schema["$defs"]["test"]["properties"],
        step,
        schema["$defs"]["expect"]["properties"],
    ]
    bare = [key for place in places for key, rule in place.items() if "description" not in rule and "$ref" not in rule]
    assert bare == ["steps"]
