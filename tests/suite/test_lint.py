"""Lint: each thing that loads and yet is wrong, and silence on what is right."""

from pathlib import Path

import pytest

from harness.suite.catalogue import Catalogue
from harness.suite.lint import lint, profiles

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
    ],
)
def test_each_problem_is_found_alone(tmp_path: Path, before: str, after: str, problem: str) -> None:
    assert before in GOOD
    assert _lint(tmp_path, GOOD.replace(before, after)) == [problem]


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
