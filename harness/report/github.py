"""GitHub workflow commands: one annotation a test, at the line of its test set that demands what did not hold.

Of a step, GitHub shows ten errors and ten warnings and drops the others: of more than ten, the tenth counts those left.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from harness.engine.events import Finding
from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
from harness.report.inert import printable
from harness.report.words import NEVER_BEGAN

_LEVELS = {Verdict.ERROR: "error", Verdict.FAIL: "error", Verdict.UNDECIDED: "warning", Verdict.WARN: "warning"}
_SHOWN = 10
_FINDINGS = 10
"""Findings of one test that its annotation tells."""


def render(run: RunResult) -> bytes:
    """Return the commands, one a line; a runner turns what it reads on standard output into annotations."""
    lines = [line for level in ("error", "warning") for line in _few(level, list(_annotations(run, level)))]
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def _few(level: str, lines: list[str]) -> list[str]:
    if len(lines) <= _SHOWN:
        return lines
    more = f"and {len(lines) - _SHOWN + 1} more tests; the other reports of the run name them"
    return [*lines[: _SHOWN - 1], _command(level, "fhir-harness", "", more)]


def _annotations(run: RunResult, level: str) -> Iterator[str]:
    root = _root(run.started.command)
    for verdict in Verdict:
        if _LEVELS.get(verdict) == level:
            for test in run.tests:
                if test.verdict is verdict:
                    yield _annotation(test, level, root)
    if level == "error":
        for test_set, name in run.missing:
            yield _command(level, f"{test_set}/{name}", "", NEVER_BEGAN["en"])


def _annotation(test: TestResult, level: str, root: PurePosixPath) -> str:
    title = f"{test.started.test_set}/{test.started.test}"
    own = sorted(test.findings, key=lambda finding: list(Verdict).index(finding.verdict))
    told = [_text(finding) for finding in own[:_FINDINGS]] or [test.reason]
    if more := len(own) - len(told):
        told.append(f"and {more} more")
    location = next((finding.location for finding in own if finding.location), "")
    return _command(level, title, str(root / location) if location else "", "\n".join(told))


def _root(command: Sequence[str]) -> PurePosixPath:
    """The folder of the test sets, as the command names it from where it was called: GitHub wants the whole path."""
    named = [value for name, value in pairwise(command) if name == "--root"]
    named += [word.removeprefix("--root=") for word in command if word.startswith("--root=")]
    return PurePosixPath(*named[-1:])


def _command(level: str, title: str, location: str, text: str) -> str:
    file, _, rest = location.partition(":")
    line, _, column = rest.partition(":")
    properties = {"title": title, "file": file, "line": line, "col": column}
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level} {shown}::{_data(text)}"


def _text(finding: Finding) -> str:
    place = f"{finding.expression}: " if finding.expression else ""
    return f"{place}{finding.message}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
