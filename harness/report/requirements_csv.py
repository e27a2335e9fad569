"""The requirement matrix as CSV: a line for each requirement and test that verifies it, for spreadsheets."""

import csv
import io

from harness.engine.results import RunResult
from harness.report.inert import printable

# A cell that begins with one of these is a formula to a spreadsheet (CWE-1236).
_FORMULA = ("=", "+", "-", "@", "\t", "\n")


def render(run: RunResult) -> bytes:
    """Return the matrix, UTF-8 with a byte-order mark (which spreadsheets need to read it as such), CRLF (RFC 4180)."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(["requirement", "verdict", "test set", "test", "reason"])
    for requirement, tests in run.requirements().items():
        for test in tests:
            cells = (requirement, test.verdict.value, test.started.test_set, test.started.test, test.reason)
            writer.writerow([_inert(cell) for cell in cells])
    return target.getvalue().encode("utf-8-sig")


def _inert(cell: str) -> str:
    shown = printable(cell)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
