"""``status``: a code, a class such as ``2xx``, or a list of them."""

import re
from collections.abc import Iterator
from typing import Any

from harness.engine.checks.evidence import Evidence, ExpectationFault, as_list, finding, resource_of
from harness.engine.events import Finding
from harness.engine.exchange import Response
from harness.engine.text import excerpt, inert


def status(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each answer whose status is none of those expected."""
    wanted = as_list(expected)
    for index, response in evidence.answers:
        if not any(matches(pattern, response.status) for pattern in wanted):
            broken = response.status >= 500
            yield finding(
                "status.server-error" if broken else "status",
                exchange=index,
                expected=", ".join(map(str, wanted)),
                found=_described(response),
            )


def matches(pattern: Any, code: int) -> bool:
    """Tell whether a status is the code ``pattern``, or of the class (``2xx``). Raises ExpectationFault."""
    text = str(pattern)
    if isinstance(pattern, bool) or not re.fullmatch(r"[1-5](?:[0-9]{2}|xx)", text, re.ASCII):
        raise ExpectationFault(
            f"{pattern!r} is not a status such as 201 or 2xx", f"{pattern!r} n'est pas un statut comme 201 ou 2xx"
        )
    return str(code) == text or (text.endswith("xx") and str(code)[0] == text[0] and 100 <= code <= 599)


def _described(response: Response) -> str:
    """The status, with the reason that the answer gives, or the beginning of a page that is not FHIR."""
    resource = resource_of(response)
    if resource is None:
        return f"{response.status}: {excerpt(response.body)}" if response.body else str(response.status)
    issues = resource.get("issue")
    if response.status < 400 or resource["resourceType"] != "OperationOutcome" or not isinstance(issues, list):
        return str(response.status)
    return "; ".join([str(response.status), *(said for issue in issues[:3] if (said := issue_text(issue)))])


def issue_text(issue: Any) -> str:
    """Return an OperationOutcome's issue in one line: severity, code and what it says; empty when it is none."""
    if not isinstance(issue, dict):
        return ""
    details = issue.get("details")
    text = issue.get("diagnostics") or (details.get("text") if isinstance(details, dict) else None) or ""
    return inert(f"{issue.get('severity', '?')}/{issue.get('code', '?')} {text}".strip())
