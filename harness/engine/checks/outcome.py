"""``outcome``: the answer is an OperationOutcome, one issue of which has all that is expected."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.engine.checks.evidence import Evidence, answered, as_list, finding, resource_of
from harness.engine.checks.headers import is_pattern, value_matches
from harness.engine.checks.status import issue_text
from harness.engine.events import Finding
from harness.reason import Reason, joined

_NO_ISSUE = Reason("no issue", "aucune issue")


def outcome(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding when an answer is no OperationOutcome, or none of its issues has all of ``expected``.

    ``severity`` and ``code`` are compared with each of a list; ``diagnostics`` with ``diagnostics`` and
    ``details.text``, as a part of it or a regular expression; ``expression`` with ``expression`` and ``location``.
    """
    for index, response in evidence.answers:
        resource = resource_of(response)
        if resource is None or resource["resourceType"] != "OperationOutcome":
            yield finding("outcome.missing", exchange=index, expected="OperationOutcome", found=answered(response))
            continue
        listed = resource.get("issue")
        issues = [issue for issue in listed if isinstance(issue, dict)] if isinstance(listed, list) else []
        if not any(_fulfils(issue, expected) for issue in issues):
            yield finding(
                "outcome",
                exchange=index,
                expected=joined((_wanted(name, value) for name, value in expected.items()), (", ", ", ")),
                found="; ".join(issue_text(issue) for issue in issues[:5]) or _NO_ISSUE,
                expression="OperationOutcome.issue",
            )


def _wanted(name: str, value: Any) -> Reason:
    options = list(map(str, as_list(value)))
    return Reason(f"{name} {' or '.join(options)}", f"{name} {' ou '.join(options)}")


def _fulfils(issue: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    return all(_has(issue, name, wanted) for name, wanted in expected.items())


def _has(issue: Mapping[str, Any], name: str, wanted: Any) -> bool:
    if name == "diagnostics":
        details = issue.get("details")
        texts = [issue.get("diagnostics"), details.get("text") if isinstance(details, dict) else None]
        return any(_says(str(wanted), text) for text in texts if isinstance(text, str))
    if name == "expression":
        places = [*as_list(issue.get("expression")), *as_list(issue.get("location"))]
        return any(value_matches(str(wanted), place) for place in places if isinstance(place, str))
    return issue.get(name) in as_list(wanted)


def _says(wanted: str, text: str) -> bool:
    return value_matches(wanted, text) if is_pattern(wanted) else wanted.lower() in text.lower()
