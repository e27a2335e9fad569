"""``mutants:`` in a run: one exchange a constraint, findings that name it, and the control that counts."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine import Candidate, run_sync
from harness.engine.events import StepFinished
from harness.engine.journal import JournalWriter, read_journal
from harness.engine.replay import Replay
from harness.engine.results import RunResult
from harness.fhir.definitions import Definitions
from harness.sandbox.assembly import make_service
from harness.sandbox.server import SandboxServer
from harness.suite.loader import load_testset
from harness.suite.model import Interaction, TestSet
from harness.validation.generation.mutants import mutants

FIXTURES = Path(__file__).parents[2] / "fixtures"
GAP = "https://interop.esante.gouv.fr/ig/fhir/gap/StructureDefinition/gap-fr-appointment"
BASE = "http://hl7.org/fhir/StructureDefinition/Binary"
SET = """
testset: mutants
version: 1.0.0
title: {en: Mutants, fr: Mutants}
candidate: server
fixtures: {it: FIXTURE}
tests:
  - id: good
    title: {en: Good, fr: Bon}
    steps: [{create: "${fixtures.it}", expect: {status: CONTROL}}]
  - id: bad
    title: {en: Bad, fr: Mauvais}
    control: good
    mutants:
      of: ${fixtures.it}
      profile: PROFILE
      send: create
      expect: {status: [400, 422], outcome: {severity: [error, fatal]}}
"""


def load(folder: Path, *, fixture: str = "binary/pdf.json", profile: str = BASE, control: int = 201) -> TestSet:
    text = SET.replace("FIXTURE", fixture).replace("PROFILE", profile).replace("CONTROL", str(control))
    path = folder / "mutants.yaml"
    path.write_text(text, encoding="utf-8")
    return load_testset(path, root=folder, fixtures=FIXTURES)


def go(base: str, test_set: TestSet, seed: int = 1) -> RunResult:
    return run_sync([test_set], Candidate.of({"base-url": base}), definitions=Definitions.embedded(), seed=seed)


def bodies(steps: list[StepFinished]) -> list[bytes]:
    return [step.exchanges[0].request.body for step in steps if step.phase == "test"]


def test_a_healthy_server_refuses_every_one(sandbox: str, tmp_path: Path) -> None:
    good, bad = go(sandbox, load(tmp_path)).tests
    assert (good.verdict, bad.verdict) == ("pass", "pass")
    steps = [step for step in bad.steps if step.phase == "test"]
    assert len(steps) > 5
    assert len(set(bodies(bad.steps))) == len(steps)
    assert any("min-cardinality@Binary.contentType" in step.summary for step in steps)
    assert not any("@Binary.id" in step.summary or "@Binary.meta.versionId" in step.summary for step in steps)
    assert [step.index for step in steps] == list(range(len(steps)))


def test_the_seed_of_the_run_decides(sandbox: str, tmp_path: Path) -> None:
    test_set = load(tmp_path)
    first, again = (go(sandbox, test_set, seed=5).tests[1].steps for _ in range(2))
    assert bodies(first) == bodies(again)


def test_a_recorded_run_is_judged_again_with_the_same_mutants(sandbox: str, tmp_path: Path) -> None:
    test_set = load(tmp_path)
    candidate = Candidate.of({"base-url": sandbox})
    definitions = Definitions.embedded()
    first = run_sync([test_set], candidate, definitions=definitions, seed=3, writers=[JournalWriter(tmp_path / "run")])
    events = list(read_journal(tmp_path / "run"))
    again = run_sync([test_set], candidate, definitions=definitions, seed=3, transport=Replay(events))
    assert [test.steps for test in again.tests] == [test.steps for test in first.tests]
    assert again.tests[1].verdict == "pass"


def test_a_finding_names_the_mutant_that_was_accepted(tmp_path: Path) -> None:
    with SandboxServer(make_service(defects=["invalid-accepted"])) as server:
        _, bad = go(server.base_url, load(tmp_path)).tests
    assert bad.verdict == "fail"
    told = [one for one in bad.findings if "min-cardinality@Binary.contentType" in one.message]
    assert told
    assert told[0].code == "status"
    assert (told[0].definition, told[0].profile) == ("Binary.contentType", BASE)
    assert told[0].constraint == "min-cardinality@Binary.contentType"
    assert "mutant min-cardinality@Binary.contentType" in told[0].message_fr
    assert len(told[0].message_fr) > 60


def test_without_its_control_it_does_not_count(sandbox: str, tmp_path: Path) -> None:
    good, bad = go(sandbox, load(tmp_path, control=202)).tests
    assert (good.verdict, bad.verdict) == ("fail", "skip")
    assert bad.steps == []


@pytest.mark.parametrize(
    ("fixture", "profile", "verdict"),
    [
        ("binary/pdf.json", "https://exemple.example/none", "undecided"),
        ("binary/pdf.json", GAP, "error"),  # not what the profile is about: the test set is wrong
    ],
)
def test_what_cannot_be_broken(sandbox: str, tmp_path: Path, fixture: str, profile: str, verdict: str) -> None:
    _, bad = go(sandbox, load(tmp_path, fixture=fixture, profile=profile)).tests
    assert bad.verdict == verdict
    assert profile in bad.reason


def test_what_cannot_be_sent_at_all_is_told_once(sandbox: str, tmp_path: Path) -> None:
    profile = "http://hl7.org/fhir/StructureDefinition/Patient"
    test_set = load(tmp_path, fixture="patient/minimal.json", profile=profile)
    good, bad = test_set.tests
    assert bad.mutants is not None
    changed = replace(bad, mutants=replace(bad.mutants, send=Interaction.UPDATE))
    nameless = {name: value for name, value in test_set.fixtures["it"].items() if name != "id"}
    _, ended = go(sandbox, replace(test_set, tests=(good, changed), fixtures={"it": nameless})).tests
    assert ended.verdict == "error"
    assert "update needs a resource with an id" in ended.reason
    assert len(ended.steps) == 1


def test_a_description_names_its_element_once() -> None:
    resource = {"resourceType": "Basic", "code": {"text": "x"}}
    made = mutants(resource, "http://hl7.org/fhir/StructureDefinition/Basic", Definitions.embedded())
    told = next(one.description for one in made if one.name == "min-cardinality@Basic.code")
    assert told["en"] == "Basic.code: at least 1 needed, 0 found"
