"""The loader: the language's own example, every kind of fault with its place, and no crash on any bytes."""

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
from harness.suite.model import Interaction, TestSet, Until
from harness.suite.problem import InvalidFile
from harness.suite.schema import schema_text

DATA = Path(__file__).parent / "data"
FIXTURES = DATA / "fixtures"

HEAD = """\
testset: a-set
version: 1.0.0
title: {en: A set, fr: Un jeu}
candidate: server
fixtures: {weight: observation/weight.json}
variables:
  patient: ${candidate.identities.default}
  code: {system: "http://loinc.org", value: 29463-7}
setup:
  - create: ${fixtures.weight}
    save: {ready: id}
tests:
  - id: first
    title: {en: First, fr: Premier}
    steps:
      - read: Observation/1
        expect: {status: 200}
        save: {version: meta.versionId}
  - id: second
    title: {en: Second, fr: Second test}
"""
"""The next line is line 21, inside the test ``second``."""


def _load(tmp_path: Path, text: str | bytes) -> TestSet:
    path = tmp_path / "set.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_testset(path, root=tmp_path, fixtures=FIXTURES)


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


STEPS = """\
    needs: [Observation.create, "Slot?start", transaction, Observation/$lastn]
    each:
      - {code: 29463-7, status: 200}
      - {code: "8302-2", status: 404}
    depends: first
    steps:
      - capabilities:
      - history:
      - create: {resourceType: Observation, status: final, code: {text: "${code}"}}
        as: none
        format: xml
        if-none-exist: code=${code}
        headers: {X-Id: "${random.uuid}", Accept: null}
        save: {stored: header.Location.id, tag: header.ETag, answer: status}
      - patch: {target: "Observation/${stored}", operations: [{op: remove, path: /status}]}
        if-match: W/"1"
      - operation: Observation/$lastn
        params: {max: 1, code: [a, b], exact: true}
      - request: {method: POST, path: "Observation/_search", body: "code=${each.code}", content-type: text/plain}
        until: {attempts: 3}
        expect:
          - status: ["${each.status}", 2xx]
            within: 2
          - level: SHOULD
            that: code.text = '${stored} %none' and %resource.status = %answer and unit = '%'
            searchset: {matches: {min: 1}, total: 3, excludes: ["Observation/${ready}"]}
          - level: SHALL
            within: 0.5
            same-as: {value: "${fixtures.weight}", except: [id]}
            body: application/fhir+json
"""


def test_the_rest_of_the_language(tmp_path: Path) -> None:
    test = _load(tmp_path, HEAD + STEPS).tests[1]
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
    checks = _load(tmp_path, HEAD + text).tests[1].steps[0].expect
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
    step = _load(tmp_path, HEAD.replace("candidate: server", "candidate: client") + text).tests[1].steps[0]
    assert step.interaction is Interaction.AWAIT
    assert step.target["answer"]["status"] == 503


def _steps(step: str) -> str:
    return f"    steps:\n      - {step}\n"


