"""JUnit XML, in the shape that Jenkins and GitLab read: one suite a test set, one case a test.

A candidate's failure is a ``failure``; what proves nothing (error, undecided) is an ``error``.
"""

from xml.etree import ElementTree

from harness.engine.events import RunStarted
from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
from harness.report.inert import printable
from harness.report.text import describe


def render(run: RunResult) -> bytes:
    """Return the run as a JUnit file."""
    data: bytes = ElementTree.tostring(junit(run), encoding="utf-8", xml_declaration=True)
    return data


def junit(run: RunResult) -> ElementTree.Element:
    """Return the run as a ``testsuites`` element."""
    root = ElementTree.Element("testsuites", name="fhir-harness")
    for source in run.started.test_sets:
        began = run.sets[source.id].tests if source.id in run.sets else {}
        tests = [began[test] for test in source.tests if test in began]
        suite = ElementTree.SubElement(root, "testsuite", name=source.id, timestamp=run.started.started)
        for test in tests:
            _case(suite, source.id, test, run.started)
        _count(suite, tests)
    _count(root, run.tests)
    return root


def _count(element: ElementTree.Element, tests: list[TestResult]) -> None:
    verdicts = [test.verdict for test in tests]
    element.set("tests", str(len(tests)))
    element.set("failures", str(verdicts.count(Verdict.FAIL)))
    element.set("errors", str(verdicts.count(Verdict.ERROR) + verdicts.count(Verdict.UNDECIDED)))
    element.set("skipped", str(verdicts.count(Verdict.SKIP)))
    element.set("time", f"{sum(test.finished.elapsed for test in tests if test.finished):.3f}")


def _case(suite: ElementTree.Element, test_set: str, test: TestResult, started: RunStarted) -> None:
    elapsed = test.finished.elapsed if test.finished else 0.0
    case = ElementTree.SubElement(suite, "testcase", classname=test_set, name=test.started.test, time=f"{elapsed:.3f}")
    properties = ElementTree.SubElement(case, "properties")
    ElementTree.SubElement(properties, "property", name="verdict", value=test.verdict.value)
    for requirement in test.started.verifies:
        ElementTree.SubElement(properties, "property", name="requirement", value=requirement)
    message = printable(test.reason)
    match test.verdict:
        case Verdict.FAIL:
            ElementTree.SubElement(case, "failure", type="fail", message=message).text = describe(test, started)
        case Verdict.ERROR | Verdict.UNDECIDED:
            error = ElementTree.SubElement(case, "error", type=test.verdict.value, message=message)
            error.text = describe(test, started)
        case Verdict.SKIP:
            ElementTree.SubElement(case, "skipped", message=message)
        case Verdict.WARN:
            ElementTree.SubElement(case, "system-out").text = describe(test, started)
