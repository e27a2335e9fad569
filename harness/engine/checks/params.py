"""``params`` and ``url``: parameters of the request, in its URL or its form, and the URL as it was sent."""

from collections.abc import Iterator
from typing import Any

from harness.engine.checks.evidence import Evidence, finding
from harness.engine.checks.headers import value_matches
from harness.engine.events import Finding
from harness.engine.form import parameters_of
from harness.engine.text import inert

_SHOWN = 120


def params(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each parameter that is not as expected; of a repeated one, one value has to be."""
    for index, exchange in enumerate(evidence.exchanges):
        there = parameters_of(exchange.request)
        for name, wanted in expected.items():
            found = [value for key, value in there if key == name]
            shown = inert(", ".join(found), _SHOWN)
            if wanted == "absent":
                if found:
                    yield finding("param.present", exchange=index, name=name, expected="absent", found=shown)
            elif not found:
                yield finding("param.missing", exchange=index, name=name, expected=wanted, found="absent")
            elif wanted != "present" and not any(value_matches(str(wanted), value) for value in found):
                yield finding("param.value", exchange=index, name=name, expected=wanted, found=shown)


def url(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each request whose URL, as it was sent and not decoded, is not as expected."""
    for index, exchange in enumerate(evidence.exchanges):
        if not value_matches(str(expected), exchange.request.url):
            found = inert(exchange.request.url, _SHOWN)
            yield finding("request.url", exchange=index, expected=expected, found=found)
