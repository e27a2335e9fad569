"""One test in plain text: what failed, what was sent, what came back. For JUnit and pytest."""

from collections.abc import Mapping
from typing import Any

from harness.engine.curl import curl
from harness.engine.results import TestResult
from harness.report.inert import pretty_body, printable, status_line

_BODY_LIMIT = 4_000


def describe(test: TestResult, candidate: Mapping[str, Any] | None = None) -> str:
    """Return the findings of a test of the recorded ``candidate``, and the exchanges of the steps that have any."""
    lines = []
    for finding in test.findings:
        place = f" at {finding.expression}" if finding.expression else ""
        lines.append(f"{finding.code}{place}: {finding.message}")
        lines += [
            f"    {name}: {value}"
            for name, value in (("expected", finding.expected), ("found", finding.found))
            if value
        ]
        if finding.waived:
            lines.append(f"    waived: {finding.waived}")
        if finding.requirements:
            lines.append(f"    requirements: {', '.join(finding.requirements)}")
    if not lines:
        lines.append(test.reason)
    for step in test.steps:
        if any(check.findings for check in step.checks):
            lines.append(f"\nstep {step.index + 1}: {step.summary}  ({step.location})")
            for exchange in step.exchanges:
                sent = pretty_body(exchange.request.body, _BODY_LIMIT)
                answer = pretty_body(exchange.response.body if exchange.response else b"", _BODY_LIMIT)
                lines.append(f"> {exchange.request.method} {exchange.request.url}\n{sent}")
                lines.append(f"< {status_line(exchange)}\n{answer}")
                lines.append(f"$ {curl(exchange, candidate)}")
    return printable("\n".join(lines))
