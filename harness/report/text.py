"""One test in plain text: what failed, what was sent, what came back. For JUnit and pytest."""

from harness.engine.codes import Language
from harness.engine.curl import curl
from harness.engine.events import RunStarted
from harness.engine.results import TestResult
from harness.report.inert import pretty_body, printable, status_line
from harness.report.rules import rules
from harness.report.words import WORDS, reason
from harness.suite.model import Interaction

_BODY_LIMIT = 4_000


def describe(test: TestResult, started: RunStarted | None = None, language: Language = "en") -> str:
    """Return the findings of a test, what the requirements say, and the exchanges of the steps that have findings.

    ``started`` is the begin of its run: the candidate, and which requirements these were.
    """
    known = rules(started) if started else {}
    candidate = started.candidate if started else None
    words = WORDS[language]
    colon = words.colon
    lines = []
    for finding in test.findings:
        place = f" {words.place} {finding.expression}" if finding.expression else ""
        message = finding.message_fr if language == "fr" and finding.message_fr else finding.message
        lines.append(f"{finding.code}{place}{colon} {message}")
        told = (
            (words.expected, finding.expected),
            (words.found, finding.found),
            (words.waived, finding.waived),
            (words.requirements, ", ".join(finding.requirements)),
        )
        lines += [f"    {name}{colon} {value}" for name, value in told if value]
    broken = dict.fromkeys(name for finding in test.findings for name in finding.requirements if name in known)
    lines += [f"{name}{colon} {known[name].statement} ({known[name].source})" for name in broken]
    if not lines:
        lines.append(reason(test)[language])
    for step in test.steps:
        if any(check.findings for check in step.checks):
            lines.append(f"\n{words.step} {step.index + 1}{colon} {step.summary}  ({step.location})")
            for exchange in step.exchanges:
                sent = pretty_body(exchange.request.body, _BODY_LIMIT)
                answer = pretty_body(exchange.response.body if exchange.response else b"", _BODY_LIMIT)
                lines.append(f"> {exchange.request.method} {exchange.request.url}\n{sent}")
                lines.append(f"< {status_line(exchange, language)}\n{answer}")
                if step.interaction != Interaction.AWAIT:  # what came in is the candidate's to send
                    lines.append(f"$ {curl(exchange, candidate)}")
    return printable("\n".join(lines))
