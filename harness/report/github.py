"""GitHub workflow commands: one annotation a finding, at its line of the test set."""

from harness.engine.events import Finding
from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
from harness.report.inert import printable

_LEVELS = {Verdict.FAIL: "error", Verdict.ERROR: "error", Verdict.UNDECIDED: "warning", Verdict.WARN: "warning"}


def render(run: RunResult) -> bytes:
    """Return the commands, one a line; a runner turns what it reads on standard output into annotations."""
    lines = [line for test in run.tests if test.verdict in _LEVELS for line in _annotations(test)]
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def _annotations(test: TestResult) -> list[str]:
    title = f"{test.started.test_set}/{test.started.test}"
    if not test.findings:
        return [_command(test.verdict, title, "", test.reason)]
    return [_command(finding.verdict, title, finding.location, _text(finding)) for finding in test.findings]


def _command(verdict: Verdict, title: str, location: str, text: str) -> str:
    file, _, rest = location.partition(":")
    line, _, column = rest.partition(":")
    properties = {"title": title, "file": file, "line": line, "col": column}
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{_LEVELS.get(verdict, 'notice')} {shown}::{_data(text)}"


def _text(finding: Finding) -> str:
    place = f"{finding.expression}: " if finding.expression else ""
    return f"{place}{finding.message}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
