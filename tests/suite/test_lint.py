"""Lint: each thing that loads and yet is wrong, and silence on what is right."""

from pathlib import Path

import pytest

from harness.suite.catalogue import Catalogue
from harness.suite.lint import lint, profiles
from harness.suite.problem import InvalidFile

GOOD = """\
testset: good
version: 1.0.0
title: {en: Weights, fr: Poids}
candidate: server
fixtures: {weight: weight.json}
variables: {patient: "${candidate.identities.default}"}
tests:
  - id: stored
    title: {en: Kept, fr: Gardé}
    verifies: [A-1]
    steps:
      - create: ${fixtures.weight}
        set: {subject.identifier: "${patient.identifier}"}
        expect: {status: 201}
        save: {id: header.Location.id}
      - read: Observation/${id}
        expect: {status: 200, conforms: "urn:known", that: "status = 'final'", headers: {ETag: /W/}}
  - id: refused
    title: {en: Refused, fr: Refusé}
    verifies: [A-1]
    control: stored
    steps:
      - create: {resourceType: Observation}
        expect: {status: 422}
"""


def _lint(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "set.yaml").write_text(text)
    (tmp_path / "weight.json").write_text('{"resourceType": "Observation", "subject": {}}')
    catalogue = Catalogue.load(tmp_path / "set.yaml", tmp_path)
    return [f"{problem.code} {problem.location.line}" for problem in lint(catalogue, lambda url: url == "urn:known")]


def test_a_good_set_has_no_problem(tmp_path: Path) -> None:
    assert _lint(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("{weight: weight.json}", "{weight: weight.json, other: weight.json}", "unused 5"),
        ("{patient: ", "{other: 1, patient: ", "unused 6"),
        ("{id: header.Location.id}", "{id: header.Location.id, version: meta.versionId}", "unused 12"),
        ("    verifies: [A-1]\n    control", "    control", "verifies 18"),
        ("    control: stored\n", "", "control 18"),
        ("fr: Poids", "fr: 'weights '", "translation 1"),
        ("fr: Refusé", "fr: Refused", "translation 18"),
        ("        expect: {status: 422}\n", "", "no-check 18"),
        ("{status: 422}", "{status: [1xx, 2xx, 3xx, 4xx, 5xx]}", "cannot-fail 24"),
        ("\"status = 'final'\"", '"true"', "cannot-fail 17"),
        ("ETag: /W/", "ETag: /.*/", "cannot-fail 17"),
        ("status: 422", "status: 422, content-type: //", "cannot-fail 24"),
        ("urn:known", "urn:unknown", "profile 17"),
        ("\"status = 'final'\"", "\"conformsTo('urn:unknown')\"", "profile 17"),
        ("\"status = 'final'\"", "\"1 + 1 = 2 and 'a' in ('a' | 'b')\"", "cannot-fail 17"),
        ("\"status = 'final'\"", '"status = 1", same-as: {received: 1}', "cannot-fail 17"),
        ("{status: 422}", "{status: 422, outcome: {diagnostics: //}}", "cannot-fail 24"),
        (
            "    control: stored\n    steps:\n      - create",
            "    steps:\n      - as: default\n        create",
            "control 18",
        ),
        (
            "- create: {resourceType: Observation}",
            "- create: {resourceType: Observation}\n        as: other",
            "identity 23",
        ),
        ("{resourceType: Observation}", '{resourceType: "${candidate.identities.other.name}"}', "identity 23"),
    ],
)
def test_each_problem_is_found_alone(tmp_path: Path, before: str, after: str, problem: str) -> None:
    assert before in GOOD
    assert _lint(tmp_path, GOOD.replace(before, after)) == [problem]


def test_a_refusal_told_by_its_outcome_needs_a_control(tmp_path: Path) -> None:
    text = GOOD.replace("    control: stored\n", "").replace("{status: 422}", "{outcome: {severity: [error, fatal]}}")
    assert _lint(tmp_path, text) == ["control 18"]
    assert _lint(tmp_path, text.replace("[error, fatal]", "[error, warning]")) == []


def test_base_and_profiles_in_variables(tmp_path: Path) -> None:
    assert _lint(tmp_path, GOOD.replace('"urn:known"', "base")) == []
    text = GOOD.replace("{patient: ", '{profiles: "urn", measure: "${profiles}:known", patient: ')
    assert _lint(tmp_path, text.replace('conforms: "urn:known"', 'conforms: "${measure}"')) == []
    assert _lint(tmp_path, text.replace('conforms: "urn:known"', 'conforms: "${measure}s"')) == ["profile 17"]


