"""GitHub workflow commands: an annotation a test, at the line of its test set that demands what did not hold.

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
    lines = [line for level in ("error", "warning") for line in _commands(level, list(_annotations(run, level)))]
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


_Annotation = tuple[str, str, str]
"""A test, where its set demands what did not hold, and what did not."""


def _commands(level: str, annotations: Sequence[_Annotation]) -> Iterator[str]:
    """At most as many commands as are shown. What several tests say alike, as when a set-up fails, is said once."""
    alike: dict[tuple[str, str], list[str]] = {}
    for test, location, text in annotations:
        alike.setdefault((location, text), []).append(test)
    most = _SHOWN if len(alike) <= _SHOWN else _SHOWN - 1
    groups = list(alike.items())
    for (location, text), tests in groups[:most]:
        others = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
        yield _command(level, f"{tests[0]}{others}", location, text)
    if left := sum(len(tests) for _, tests in groups[most:]):
        yield _command(level, "fhir-harness", "", f"and {left} more tests; the other reports of the run name them")


def _annotations(run: RunResult, level: str) -> Iterator[_Annotation]:
    root = _root(run.started.command)
    for verdict in Verdict:
        if _LEVELS.get(verdict) == level:
            for test in run.tests:
                if test.verdict is verdict:
                    yield _annotation(test, root)
    if level == "error":
        for test_set, name in run.missing:
            yield f"{test_set}/{name}", "", NEVER_BEGAN["en"]


def _annotation(test: TestResult, root: PurePosixPath) -> _Annotation:
    own = sorted(test.findings, key=lambda finding: list(Verdict).index(finding.verdict))
    told = [_text(finding) for finding in own[:_FINDINGS]] or [test.reason]
    if (more := len(own) - _FINDINGS) > 0:
        told.append(f"and {more} more")
    location = next((finding.location for finding in own if finding.location), "")
    place = f"{test.started.test_set}/{test.started.test}"
    return place, str(root / location) if location else "", "\n".join(told)


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
    named = not finding.expression or finding.message.startswith(finding.expression)
    told = finding.message if named else f"{finding.expression}: {finding.message}"
    return f"{told} (waived: {finding.waived})" if finding.waived else told


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
