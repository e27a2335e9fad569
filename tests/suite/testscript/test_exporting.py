"""A test set as a TestScript: valid FHIR, what it leaves out told, and the same tests when it is read again."""

import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import testscript as r4b

from harness import Definitions, Validator
from harness.data import folder
from harness.suite.loader import load_testset
from harness.suite.model import TestSet
from harness.suite.testscript import export_testset, import_testscript

SET = """
testset: mini
version: 1.0.0
title: {en: Mini, fr: Mini}
candidate: server
fixtures: {patient: patient.json}
variables: {system: "https://harness.example/n"}
setup:
  - create: ${fixtures.patient}
    expect: {status: 201}
    save: {first: header.Location.id}
tests:
  - id: stored
    title: {en: Stored, fr: Enregistré}
    needs: Patient.create
    steps:
      - create: ${fixtures.patient}
        set: {"identifier[+]": {system: "${system}", value: "${random.token}"}, active: true}
        expect:
          - {status: 201, headers: {Location: present, ETag: /W.+/}, type: Patient}
          - {level: SHOULD, that: "active = true", within: 3}
        save: {id: id, etag: header.ETag}
      - read: Patient/${id}
        if-none-match: ${etag}
        expect: {status: [200, 304], same-as: {sent: 0, except: [id, meta]}}
      - search: Patient
        params: {identifier: "${system}|${each}"}
        expect: {searchset: {includes: ["Patient/${id}"], matches: 1}}
  - id: refused
    title: {en: Refused, fr: Refusé}
    control: stored
    each: [{gender: robot}, {gender: android}]
    steps:
      - create: ${fixtures.patient}
        set: {gender: "${gender}"}
        expect: {status: 422, outcome: {severity: [error, fatal], code: code-invalid}}
  - id: by-hand
    title: {en: By hand, fr: À la main}
    steps:
      - request: {method: GET, path: "Patient"}
        expect: {status: 200}
"""


@pytest.fixture
def mini(tmp_path: Path) -> TestSet:
    (tmp_path / "fixtures").mkdir()
    patient = {"resourceType": "Patient", "name": [{"family": "ESSAI"}]}
    (tmp_path / "fixtures" / "patient.json").write_text(json.dumps(patient))
    text = SET.replace('"${system}|${each}"', '"${system}|x"')
    (tmp_path / "mini.yaml").write_text(text, encoding="utf-8")
    return load_testset(tmp_path / "mini.yaml", root=tmp_path, fixtures=tmp_path / "fixtures")