def test_an_identity_that_is_needed_may_be_missing(tmp_path: Path) -> None:
    text = GOOD.replace("    control: stored\n", "    control: stored\n    needs: identity(other)\n")
    assert (
        _lint(tmp_path, text.replace("{resourceType: Observation}", "{resourceType: Observation}\n        as: other"))
        == []
    )


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "{weight: weight.json}",
            "{weight: wieght.json}",
            'there is no fixture "wieght.json".*did you mean "weight.json"',
        ),
        ("${fixtures.weight}", "${fixtures.wieght}", 'set.yaml:12:.*no fixture "wieght"; did you mean "weight"'),
        ("Observation/${id}", "Observation/${di}", 'set.yaml:16:.*nothing is called "di" here'),
        ("status = 'final'", "status = = 'final'", "set.yaml:17:.*not FHIRPath"),
        ("status = 'final'", "status = %fina", 'set.yaml:17:.*nothing is called "fina" here'),
        ("[A-1]", "[A-2]", 'set.yaml:8:.*A-2, which is no requirement; did you mean "A-1"'),
        (", fr: Poids", "", 'set.yaml:3:.*has no "fr"'),
        (
            "${patient.identifier}",
            "${candidate.polcy.x}",
            'set.yaml:13:.*a candidate has no "polcy"; did you mean "policy"',
        ),
        (
            "${patient.identifier}",
            "${candidate.policy.offset-unt}",
            'set.yaml:13:.*no policy "offset-unt"; did you mean "offset-unit"',
        ),
        ("${patient.identifier}", "${candidate.means.offset-unit.second}", 'set.yaml:13:.*"second" is not there'),
        (
            "    control: stored",
            "    control: stored\n    needs: [policy(offset-unit=pages)]",
            'set.yaml:22:.*offset-unit is never "pages", only page, row; did you mean "page"',
        ),
        (
            "    control: stored",
            "    control: stored\n    needs: policy(ofset-unit=page)",
            'set.yaml:22:.*there is no policy "ofset-unit"; did you mean "offset-unit"',
        ),
    ],
)
def test_what_does_not_load_is_told_before_any_run(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert before in GOOD
    (tmp_path / "set.yaml").write_text(GOOD.replace(before, after))
    (tmp_path / "weight.json").write_text('{"resourceType": "Observation", "subject": {}}')
    entry = "{id: A-1, actor: server, level: SHALL, topic: t, source: s, statement: x, how_to_check: y, negative: z,"
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "a.yaml").write_text(f"requirements:\n  - {entry} basis: stated}}\n")
    with pytest.raises(InvalidFile, match=message):
        Catalogue.load(tmp_path, tmp_path)


def test_names_without_a_root_and_whole_roots_count_as_use(tmp_path: Path) -> None:
    text = GOOD.replace("{weight: weight.json}", "{weight: weight.json, other: weight.json}")
    assert _lint(tmp_path, text.replace("status: 201", "status: 201, same-as: {value: '${fixtures.other}'}")) == []
    text = GOOD.replace("{patient: ", '{base: x, patient: "${base}", unused: ')
    assert _lint(tmp_path, text.replace("${patient.identifier}", "${variables}")) == []


def test_a_name_of_fhirpath_counts_as_use(tmp_path: Path) -> None:
    text = GOOD.replace("{id: header.Location.id}", "{id: header.Location.id, version: meta.versionId}")
    for used in ('that: "meta.versionId = %version"', 'searchset: {every-match: "id = %`version`"}'):
        assert _lint(tmp_path, text.replace("that: \"status = 'final'\"", used)) == []


def test_an_instruction_is_translated(tmp_path: Path) -> None:
    step = (
        "      - await: {instruction: {en: Send, fr: send}, request: {method: POST}}\n        expect: {status: 422}\n"
    )
    assert _lint(tmp_path, GOOD.replace("candidate: server", "candidate: client") + step) == ["translation 25"]


def test_an_awaited_number_is_an_expectation(tmp_path: Path) -> None:
    awaited = "{instruction: {en: Wait, fr: Attendez}, request: {method: POST}, count: {max: 0}}"
    one = GOOD.split("  - id: refused", maxsplit=1)[0].replace("server", "client")
    text = (
        one
        + f"""\
  - id: nothing
    title: {{en: Nothing comes, fr: Rien ne vient}}
    verifies: [A-1]
    steps:
      - await: {awaited}
"""
    )
    assert _lint(tmp_path, text) == []
    assert _lint(tmp_path, text.replace(", count: {max: 0}", "")) == ["no-check 18"]


def test_profiles_of_checks_and_mutants(tmp_path: Path) -> None:
    text = (
        GOOD
        + """\
  - id: mutants
    title: {en: Mutants, fr: Mutations}
    verifies: [A-1]
    control: stored
    mutants: {of: "${fixtures.weight}", profile: "urn:known", send: create, expect: {status: 422}}
"""
    )
    (tmp_path / "weight.json").write_text('{"resourceType": "Observation", "subject": {}}')
    (tmp_path / "set.yaml").write_text(text)
    (found,) = Catalogue.load(tmp_path / "set.yaml", tmp_path).test_sets
    assert [(url, location.line) for url, location in profiles(found)] == [("urn:known", 17), ("urn:known", 29)]
