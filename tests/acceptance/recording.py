"""Runs against the sandbox, for what judges, compares and reviews them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from harness.acceptance.recorded import Recorded, open_recorded
from harness.acceptance.sources import SourceKeeper
from harness.engine import Candidate, run_sync
from harness.engine.journal import JournalWriter
from harness.fhir.definitions import Definitions
from harness.sandbox.assembly import make_service
from harness.sandbox.server import SandboxServer
from harness.suite.catalogue import Catalogue

SET = """
testset: records
version: 1.0.0
title: {en: Records, fr: Dossiers}
candidate: server
variables: {family: "${random.token}"}
tests:
  - id: stored
    title: {en: A patient is stored, fr: Un patient est stocké}
    verifies: [FHIR-REST-001]
    steps:
      - create: {resourceType: Patient, name: [{family: "${family}"}], birthDate: "${time.today-9w}"}
        expect: {status: 201, conforms: base}
        save: {id: header.Location.id}
      - read: Patient/${id}
        expect: {status: 200, conforms: base}
  - id: refused
    title: {en: An unknown gender is refused, fr: Un genre inconnu est refusé}
    verifies: [FHIR-REST-002]
    control: stored
    steps:
      - create: {resourceType: Patient, gender: robot}
        expect: {status: 422, outcome: {severity: error}}
"""


def catalogue(folder: Path, text: str = SET) -> Catalogue:
    """Return the catalogue of one test set, written into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "records.yaml").write_text(text, encoding="utf-8")
    return Catalogue.load(folder, folder)


def record_run(
    out: Path, sets: Path, loaded: Catalogue, base_url: str, definitions: Definitions, seed: int | None = None
) -> Recorded:
    """Run a catalogue of ``sets`` and return what was recorded in ``out``."""
    run_sync(
        loaded.test_sets,
        Candidate.at(base_url, token="canary-token-52"),
        definitions=definitions,
        requirements=loaded.requirements,
        seed=seed,
        writers=[JournalWriter(out), SourceKeeper(out, sets, sets)],
    )
    return open_recorded(out, None, datetime.now(UTC))


def record_with_defects(
    out: Path, sets: Path, loaded: Catalogue, defects: Iterable[str], definitions: Definitions
) -> Recorded:
    """Run a catalogue against a sandbox with seeded departures."""
    with SandboxServer(make_service(defects=list(defects))) as server:
        return record_run(out, sets, loaded, server.base_url, definitions)