FAULTS = [
    ("    stepz: []\n", 'set.yaml:21:5: unknown key "stepz" in test; did you mean "steps"?'),
    ("    tags: [a]\n", "set.yaml:19:5: a test has steps, or mutants"),
    ("    steps: []\n", "set.yaml:21:12: steps: must not be empty"),
    (_steps("serch: Observation"), 'set.yaml:22:9: unknown key "serch" in step; did you mean "search"?'),
    (_steps("{read: a/b, search: c}"), "set.yaml:22:9: a step names exactly one interaction: "),
    (_steps("{expect: {status: 200}}"), "set.yaml:22:9: a step names exactly one interaction: "),
    (_steps("{read: a/b, expect: {statsu: 200}}"), 'unknown key "statsu" in expect; did you mean "status"?'),
    (_steps("{read: a/b, expect: {status: 2x}}"), "status: a status is a code from 100 to 599"),
    (_steps("{read: a/b, expect: {status: 99}}"), "status: a status is a code from 100 to 599"),
    (_steps("{read: a/b, expect: {status: true}}"), "(found true)"),
    (_steps("{read: a/b, expect: {}}"), "expect: must not be empty"),
    (_steps("{read: a/b, expect: {level: SHOULD}}"), "expect holds a level and nothing to judge"),
    (_steps("{read: a/b, expect: {level: should}}"), "level: must be one of SHALL, SHOULD, MAY"),
    (_steps("{read: a/b, expect: {that: code = = 1}}"), "set.yaml:22:36: not FHIRPath:"),
    (_steps("{read: a/b, expect: {searchset: {every-match: '('}}}"), "not FHIRPath:"),
    (_steps("{read: a/b, save: {x: 'a..b'}}"), "not FHIRPath:"),
    (_steps("{read: a/b, save: {x: header.Location.ids}}"), "names no header: write header.Name"),
    (_steps('{read: a/b, save: {x: "code = ${nope}"}}'), 'nothing is called "nope" here'),
    (_steps("{read: a/b, until: {attempts: 2}}"), "until repeats a step until its expectations hold"),
    (_steps("{read: a/b, save: {fixtures: id}}"), 'the name "fixtures" will not do'),
    (_steps("{read: a/b, expect: {headers: {ETag: '/(/'}}}"), "set.yaml:22:46: /(/ is not a regular expression"),
    (_steps("{read: a/b, expect: {content-type: '/[/'}}"), "is not a regular expression"),
    (_steps("{read: a/b, expect: {outcome: {diagnostics: '/*/'}}}"), "is not a regular expression"),
    (_steps("{read: a/b, expect: {outcome: {severity: bad}}}"), "a severity is fatal, error, warning or information"),
    (_steps("{read: a/b, expect: {same-as: {sent: 1}}}"), "sent: 1 is a later step"),
    (_steps("{read: a/b, expect: {same-as: {except: [id]}}}"), "same-as has exactly one of sent, received and value"),
    (_steps('{read: "a/b\\n"}'), "read: an address is relative to the base"),
    (_steps('{read: a/b, headers: {X: "a\\n"}}'), "the value of a header is one line of text"),
    (_steps("{read: a b}"), "read: an address is relative to the base"),
    (_steps("{read: a/b, set: {id: 1}}"), "set.yaml:22:21: set has no meaning for read"),
    (_steps("{read: a/b, pages: all}"), "pages has no meaning for read"),
    (_steps("{search: A, pages: 51}"), "pages is a number from 1 to 50, or all"),
    (_steps("{read: a/b, headers: {'X Y': a}}"), 'the name "X Y" will not do'),
    (_steps('{read: a/b, headers: {X: "a\\nb"}}'), "the value of a header is one line of text"),
    (_steps("{read: a/b, format: jsno}"), 'must be one of json, xml; did you mean "json"?'),
    (_steps("{create: weight}"), "a resource is ${fixtures.name}"),
    (_steps("{create: {status: final}}"), "a resource is ${fixtures.name}, or is written here with its resourceType"),
    (_steps("{create: '${fixtures.wieght}'}"), 'the set has no fixture "wieght"; did you mean "weight"?'),
    (_steps("{create: '${fixtures.weight}', remove: [valueQuantiti]}"), 'did you mean "valueQuantity"?'),
    (_steps("{create: '${fixtures.weight}', set: {code.coding.code: x}}"), "is asked of a list of 1"),
    (_steps("{create: '${fixtures.weight}', set: {'a[b]': x}}"), '"a[b]" is not a path'),
    (
        _steps("{create: '${fixtures.weight}', set: {method: '${fixtures.weight.code}', method.coding.code: x}}"),
        "is asked of a list of 1",
    ),
    (_steps("{read: 'a/${verzion}'}"), 'nothing is called "verzion" here'),
    (_steps("{read: 'a/${version}'}"), 'nothing is called "version" here'),
    (_steps("{read: 'a/${weight}'}"), "; write fixtures.weight"),
    (_steps("{read: 'a/${saved.redy}'}"), 'no step before this one saved "redy"; did you mean "ready"?'),
    (_steps("{read: 'a/${code.vaule}'}"), '"vaule" is not there; did you mean "value"?'),
    (_steps("{read: 'a/${variables.cod}'}"), 'the set has no variable "cod"; did you mean "code"?'),
    (_steps("{read: 'a/${fixtures.weight.code.coding[1]}'}"), "[1] is not there, it is a list of 1"),
    (_steps("{read: 'a/${each.row}'}"), 'not every row of each has "row"'),
    (_steps("{read: 'a/${time.nwo}'}"), 'time has no "nwo"'),
    (_steps("{read: 'a/${random.dice}'}"), 'random has no "dice"'),
    (_steps("{read: 'a/${x'}"), "an expression is not closed"),
    (_steps("{read: a/b, save: {x: id}, expect: {that: 'id = ''${x}'''}}"), 'nothing is called "x" here'),
    (
        _steps("{read: a/b, expect: {that: 'id = %redy'}}"),
        '%redy: nothing is called "redy" here; did you mean "ready"?',
    ),
    (_steps("{request: {method: get, path: a}}"), "a method is written in capitals"),
    (_steps("{request: {path: a}}"), 'request has no "method"'),
    ("    control: thrid\n" + _steps("read: a/b"), 'set.yaml:21:14: control: the set has no test "thrid"'),
    ("    control: second\n" + _steps("read: a/b"), 'control: the test "second" must stand before this one'),
    ("    depends: [first, third]\n" + _steps("read: a/b"), 'depends: the set has no test "third"'),
    ("    tags: [negative]\n" + _steps("read: a/b"), "set.yaml:19:5: a test tagged negative needs a control"),
    (
        "    mutants: {of: '${fixtures.weight}', profile: p, send: create, expect: {status: 422}}\n",
        "a test with mutants needs a control",
    ),
    ("    each: [{a: 1}, {b: 2}]\n" + _steps("read: 'x/${a}'"), 'nothing is called "a" here'),
    ("    each: [{a: '${b}'}]\n" + _steps("read: 'x/${a}'"), 'nothing is called "b" here'),
    ("    verifies: [fhir-1]\n" + _steps("read: a/b"), "a requirement is named by its id, such as FHIR-REST-014"),
    ("    needs: observation create\n" + _steps("read: a/b"), "a need is such as Observation.create"),
    (
        _steps("read: a/b") + "  - id: first\n    title: {en: a, fr: b}\n" + _steps("read: a/b"),
        'has the id "first" (line 13)',
    ),
    (
        _steps("read: a/b") + "  - id: Third Test\n    title: {en: a, fr: b}\n" + _steps("read: a/b"),
        "an id is lower-case",
    ),
    (_steps("read: a/b") + "  - id: third\n    title: {en: a}\n" + _steps("read: a/b"), 'bilingual text has no "fr"'),
    (_steps("read: a/b") + "  - id: third\n    title: a\n" + _steps("read: a/b"), "title: must be keys and values"),
    (_steps("read: a/b") + "serial: true\n", 'set.yaml:23:1: unknown key "serial" in test set'),
]


