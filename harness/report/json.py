"""The whole run as one JSON document: the tree of sets, tests, steps, exchanges, checks and findings.

``report.schema.json`` beside this module describes it.
"""

from collections.abc import Iterator
from typing import Any

from harness.engine.codec import pieces
from harness.engine.events import CheckResult, Finding
from harness.engine.exchange import Exchange
from harness.engine.results import RunResult, SetResult, TestResult
from harness.report.completeness import requirement_verdicts

_WHOLE = (Exchange, CheckResult, Finding)


def render(run: RunResult) -> Iterator[bytes]:
    """Yield the run as an indented JSON document, exchange by exchange."""
    yield from pieces(_tree(run), _WHOLE)
    yield b"\n"


def _tree(run: RunResult) -> dict[str, Any]:
    verdicts = requirement_verdicts(run)
    return {
        **vars(run.started),
        "verdict": run.verdict,
        "counts": run.counts(),
        "finished": run.finished.finished if run.finished else None,
        "waivers_unmet": run.finished.waivers_unmet if run.finished else (),
        "test_sets": [
            {**vars(source), **_set(run.sets.get(source.id), source.tests)} for source in run.started.test_sets
        ],
        "requirements": {
            name: {
                "verdict": verdicts[name],
                "tests": [f"{test.started.test_set}/{test.started.test}" for test in tests],
            }
            for name, tests in run.requirements().items()
        },
    }


def _set(result: SetResult | None, selected: tuple[str, ...]) -> dict[str, Any]:
    if result is None:
        return {"tests": [], "never_began": list(selected)}
    return {
        "setup": result.setup,
        "tests": [_test(result.tests[test]) for test in selected if test in result.tests],
        "never_began": [test for test in selected if test not in result.tests],
        "cleanup": result.cleanup,
        "leftovers": list(result.finished.leftovers) if result.finished else [],
    }


def _test(test: TestResult) -> dict[str, Any]:
    return {
        **vars(test.started),
        "verdict": test.verdict,
        "reason": test.reason,
        "elapsed": test.finished.elapsed if test.finished else None,
        "steps": test.steps,
        "findings": test.findings,
    }
