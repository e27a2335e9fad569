"""The same versions give the same verdicts, bit for bit; other versions give other verdicts, each with its cause."""

import json
import platform
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness import __version__
from harness.acceptance import attribution
from harness.acceptance.attribution import Cause
from harness.acceptance.installed import Installed
from harness.acceptance.judging import Bench, judgement_digest
from harness.acceptance.recorded import Recorded, open_recorded
from harness.acceptance.rejudge import Means, ShelfOptions, rejudge, rejudge_shelf, shelf
from harness.acceptance.sources import SourceKeeper
from harness.data import folder
from harness.engine import Candidate, run_sync
from harness.engine.codec import dumps
from harness.engine.journal import JournalWriter
from harness.engine.runner import default_judge
from harness.errors import AcceptanceError
from harness.fhir.definitions import Definitions
from harness.sandbox.server import SandboxServer
from harness.suite.catalogue import Catalogue
from harness.validation.validator import Validator
from tests.acceptance.recording import SET, catalogue, record_run

RULE = """
  - {{id: {name}, actor: server, level: SHALL, topic: rest, source: made up, statement: A rule., how_to_check: A test.,
     negative: A defect., basis: inferred}}
"""
GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.embedded()


@pytest.fixture(scope="module")
def live_judge(definitions: Definitions) -> Validator:
    return default_judge(definitions)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, sandbox: str, definitions: Definitions) -> Recorded:
    home = tmp_path_factory.mktemp("recorded")
    sets = home / "sets"
    text = SET.replace("birthDate:", "gender: other, birthDate:")
    return record_run(home / "run", sets, catalogue(sets, text), sandbox, definitions)


@pytest.fixture(scope="module")
def everything() -> Iterator[Candidate]:
    """A healthy sandbox under all of its addresses."""
    with SandboxServer() as server:
        yield Candidate.of(server.candidate())


CATALOGUE = Catalogue.load(folder("testsets"), folder("fixtures"))
BENCH = Bench()


