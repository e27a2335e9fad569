"""The loader: every kind of fault, with its place."""

from pathlib import Path

import pytest

from harness.suite.loader import load_testset
from harness.suite.problem import InvalidFile
from tests.suite.example import HEAD, load, steps

FAULTS = [
    ("    stepz: []\n", 'set.yaml:21:5: unknown key "stepz" in test; did you mean "steps"?'),
    ("    tags: [a]\n", "set.yaml:19:5: a test has steps, or mutants"),
    ("    steps: []\n", "set.yaml:21:12: steps: must not be empty"),
    (steps("serch: Observation"), 'set.yaml:22:9: unknown key "serch" in step; did you mean "search"?'),
    (steps("{read: a/b, search: c}"), "set.yaml:22:9: a step names exactly one interaction: "),
    (steps("{expect: {status: 200}}"), "set.yaml:22:9: a step names exactly one interaction: "),
    (steps("{read: a/b, expect: {statsu: 200}}"), 'unknown key "statsu" in expect; did you mean "status"?'),
    (steps("{read: a/b, expect: {status: 2x}}"), "status: a status is a code from 100 to 599"),
    (steps("{read: a/b, expect: {status: 99}}"), "status: a status is a code from 100 to 599"),
    (steps("{read: a/b, expect: {status: true}}"), "(found true)"),
    (steps("{read: a/b, expect: {}}"), "expect: must not be empty"),
    (steps("{read: a/b, expect: {level: SHOULD}}"), "expect holds a level and nothing to judge"),
    (steps("{read: a/b, expect: {level: should}}"), "level: must be one of SHALL, SHOULD, MAY"),
    (steps("{read: a/b, expect: {that: code = = 1}}"), "set.yaml:22:36: not FHIRPath:"),
    (steps("{read: a/b, expect: {searchset: {every-match: '('}}}"), "not FHIRPath:"),
    (steps("{read: a/b, save: {x: 'a..b'}}"), "not FHIRPath:"),
    (steps("{read: a/b, save: {x: header.Location.ids}}"), "names no header: write header.Name"),
    (steps('{read: a/b, save: {x: "code = ${nope}"}}'), 'nothing is called "nope" here'),
    (steps("{read: a/b, until: {attempts: 2}}"), "until repeats a step until its expectations hold"),
    (steps("{read: a/b, save: {fixtures: id}}"), 'the name "fixtures" will not do'),
    (steps("{read: a/b, expect: {headers: {ETag: '/(/'}}}"), "set.yaml:22:46: /(/ is not a regular expression"),
    (steps("{read: a/b, expect: {content-type: '/[/'}}"), "is not a regular expression"),
    (steps("{read: a/b, expect: {outcome: {diagnostics: '/*/'}}}"), "is not a regular expression"),
    (steps("{read: a/b, expect: {outcome: {severity: bad}}}"), "a severity is fatal, error, warning or information"),
    (steps("{read: a/b, expect: {same-as: {sent: 1}}}"), "sent: 1 is a later step"),
    (steps("{read: a/b, expect: {same-as: {sent: 0, at-least: false}}}"), "at-least is true, or is left out"),
    (steps("{read: a/b, expect: {status: 200, url: /a/}}"), "url is about a request: add of: request"),
    (
        steps("{read: a/b, expect: [{type: A}, {of: request, status: 200}]}"),
        "status is about an answer: leave of: request out",
    ),
    (
        steps("{read: a/b, expect: {of: request, url: /a/}}"),
        "expect judges what the harness sends, and nothing of the answer",
    ),
    (steps("{read: a/b, expect: {same-as: {except: [id]}}}"), "same-as has exactly one of sent, received and value"),
    (steps('{read: "a/b\\n"}'), "read: an address is relative to the base"),
    (steps('{read: a/b, headers: {X: "a\\n"}}'), "the value of a header is one line of text"),
    (steps("{read: a b}"), "read: an address is relative to the base"),
    (steps("{read: a/b, set: {id: 1}}"), "set.yaml:22:21: set has no meaning for read"),
    (steps("{read: a/b, pages: all}"), "pages has no meaning for read"),
    (steps("{search: A, pages: 51}"), "pages is a number from 1 to 50, or all"),
    (steps("{read: a/b, headers: {'X Y': a}}"), 'the name "X Y" will not do'),
    (steps('{read: a/b, headers: {X: "a\\nb"}}'), "the value of a header is one line of text"),
    (steps("{read: a/b, format: jsno}"), 'must be one of json, xml; did you mean "json"?'),
    (steps("{create: weight}"), "a resource is ${fixtures.name}"),
    (steps("{create: {status: final}}"), "a resource is ${fixtures.name}, or is written here with its resourceType"),
    (steps("{create: '${fixtures.wieght}'}"), 'the set has no fixture "wieght"; did you mean "weight"?'),
    (steps("{create: '${fixtures.weight}', remove: [valueQuantiti]}"), 'did you mean "valueQuantity"?'),
    (steps("{create: '${fixtures.weight}', set: {code.coding.code: x}}"), "is asked of a list of 1"),
    (steps("{create: '${fixtures.weight}', set: {'a[b]': x}}"), '"a[b]" is not a path'),
    (
        steps("{create: '${fixtures.weight}', set: {method: '${fixtures.weight.code}', method.coding.code: x}}"),
        "is asked of a list of 1",
    ),
    (steps("{read: 'a/${verzion}'}"), 'nothing is called "verzion" here'),
    (steps("{read: 'a/${version}'}"), 'nothing is called "version" here'),
    (steps("{read: 'a/${weight}'}"), "; write fixtures.weight"),
    (steps("{read: 'a/${saved.redy}'}"), 'no step before this one saved "redy"; did you mean "ready"?'),
    (steps("{read: 'a/${code.vaule}'}"), '"vaule" is not there; did you mean "value"?'),
    (steps("{read: 'a/${variables.cod}'}"), 'the set has no variable "cod"; did you mean "code"?'),
    (steps("{read: 'a/${fixtures.weight.code.coding[1]}'}"), "[1] is not there, it is a list of 1"),
    (steps("{read: 'a/${each.row}'}"), 'not every row of each has "row"'),
    (steps("{read: 'a/${time.nwo}'}"), 'time has no "nwo"'),
    (steps("{read: 'a/${random.dice}'}"), 'random has no "dice"'),
    (steps("{read: 'a/${x'}"), "an expression is not closed"),
    (steps("{read: a/b, save: {x: id}, expect: {that: 'id = ''${x}'''}}"), 'nothing is called "x" here'),
    (
        steps("{read: a/b, expect: {that: 'id = %redy'}}"),
        '%redy: nothing is called "redy" here; did you mean "ready"?',
    ),
    (steps("{request: {method: get, path: a}}"), "a method is written in capitals"),
    (steps("{request: {path: a}}"), 'request has no "method"'),
    ("    control: thrid\n" + steps("read: a/b"), 'set.yaml:21:14: control: the set has no test "thrid"'),
    ("    control: second\n" + steps("read: a/b"), 'control: the test "second" must stand before this one'),
    ("    depends: [first, third]\n" + steps("read: a/b"), 'depends: the set has no test "third"'),
    ("    tags: [negative]\n" + steps("read: a/b"), "set.yaml:19:5: a test tagged negative needs a control"),
    (
        "    mutants: {of: '${fixtures.weight}', profile: p, send: create, expect: {status: 422}}\n",
        "a test with mutants needs a control",
    ),
    ("    each: [{a: 1}, {b: 2}]\n" + steps("read: 'x/${a}'"), 'nothing is called "a" here'),
    ("    each: [{a: '${b}'}]\n" + steps("read: 'x/${a}'"), 'nothing is called "b" here'),
    ("    verifies: [fhir-1]\n" + steps("read: a/b"), "a requirement is named by its id, such as FHIR-REST-014"),
    ("    needs: observation create\n" + steps("read: a/b"), "a need is such as Observation.create"),
    (
        steps("read: a/b") + "  - id: first\n    title: {en: a, fr: b}\n" + steps("read: a/b"),
        'has the id "first" (line 13)',
    ),
    (
        steps("read: a/b") + "  - id: Third Test\n    title: {en: a, fr: b}\n" + steps("read: a/b"),
        "an id is lower-case",
    ),
    (steps("read: a/b") + "  - id: third\n    title: {en: a}\n" + steps("read: a/b"), 'bilingual text has no "fr"'),
    (steps("read: a/b") + "  - id: third\n    title: a\n" + steps("read: a/b"), "title: must be keys and values"),
    (steps("read: a/b") + "serial: true\n", 'set.yaml:23:1: unknown key "serial" in test set'),
]


