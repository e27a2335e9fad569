"""The requirement matrix as CSV: a line for each requirement, with its verdict and its tests, for spreadsheets."""

import csv
import io
from collections.abc import Iterator

from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
from harness.report.completeness import requirement_verdicts
from harness.report.inert import printable
from harness.report.rules import rules
from harness.report.words import NEVER_BEGAN

_HEAD = ("requirement", "verdict", "tests", "reasons", "statement", "source")
# A cell that begins with one of these is a formula to a spreadsheet (CWE-1236).
_FORMULA = ("=", "+", "-", "@", "\t", "\n")


def render(run: RunResult) -> bytes:
    """Return the matrix, UTF-8 with a byte-order mark (which spreadsheets need to read it as such), CRLF (RFC 4180).

    A requirement stands on one line. In ``tests`` and ``reasons`` each test has a line of its own:
    ``verdict test-set/test``, and why. Tests that never began stand on a last line without a
    requirement: what they would have verified was not recorded.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(_HEAD)
    writer.writerows([_inert(cell) for cell in row] for row in _rows(run))
    return target.getvalue().encode("utf-8-sig")


def _rows(run: RunResult) -> Iterator[tuple[str, ...]]:
    known, verdicts = rules(run.started), requirement_verdicts(run)
    for requirement, tests in run.requirements().items():
        places = {f"{test.started.test_set}/{test.started.test}": test for test in tests}
        told = [f"{test.verdict} {place}" for place, test in places.items()]
        why = [f"{place}: {_reason(test)}" for place, test in places.items() if test.reason]
        rule = known.get(requirement)
        passage = (rule.statement, rule.source) if rule else ("", "")
        yield (requirement, verdicts[requirement].value, "\n".join(told), "\n".join(why), *passage)
    if run.missing:
        never = [f"{test_set}/{test}" for test_set, test in run.missing]
        yield ("", Verdict.ERROR.value, "\n".join(never), NEVER_BEGAN["en"], "", "")


def _reason(test: TestResult) -> str:
    waived = dict.fromkeys(finding.waived for finding in test.findings if finding.waived)
    return test.reason + "".join(f" (waived: {told})" for told in waived)


def _inert(cell: str) -> str:
    shown = printable(cell)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