def _asserts(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [action["assert"] for action in actions if "assert" in action]


def test_the_script_is_valid_fhir(mini: TestSet) -> None:
    script = export_testset(mini).script
    assert r4b.TestScript.model_validate(script).name == "mini"
    outcome = Validator(Definitions.embedded()).validate(script)
    assert [issue for issue in outcome.issues if issue.severity in ("error", "fatal")] == []


def test_steps_are_operations_and_expectations_assertions(mini: TestSet) -> None:
    exported = export_testset(mini)
    script = exported.script
    assert [test["id"] for test in script["test"]] == ["stored", "refused-0", "refused-1"]
    create, *rest = script["test"][0]["action"]
    assert create["operation"]["type"]["code"] == "create"
    sent = next(one for one in script["fixture"] if one["id"] == create["operation"]["sourceId"])
    body = exported.fixtures[sent["resource"]["reference"]]
    assert body["identifier"] == [{"system": "https://harness.example/n", "value": "${random-token}"}]
    assert [{key: value for key, value in one.items() if key != "direction"} for one in _asserts(rest)[:4]] == [
        {"operator": "equals", "responseCode": "201", "warningOnly": False},
        {"headerField": "Location", "operator": "notEmpty", "warningOnly": False},
        {"resource": "Patient", "warningOnly": False},
        {"expression": "active = true", "operator": "eval", "warningOnly": True},
    ]


def test_variables_are_read_from_the_answers(mini: TestSet) -> None:
    script = export_testset(mini).script
    variables = {one["name"]: one for one in script["variable"]}
    operations = [action["operation"] for action in script["test"][0]["action"] if "operation" in action]
    read = next(one for one in operations if one["type"]["code"] == "read")
    assert read["params"] == "/${id}"
    assert variables["etag"]["headerField"] == "ETag"
    assert variables["id"]["expression"] == "id"
    assert variables["random-token"]["defaultValue"]
    assert all(one["operation"]["type"]["code"] == "delete" for one in script["teardown"]["action"])


def test_what_a_script_cannot_say_is_told(mini: TestSet) -> None:
    told = [(loss.place, loss.what) for loss in export_testset(mini).losses]
    for expected in (
        ("stored", "needs: Patient.create"),
        ("stored, step 1", "expect headers"),
        ("stored, step 1", "expect within"),
        ("stored, step 1", "${random.token}"),
        ("stored, step 2", "expect same-as"),
        ("refused-0", "control: stored"),
        ("by-hand", "the test"),
    ):
        assert expected in told


def test_a_script_that_was_exported_is_imported_as_the_same_tests(mini: TestSet) -> None:
    exported = export_testset(mini)
    found = import_testscript(exported.script, exported.fixtures.get)
    tests = found.test_set["tests"]
    assert [test["id"] for test in tests] == ["stored", "refused-0", "refused-1"]
    assert [next(iter(step)) for step in tests[0]["steps"]] == ["create", "read", "search"]
    assert tests[1]["steps"][0]["expect"][0] == {"status": 422}
    assert {(loss.place.partition(",")[0], loss.kept) for loss in found.losses} == {("teardown", True)}


@pytest.mark.parametrize("name", ["fhir/crud", "fhir/search", "frcore/patient", "cisis/measures/feed"])
def test_sets_that_come_along_can_be_exported(name: str) -> None:
    root = folder("testsets")
    found = load_testset(root / f"{name}.yaml", root=root, fixtures=folder("fixtures"))
    script = export_testset(found).script
    assert script["test"]
    r4b.TestScript.model_validate(script)
    assert "candidate." not in json.dumps(script["test"])


def test_what_is_saved_twice_is_two_variables(tmp_path: Path) -> None:
    steps = "\n".join(f"      - {{read: Patient/{n}, expect: {{status: 200}}, save: {{id: id}}}}" for n in range(3))
    last = "      - {read: 'Patient/${id}', expect: {that: 'id = %id'}}\n"
    text = (
        SET[: SET.index("fixtures:")]
        + "tests:\n  - id: a\n    title: {en: A, fr: A}\n    steps:\n"
        + steps
        + "\n"
        + last
    )
    (tmp_path / "mini.yaml").write_text(text, encoding="utf-8")
    exported = export_testset(load_testset(tmp_path / "mini.yaml", root=tmp_path, fixtures=tmp_path))
    variables = {one["name"]: one["sourceId"] for one in exported.script["variable"]}
    assert list(variables) == ["id", "a-id", "a-id-2"]
    assert variables["a-id-2"] == "response-3"
    operations = [one["operation"] for one in exported.script["test"][0]["action"] if "operation" in one]
    assert operations[-1]["params"] == "/${a-id-2}"
    assert [loss.what for loss in exported.losses] == ["title: fr", "expect that"]


def _told(tmp_path: Path, text: str) -> tuple[list[str], dict[str, Any]]:
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    exported = export_testset(load_testset(tmp_path / "own.yaml", root=tmp_path, fixtures=tmp_path))
    return [f"{loss.place}: {loss.what}" for loss in exported.losses], exported.script


def test_what_a_set_says_of_itself_is_told_where_a_script_has_no_place_for_it(tmp_path: Path) -> None:
    told, _ = _told(
        tmp_path,
        """
testset: own
version: 1.0.0
title: {en: Own, fr: Propre}
candidate: server
endpoint: mes-measures
packages: [ans.fhir.fr.mesures]
tags: [mes]
tests:
  - id: read
    title: {en: Read, fr: Lu}
    verifies: [FHIR-REST-011]
    tags: [smoke]
    steps:
      - read: Patient/1
        headers: {Accept: null}
        expect: {status: 200}
""",
    )
    assert told == [
        "own: endpoint: mes-measures",
        "own: packages: ans.fhir.fr.mesures",
        "own: verifies: FHIR-REST-011",
        "own: tags: mes, smoke",
        "own: title: fr",
        "read, step 1: no header Accept",
    ]


def test_a_type_that_no_one_knows_is_an_address_so_that_the_script_is_valid(tmp_path: Path) -> None:
    told, script = _told(
        tmp_path,
        """
testset: own
version: 1.0.0
title: {en: Own, fr: Propre}
candidate: server
tests:
  - id: unknown-type
    title: {en: Unknown, fr: Inconnu}
    steps:
      - search: NoSuchType
        params: {_count: 1}
        expect: {status: 404}
        save: {media: header.Content-Type}
      - create: {resourceType: NoSuchType}
        expect: {status: 404, content-type: "${media}"}
""",
    )
    assert "unknown-type, step 2: expect content-type" in told
    search, create = [one["operation"] for one in script["test"][0]["action"] if "operation" in one]
    assert search["url"] == "NoSuchType?_count=1"
    assert create["url"] == "NoSuchType"
    outcome = Validator(Definitions.embedded()).validate(script)
    assert [issue for issue in outcome.issues if issue.severity == "error"] == []


def test_names_in_a_searchset_are_told_as_those_in_a_condition_are(tmp_path: Path) -> None:
    told, script = _told(
        tmp_path,
        """
testset: own
version: 1.0.0
title: {en: Own, fr: Propre}
candidate: server
variables: {last: "2024-01-01"}
tests:
  - id: found
    title: {en: Found, fr: Trouvé}
    steps:
      - search: Slot
        expect: {status: 200, searchset: {matches: 1, every-match: "start > %last"}}
""",
    )
    assert "found, step 1: expect searchset" in told
    assert "%" not in json.dumps(script)


def test_an_identifier_of_the_candidate_is_two_variables_and_constants_are_written_out(tmp_path: Path) -> None:
    told, script = _told(
        tmp_path,
        """
testset: own
version: 1.0.0
title: {en: Own, fr: Propre}
candidate: server
variables:
  patient: "${candidate.identities.default}"
  placed: "^.*/(.+)$"
  late: "${time.now}"
tests:
  - id: fed
    title: {en: Fed, fr: Alimenté}
    steps:
      - create: {resourceType: Observation, status: final, subject: {identifier: "${patient.identifier}"}}
        expect: {status: 201, that: "id.matches(%placed) or id = '100%'"}
        save: {id: "id.replaceMatches(%placed, '$1')", when: "iif(%late.exists(), id, id)"}
      - search: Observation
        pages: all
        expect: {searchset: {includes: ["Observation/${id}"]}}
""",
    )
    assert [one["name"] for one in script["variable"]] == [
        "candidate-identities-default-identifier-system",
        "candidate-identities-default-identifier-value",
        "id",
        "response-1-id",
    ]
    assert script["variable"][2]["expression"] == "id.replaceMatches('^.*/(.+)$', '$1')"
    assert "fed, step 1: save when" in told
    assert "fed, step 1: expect that" in told, "a % that is no name is left out rather than wrong"
    assert "fed, step 2: expect searchset" in told
