"""FHIR TestReport (R4): the run for tools that speak FHIR. fhir.resources builds it, so that it cannot be malformed."""

from collections.abc import Mapping
from typing import Any

from fhir.resources.R4B.testreport import TestReport

from harness.engine.events import CheckResult, Finding, StepFinished
from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
from harness.report.inert import printable
from harness.report.words import NEVER_BEGAN
from harness.suite.model import Interaction

_ACTION: Mapping[Verdict, str] = {
    Verdict.PASS: "pass",
    Verdict.WARN: "warning",
    Verdict.FAIL: "fail",
    Verdict.ERROR: "error",
    Verdict.UNDECIDED: "error",
    Verdict.SKIP: "skip",
}
_CLIENT = {"type": "client", "uri": "urn:fhir-harness:candidate"}
"""A candidate that calls has no address of its own."""


def render(run: RunResult) -> bytes:
    """Return the TestReport of a run, JSON in UTF-8."""
    data: str = testreport(run).model_dump_json(indent=2)
    return data.encode("utf-8")


def testreport(run: RunResult) -> TestReport:
    """Return the run as one TestReport: a test each, an action each for interaction and expectation."""
    candidate = run.started.candidate
    verdicts = [test.verdict for test in run.tests]
    proven = sum(verdict in (Verdict.PASS, Verdict.WARN) for verdict in verdicts)
    content: dict[str, Any] = {
        "status": "completed" if run.finished else "stopped",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{run.started.run}"},
        "testScript": {"display": ", ".join(source.id for source in run.started.test_sets) or "no test set"},
        "result": "pass" if run.verdict in (Verdict.PASS, Verdict.WARN) else "fail",
        "tester": "fhir-harness",
        "issued": run.finished.finished if run.finished else run.started.started,
        "participant": [
            {"type": "test-engine", "uri": f"urn:fhir-harness:{run.started.harness}", "display": "fhir-harness"},
            {"type": "server", "uri": str(candidate.get("base-url") or "urn:unknown")},
            *([_CLIENT] if candidate.get("kind") == "client" else ()),
        ],
    }
    tests = [*map(_test, run.tests), *(_missing(*place) for place in run.missing)]
    if tests:
        content["score"] = round(100 * proven / len(tests), 2)
        content["test"] = tests
    return TestReport.model_validate(content)


def _test(test: TestResult) -> dict[str, Any]:
    actions = [action for step in test.steps for action in _actions(step)]
    result = _ACTION[test.verdict]
    if all(told["result"] != result for action in actions for told in action.values()):
        # A TestReport has no verdict of a test: what its steps do not show would look as if it had passed.
        actions.append({"operation": {"result": result, "message": _text(test.reason or "no step was carried out")}})
    title = test.started.title.get("en") or test.started.test
    return {"name": f"{test.started.test_set}/{test.started.test}", "description": title, "action": actions}


def _missing(test_set: str, test: str) -> dict[str, Any]:
    operation = {"result": "error", "message": NEVER_BEGAN["en"]}
    return {"name": f"{test_set}/{test}", "action": [{"operation": operation}]}


def _actions(step: StepFinished) -> list[dict[str, Any]]:
    awaited = step.interaction == Interaction.AWAIT  # what the candidate breaks off is judged, and no error of ours
    lost = None if awaited else next((exchange.error for exchange in step.exchanges if exchange.error), None)
    operation = {"result": "error" if lost else "pass", "message": _text(lost or step.summary)}
    return [{"operation": operation}, *({"assert": _assertion(check)} for check in step.checks)]


def _assertion(check: CheckResult) -> dict[str, Any]:
    messages = "; ".join(_told(finding) for finding in check.findings)
    return {"result": _ACTION[check.verdict], "message": _text(messages or check.kind), "detail": check.kind}


def _told(finding: Finding) -> str:
    return f"{finding.message} (waived: {finding.waived})" if finding.waived else finding.message


def _text(text: str) -> str:
    """FHIR's markdown is not empty, and holds no control characters and no raw HTML (R4, datatypes.html#markdown)."""
    return printable(text).replace("<", "&lt;").strip() or "-"
