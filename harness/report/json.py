"""The whole run as one JSON document: the tree of sets, tests, steps, exchanges, checks and findings."""

from typing import Any

from harness.engine.codec import dumps, encode
from harness.engine.results import RunResult, SetResult, TestResult


def render(run: RunResult) -> bytes:
    """Return the run as an indented JSON document."""
    return dumps(as_json(run), indent=True)


def as_json(run: RunResult) -> dict[str, Any]:
    """Return the run as a JSON value."""
    return {
        **encode(run.started),
        "verdict": run.verdict.value if run.verdict else None,
        "counts": run.counts(),
        "finished": run.finished.finished if run.finished else None,
        "test_sets": [
            {**encode(source), **_set(run.sets.get(source.id), source.tests)} for source in run.started.test_sets
        ],
        "requirements": {
            requirement: [f"{test.started.test_set}/{test.started.test}" for test in tests]
            for requirement, tests in run.requirements().items()
        },
    }


def _set(result: SetResult | None, selected: tuple[str, ...]) -> dict[str, Any]:
    if result is None:
        return {"tests": [], "never_began": list(selected)}
    return {
        "setup": encode(result.setup),
        "tests": [_test(result.tests[test]) for test in selected if test in result.tests],
        "never_began": [test for test in selected if test not in result.tests],
        "cleanup": encode(result.cleanup),
        "leftovers": list(result.finished.leftovers) if result.finished else [],
    }


def _test(test: TestResult) -> dict[str, Any]:
    return {
        **encode(test.started),
        "verdict": test.verdict.value,
        "reason": test.reason,
        "steps": encode(test.steps),
        "findings": encode(test.findings),
    }
