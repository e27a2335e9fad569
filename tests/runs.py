"""A small recorded run, for the tests of whatever reads runs."""

import hashlib
from pathlib import Path

from harness import __version__
from harness.engine.events import (
    CheckResult,
    DefinitionSource,
    Event,
    Finding,
    RunFinished,
    RunStarted,
    SetFinished,
    SetStarted,
    StepFinished,
    TestFinished,
    TestSetSource,
    TestStarted,
)
from harness.engine.exchange import Exchange, Request, Response
from harness.engine.journal import JournalWriter
from harness.engine.verdict import Verdict
from harness.report.writer import replay

TEST_SET = b"testset: patient\n"
TESTS = ("reads", "refuses", "skips")
HOSTILE = "</script><script>alert(1)</script>\x1b[31m\u202e\x00"


def events() -> list[Event]:
    """A run of one set: one test passes, one fails with a hostile answer, one is skipped."""
    digest = hashlib.sha256(TEST_SET).hexdigest()
    title = {"en": "A patient is read", "fr": "Un patient est lu"}
    return [
        RunStarted(
            run="0b7c5a1e-6b1b-4f0e-9f53-0a4d8f7f2a11",
            started="2026-01-02T03:04:05.000Z",
            harness=__version__,
            environment={"python": "3.11"},
            candidate={"base-url": "http://127.0.0.1:1/fhir"},
            software={"publisher": "Éditeur", "product": "Produit", "version": "1"},
            seed=1,
            test_sets=(TestSetSource("patient", "1.0.0", digest, "patient.yaml", title, TESTS),),
            requirements_digest="00",
            definitions=(DefinitionSource("hl7.fhir.r4.core", "4.0.1", "00", official=False),),
        ),
        SetStarted("patient"),
        TestStarted("patient", "reads", title, ("FHIR-REST-001",), "2026-01-02T03:04:05.000Z"),
        StepFinished(
            "patient", "reads", "test", 0, "read", "read Patient/1", (_exchange(200, b'{"resourceType":"Patient"}'),),
            (CheckResult("status", Verdict.PASS),),
        ),
        TestFinished("patient", "reads", Verdict.PASS, "", 0.1),
        TestStarted("patient", "refuses", title, ("FHIR-REST-002",), "2026-01-02T03:04:05.000Z"),
        StepFinished(
            "patient", "refuses", "test", 0, "read", f"read {HOSTILE}", (_exchange(500, HOSTILE.encode()),),
            (CheckResult("status", Verdict.FAIL, (_finding(),)),),
        ),
        TestFinished("patient", "refuses", Verdict.FAIL, f"status: {HOSTILE}", 0.2),
        TestStarted("patient", "skips", title, ("FHIR-REST-002",), "2026-01-02T03:04:05.000Z"),
        TestFinished("patient", "skips", Verdict.SKIP, "Patient.patch is not declared", 0.0),
        SetFinished("patient", Verdict.FAIL, ("Patient/1",)),
        RunFinished("2026-01-02T03:04:06.000Z", Verdict.FAIL, {"pass": 1, "fail": 1, "skip": 1}),
    ]  # fmt: skip


def record(folder: Path) -> Path:
    """Write the run's journal and sources into ``folder`` and return it."""
    replay(events(), JournalWriter(folder))
    target = folder / "sources" / "testsets" / "patient.yaml"
    target.parent.mkdir(parents=True)
    target.write_bytes(TEST_SET)
    return folder


def _exchange(status: int, body: bytes) -> Exchange:
    request = Request("GET", "http://127.0.0.1:1/fhir/Patient/1", (("Accept", "application/fhir+json"),))
    answer = Response(status, (("Content-Type", "application/fhir+json"),), body)
    return Exchange(request, "2026-01-02T03:04:05.000Z", 0.05, answer)


def _finding() -> Finding:
    return Finding(
        "status",
        Verdict.FAIL,
        f"expected 404, found 500 {HOSTILE}",
        "attendu 404, trouvé 500",
        "status",
        "404",
        HOSTILE,
    )
