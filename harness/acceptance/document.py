"""``acceptance.json``: what a run proved, as data. Made from the journal alone, so that anybody can make it again."""

from typing import Any

from harness.acceptance.manifest import FORMAT, VERSION
from harness.engine.codec import dumps, encode
from harness.engine.results import RunResult, SetResult, TestResult
from harness.report.completeness import lacking


def document(run: RunResult) -> dict[str, Any]:
    """Return the acceptance document of a run: a JSON object, the same for the same journal."""
    started = run.started
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": started.run,
        "started": started.started,
        "finished": run.finished.finished if run.finished else None,
        "verdict": run.verdict.value if run.verdict else None,
        "counts": run.counts(),
        "complete": run.finished is not None and not run.missing,
        "software": dict(started.software),
        "candidate": dict(started.candidate),
        "policies": dict(started.policies),
        "waivers": encode(started.waivers),
        "harness": started.harness,
        "environment": dict(started.environment),
        "command": list(started.command),
        "seed": started.seed,
        "definitions": encode(started.definitions),
        "requirementsDigest": started.requirements_digest,
        "lacks": encode(lacking(run)),
        "testSets": [
            {**encode(source), **_set_result(run.sets.get(source.id)), "tests": _tests(run, source.id, source.tests)}
            for source in started.test_sets
        ],
        "requirements": {
            requirement: [
                {"testSet": test.started.test_set, "test": test.started.test, "verdict": test.verdict.value}
                for test in tests
            ]
            for requirement, tests in run.requirements().items()
        },
    }


def dump(document: dict[str, Any]) -> bytes:
    """Return the document as the bytes that stand in the acceptance file: indented, members sorted, UTF-8."""
    return dumps(document, indent=True, sort=True)


def _set_result(result: SetResult | None) -> dict[str, Any]:
    finished = result.finished if result else None
    if finished is None:
        return {"verdict": None, "leftovers": [], "reason": "never ended"}
    verdict = finished.verdict.value if finished.verdict else None
    return {"verdict": verdict, "leftovers": list(finished.leftovers), "reason": finished.reason}


def _tests(run: RunResult, test_set: str, selected: tuple[str, ...]) -> list[dict[str, Any]]:
    began = run.sets[test_set].tests if test_set in run.sets else {}
    return [
        _test(began[test]) if test in began else {"id": test, "verdict": None, "reason": "never began"}
        for test in selected
    ]


def _test(test: TestResult) -> dict[str, Any]:
    return {
        "id": test.started.test,
        "title": dict(test.started.title),
        "verifies": list(test.started.verifies),
        "level": test.started.level,
        "verdict": test.verdict.value,
        "reason": test.reason,
        "checks": len(test.checks),
        "exchanges": sum(len(step.exchanges) for step in test.steps),
        "findings": encode(test.findings),
    }