def test_what_set_puts_can_be_changed_further(tmp_path: Path) -> None:
    known = "{method: '${fixtures.weight.code}', 'method.coding[0].code': x}"
    later = "{method: '${kind}', 'method.coding[0].code': x, 'method.coding[3]': x}"
    table = "    each: [{kind: {coding: [{code: y}]}}]\n"
    for text in (
        steps(f"{{create: '${{fixtures.weight}}', set: {known}}}"),
        table + steps(f"{{create: '${{fixtures.weight}}', set: {later}}}"),
    ):
        assert load(tmp_path, HEAD + text).tests


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        load(tmp_path, HEAD + text)
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
    text = HEAD + steps("read: a/b")
    assert before in text
    with pytest.raises(InvalidFile) as caught:
        load(tmp_path, text.replace(before, after))
    assert message in str(caught.value)


def test_all_faults_are_reported_together_in_order(tmp_path: Path) -> None:
    text = HEAD.replace("1.0.0", "one") + steps("raed: a/b") + steps("read: ${nothing}").removeprefix("    steps:\n")
    with pytest.raises(InvalidFile) as caught:
        load(tmp_path, text.replace("weight.json", "wight.json"))
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
    path.write_text(HEAD.replace("observation/", "") + steps("read: a/b"))
    with pytest.raises(InvalidFile, match="outside of the folder"):
        load_testset(path, root=tmp_path, fixtures=fixtures)


@pytest.mark.parametrize(
    ("content", "message"),
    [("[]", "a fixture is one resource"), ('{"a": 1, "a": 2}', "stands twice"), ("{", "weight.json:1:2: not JSON")],
)
def test_a_bad_fixture_is_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "weight.json").write_text(content)
    path = tmp_path / "set.yaml"
    path.write_text(HEAD.replace("observation/", "") + steps("read: a/b"))
    with pytest.raises(InvalidFile, match=message):
        load_testset(path, root=tmp_path, fixtures=tmp_path)