def test_what_set_puts_can_be_changed_further(tmp_path: Path) -> None:
    known = "{method: '${fixtures.weight.code}', 'method.coding[0].code': x}"
    later = "{method: '${kind}', 'method.coding[0].code': x, 'method.coding[3]': x}"
    table = "    each: [{kind: {coding: [{code: y}]}}]\n"
    for text in (
        _steps(f"{{create: '${{fixtures.weight}}', set: {known}}}"),
        table + _steps(f"{{create: '${{fixtures.weight}}', set: {later}}}"),
    ):
        assert _load(tmp_path, HEAD + text).tests


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        _load(tmp_path, HEAD + text)
    assert message in str(caught.value)
    assert all(str(problem).startswith("set.yaml:") for problem in caught.value.problems)
    assert len(caught.value.problems) == 1, str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("version: 1.0.0", "version: 1.0", "set.yaml:2:10: version: a version is three numbers"),
        ("candidate: server", "candidate: sever", 'must be one of server, client; did you mean "server"?'),
        ("testset: a-set\n", "", 'set.yaml:1:1: test set has no "testset"'),
        ("observation/weight.json", "observation/wieght.json", 'did you mean "observation/weight.json"?'),
        ("observation/weight.json", "../feed.yaml", "lies outside of the folder of fixtures"),
        ("observation/weight.json", "/etc/hosts.json", "lies outside of the folder of fixtures"),
        ("observation/weight.json", "observation/weight.txt", "a fixture is the path of a .json, .yaml or .yml file"),
        ("${candidate.identities.default}", "${code}", 'set.yaml:7:12: ${code}: nothing is called "code" here'),
        ("{en: A set, fr: Un jeu}", "{en: A set, fr: '  '}", "fr: a text must not be empty"),
    ],
)
def test_a_fault_of_the_set_is_named_with_its_place(tmp_path: Path, before: str, after: str, message: str) -> None:
    text = HEAD + _steps("read: a/b")
    assert before in text
    with pytest.raises(InvalidFile) as caught:
        _load(tmp_path, text.replace(before, after))
    assert message in str(caught.value)


def test_all_faults_are_reported_together_in_order(tmp_path: Path) -> None:
    text = HEAD.replace("1.0.0", "one") + _steps("raed: a/b") + _steps("read: ${nothing}").removeprefix("    steps:\n")
    with pytest.raises(InvalidFile) as caught:
        _load(tmp_path, text.replace("weight.json", "wight.json"))
    lines = [problem.location.line for problem in caught.value.problems]
    assert lines == sorted(lines)
    assert [problem.code for problem in caught.value.problems] == [
        "value",
        "fixture",
        "unknown-key",
        "expression",
    ]


def test_a_fixture_behind_a_link_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    fixtures = tmp_path / "fixtures"
    fixtures.mkdir()
    (tmp_path / "secret.json").write_text('{"resourceType": "Patient"}')
    (fixtures / "weight.json").symlink_to(tmp_path / "secret.json")
    path = tmp_path / "set.yaml"
    path.write_text(HEAD.replace("observation/", "") + _steps("read: a/b"))
    with pytest.raises(InvalidFile, match="outside of the folder"):
        load_testset(path, root=tmp_path, fixtures=fixtures)


@pytest.mark.parametrize(
    ("content", "message"),
    [("[]", "a fixture is one resource"), ('{"a": 1, "a": 2}', "stands twice"), ("{", "weight.json:1:2: not JSON")],
)
def test_a_bad_fixture_is_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "weight.json").write_text(content)
    path = tmp_path / "set.yaml"
    path.write_text(HEAD.replace("observation/", "") + _steps("read: a/b"))
    with pytest.raises(InvalidFile, match=message):
        load_testset(path, root=tmp_path, fixtures=tmp_path)


def test_a_file_that_is_absent_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(TestSetError, match=r"no.yaml:1:1: the file cannot be read: No such file"):
        load_testset(tmp_path / "no.yaml", root=tmp_path, fixtures=FIXTURES)
    with pytest.raises(TestSetError, match="larger than"):
        _load(tmp_path, b"#" * (4 * 1024 * 1024 + 1))


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
        loaded = _load(tmp_path, json.dumps(content))
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
        loaded = _load(tmp_path, text[:start] + put + text[start + length :])
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