@pytest.mark.parametrize("name", [found.id for found in CATALOGUE.test_sets if found.candidate == "server"])
def test_every_test_set_of_the_project_is_judged_the_same(
    name: str, everything: Candidate, definitions: Definitions, live_judge: Validator, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    run_sync(
        CATALOGUE.select([name]),
        everything,
        definitions=definitions,
        jobs=4,
        judge=live_judge,
        writers=[JournalWriter(out), SourceKeeper(out, folder("testsets"), folder("fixtures"))],
    )
    recorded = open_recorded(out, None, datetime.now(UTC))
    found = rejudge(recorded, Means(definitions), BENCH)
    assert found.tests > 0
    assert (found.verdict_before == "skip") == name.startswith("transport-")  # those are about TLS
    assert found.judgement_before == found.judgement_after
    assert (found.same, found.identical, found.other_findings, found.definitions_missing) == (True, True, 0, ())


def test_the_local_sets_judge_the_same_when_they_are_the_same(
    recorded: Recorded, definitions: Definitions, tmp_path: Path
) -> None:
    local = catalogue(tmp_path / "sets", SET.replace("birthDate:", "gender: other, birthDate:"))
    found = rejudge(recorded, Means(definitions, catalogue=local, local_definitions=True))
    assert (found.identical, found.test_sets, dict(found.versions)) == (True, (), {})


def test_a_changed_expectation_is_the_test_sets_doing(
    recorded: Recorded, definitions: Definitions, tmp_path: Path
) -> None:
    text = SET.replace("birthDate:", "gender: other, birthDate:").replace("status: 422", "status: 400")
    local = catalogue(tmp_path / "sets", text)
    found = rejudge(recorded, Means(definitions, catalogue=local))
    (change,) = found.changes
    assert (change.test, change.before, change.after, change.causes) == ("refused", "pass", "fail", (Cause.TEST_SET,))
    assert change.replayable
    (difference,) = found.test_sets
    assert dict(difference.tests) == {"refused": "changed"}
    assert [(one.requirement, one.causes) for one in found.requirements] == [("FHIR-REST-002", (Cause.TEST_SET,))]


def test_another_request_cannot_be_judged_on_this_evidence(
    recorded: Recorded, definitions: Definitions, tmp_path: Path
) -> None:
    local = catalogue(tmp_path / "sets", SET)  # without the gender
    found = rejudge(recorded, Means(definitions, catalogue=local))
    changes = {change.test: change for change in found.changes}
    assert (changes["stored"].after, changes["stored"].replayable) == ("error", False)
    assert "the body differs" in changes["stored"].reason_after


def _with(definitions: Definitions, home: Path, resource: Mapping[str, object]) -> Definitions:
    """The definitions with a package of one resource on top."""
    manifest = {"name": "test.other", "version": "1.0.0", "fhirVersions": ["4.0.1"]}
    (home / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    (home / "resource.json").write_bytes(dumps(resource))
    other = definitions.copy()
    other.add_package(home)
    return other


def test_a_profile_that_became_stricter_is_the_definitions_doing(
    recorded: Recorded, definitions: Definitions, tmp_path: Path
) -> None:
    patient = dict(definitions.structure("http://hl7.org/fhir/StructureDefinition/Patient") or {})
    elements = [dict(element) for element in definitions.snapshot(patient["url"])]
    for element in elements:
        if element.get("path") == "Patient.active":
            element["min"] = 1
    stricter = _with(definitions, tmp_path, {**patient, "snapshot": {"element": elements}})
    found = rejudge(recorded, Means(stricter, local_definitions=True))
    causes = {change.test: change.causes for change in found.changes}
    assert causes["stored"] == (Cause.DEFINITIONS,)


def test_a_value_set_that_lost_a_code_is_the_terminologys_doing(
    recorded: Recorded, definitions: Definitions, tmp_path: Path
) -> None:
    value_set = dict(definitions.value_set(GENDER) or {})
    concepts = [{"code": code} for code in ("male", "female", "unknown")]
    include = {"system": "http://hl7.org/fhir/administrative-gender", "concept": concepts}
    value_set.pop("expansion", None)
    poorer = _with(definitions, tmp_path, {**value_set, "compose": {"include": [include]}})
    found = rejudge(recorded, Means(poorer, local_definitions=True))
    causes = {change.test: change.causes for change in found.changes}
    assert causes["stored"] == (Cause.TERMINOLOGY,)


@pytest.mark.parametrize(
    ("was", "now", "causes"),
    [
        ("", "", (Cause.RECORDED,)),
        (f'"harness":"{__version__}"', '"harness":"0.0.1"', (Cause.ENGINE,)),
        (f'"python":"{platform.python_version()}"', '"python":"3.0.0"', (Cause.RECORDED, Cause.ENGINE)),
    ],
)
def test_a_verdict_that_does_not_follow_from_its_exchanges_is_the_records_or_another_engines_doing(
    recorded: Recorded, definitions: Definitions, tmp_path: Path, was: str, now: str, causes: tuple[Cause, ...]
) -> None:
    journal = (recorded.path / "journal.ndjson").read_bytes()
    other = tmp_path / "run"
    other.mkdir()
    (other / "sources").symlink_to(recorded.path / "sources")
    said = journal.replace(b'"test":"refused","verdict":"pass"', b'"test":"refused","verdict":"warn"')
    assert said != journal
    assert was.encode() in said
    (other / "journal.ndjson").write_bytes(said.replace(was.encode(), now.encode(), 1))
    found = rejudge(open_recorded(other, None, datetime.now(UTC)), Means(definitions))
    assert [(change.test, change.causes) for change in found.changes] == [("refused", causes)]
    assert found.remarks == ("records 1.0.0: not in this catalogue",)


def test_a_weakened_test_set_under_the_name_of_the_catalogues_is_told(
    recorded: Recorded, definitions: Definitions, tmp_path: Path
) -> None:
    installed = Installed(tmp_path / "sets", tmp_path)
    stricter = SET.replace("birthDate:", "gender: other, birthDate:").replace("status: 200", "status: 203")
    catalogue(installed.testsets, stricter)
    found = rejudge(recorded, Means(definitions, installed=installed))
    assert (found.same, found.altered) == (True, ("records 1.0.0",))
    assert found.remarks == ("altered: not the records 1.0.0 of this catalogue",)


def test_definitions_that_are_not_here_are_named_and_not_told_from_the_engine(
    recorded: Recorded, definitions: Definitions, tmp_path: Path
) -> None:
    journal = (recorded.path / "journal.ndjson").read_bytes()
    other = tmp_path / "run"
    other.mkdir()
    (other / "sources").symlink_to(recorded.path / "sources")
    digest = recorded.run.started.definitions[0].digest.encode()
    journal = journal.replace(digest, b"0" * 64)
    journal = journal.replace(b'"test":"refused","verdict":"pass"', b'"test":"refused","verdict":"warn"')
    (other / "journal.ndjson").write_bytes(journal)
    found = rejudge(open_recorded(other, None, datetime.now(UTC)), Means(definitions))
    assert len(found.definitions_missing) == 1
    (change,) = found.changes
    assert change.causes == (Cause.DEFINITIONS, Cause.TERMINOLOGY, Cause.ENGINE)


def test_a_requirement_that_other_tests_verify_is_its_own_cause(recorded: Recorded) -> None:
    other = open_recorded(recorded.path, None, datetime.now(UTC))
    for test in other.run.tests:
        object.__setattr__(test.started, "verifies", ("FHIR-REST-009",))
    changes = attribution.requirement_changes(recorded.run, other.run, {})
    assert {change.requirement for change in changes} == {"FHIR-REST-001", "FHIR-REST-002", "FHIR-REST-009"}
    assert {cause for change in changes for cause in change.causes} == {Cause.REQUIREMENT}


def test_a_test_that_verifies_another_requirement_now_is_the_requirements_doing(
    recorded: Recorded, definitions: Definitions, tmp_path: Path
) -> None:
    text = SET.replace("birthDate:", "gender: other, birthDate:").replace("[FHIR-REST-002]", "[FHIR-REST-009]")
    found = rejudge(recorded, Means(definitions, catalogue=catalogue(tmp_path / "sets", text)))
    assert (found.same, found.changes) == (True, ())
    changed = [(one.requirement, one.before, one.after, one.causes) for one in found.requirements]
    assert changed == [
        ("FHIR-REST-002", "pass", None, (Cause.REQUIREMENT,)),
        ("FHIR-REST-009", None, "pass", (Cause.REQUIREMENT,)),
    ]


def test_another_catalogue_of_requirements_is_named(
    recorded: Recorded, definitions: Definitions, tmp_path: Path
) -> None:
    sets = tmp_path / "sets"
    (sets / "requirements").mkdir(parents=True)
    rules = "".join(RULE.format(name=name) for name in ("FHIR-REST-001", "FHIR-REST-002"))
    (sets / "requirements" / "own.yaml").write_text(f"requirements:\n{rules}", encoding="utf-8")
    local = catalogue(sets, SET.replace("birthDate:", "gender: other, birthDate:"))
    assert local.requirements.by_id
    found = rejudge(recorded, Means(definitions, catalogue=local))
    assert found.identical  # what a requirement says is for people; a test says what it demands
    recorded_digest = recorded.run.started.requirements_digest
    assert found.versions["requirements"] == (recorded_digest, local.requirements.digest)


def test_a_shelf_over_any_executor(recorded: Recorded, tmp_path: Path) -> None:
    home = tmp_path / "shelf"
    home.mkdir()
    (home / "one").symlink_to(recorded.path)
    (home / "broken").mkdir()
    (home / "broken" / "journal.ndjson").write_bytes(b"no event\n")
    paths = shelf(home)
    with ThreadPoolExecutor(2) as executor:
        broken, one = rejudge_shelf(paths, ShelfOptions(), executor)
    assert (broken.result, broken.unreadable) == (None, True)
    assert "not an event" in broken.problem
    assert one.result is not None
    assert one.result.identical
    assert one.result.judgement_before == judgement_digest(recorded.run)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AcceptanceError, match="neither an acceptance file"):
        shelf(tmp_path / "empty")


def test_a_shelf_over_dask(recorded: Recorded) -> None:
    distributed = pytest.importorskip("distributed", reason="the optional extra [dask] is not installed")
    with distributed.Client(processes=False, dashboard_address=None) as client:
        (entry,) = rejudge_shelf([recorded.path], ShelfOptions(), client.get_executor())
    assert entry.result is not None
    assert entry.result.identical


def test_a_file_is_not_opened_unverified_by_accident(signed: Path) -> None:
    with pytest.raises(AcceptanceError, match="--unsafe-skip-verification"):
        open_recorded(signed, None, datetime.now(UTC))
    opened = open_recorded(signed, None, datetime.now(UTC), unsafe_skip_verification=True)
    assert not opened.verified
