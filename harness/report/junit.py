"""JUnit XML, in the shape that Jenkins and GitLab read: one suite a test set, one case a test.

A candidate's failure is a ``failure``; what proves nothing (error, undecided, never began) is an ``error``. Elements
and attributes are those of the schema of Jenkins (xunit-plugin, junit-10.xsd), which refuses a file that holds others.
"""

from collections.abc import Sequence
from xml.etree import ElementTree

from harness.engine.events import RunStarted, TestSetSource
from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
from harness.report.inert import printable
from harness.report.text import describe
from harness.report.words import NEVER_BEGAN


def render(run: RunResult) -> bytes:
    """Return the run as a JUnit file."""
    data: bytes = ElementTree.tostring(junit(run), encoding="utf-8", xml_declaration=True)
    return data


def junit(run: RunResult) -> ElementTree.Element:
    """Return the run as a ``testsuites`` element."""
    root = ElementTree.Element("testsuites", name="fhir-harness")
    for source in run.started.test_sets:
        began = run.sets[source.id].tests if source.id in run.sets else {}
        root.append(_suite(source, [began.get(test) for test in source.tests], run.started))
    _count(root, [*run.tests, *(None for _ in run.missing)])
    return root


def _suite(source: TestSetSource, tests: Sequence[TestResult | None], started: RunStarted) -> ElementTree.Element:
    """One test set; None stands for a test that never began."""
    suite = ElementTree.Element("testsuite", name=source.id, timestamp=started.started, file=source.path)
    for name, test in zip(source.tests, tests, strict=True):
        case = ElementTree.SubElement(suite, "testcase", classname=source.id, name=name)
        if test is None:
            ElementTree.SubElement(case, "error", type=Verdict.ERROR.value, message=NEVER_BEGAN["en"])
        else:
            _case(case, test, started)
    _count(suite, tests)
    suite.set("skipped", str(sum(test is not None and test.verdict is Verdict.SKIP for test in tests)))
    return suite


def _count(element: ElementTree.Element, tests: Sequence[TestResult | None]) -> None:
    verdicts = [test.verdict if test else Verdict.ERROR for test in tests]
    elapsed = sum(test.finished.elapsed for test in tests if test and test.finished)
    element.set("tests", str(len(tests)))
    element.set("failures", str(verdicts.count(Verdict.FAIL)))
    element.set("errors", str(verdicts.count(Verdict.ERROR) + verdicts.count(Verdict.UNDECIDED)))
    element.set("time", f"{elapsed:.3f}")


def _case(case: ElementTree.Element, test: TestResult, started: RunStarted) -> None:
    case.set("time", f"{test.finished.elapsed if test.finished else 0.0:.3f}")
    message = printable(test.reason)
    told = [test.started.title.get("en", ""), *(f"verifies: {name}" for name in test.started.verifies)]
    match test.verdict:
        case Verdict.FAIL:
            ElementTree.SubElement(case, "failure", type="fail", message=message).text = describe(test, started)
        case Verdict.ERROR | Verdict.UNDECIDED:
            error = ElementTree.SubElement(case, "error", type=test.verdict.value, message=message)
            error.text = describe(test, started)
        case Verdict.SKIP:
            ElementTree.SubElement(case, "skipped", message=message)
        case Verdict.WARN:
            told += ["", describe(test, started)]
    ElementTree.SubElement(case, "system-out").text = printable("\n".join(told))
