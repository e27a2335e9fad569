"""Judged for each step that follows pages: the next links came to an end within the candidate."""

from collections.abc import Iterator
from typing import Any

from harness.engine.checks.evidence import Evidence, answered, finding, resource_of
from harness.engine.events import Finding
from harness.engine.steps.call import same_origin
from harness.engine.steps.search import next_link
from harness.engine.text import inert
from harness.engine.verdict import Verdict


def pages(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield what stopped the paging before its end; ``expected`` is the number of pages that may be followed."""
    for index, response in evidence.answers:
        resource = resource_of(response)
        if index > 0 and (resource is None or resource.get("type") != "searchset"):
            yield finding("pages.answer", exchange=index, expected=index + 1, found=answered(response))
    if not evidence.exchanges:
        return
    last = len(evidence.exchanges) - 1
    url = next_link(evidence.exchanges[last])
    if url is None:
        return
    place, found = "Bundle.link", inert(url)
    if not same_origin(evidence.base, url):
        yield finding("pages.outside", exchange=last, expected=evidence.base, found=found, expression=place)
    elif url in {exchange.request.url for exchange in evidence.exchanges}:
        yield finding("pages.cycle", exchange=last, found=found, expression=place)
    else:
        yield finding("pages.limit", Verdict.UNDECIDED, exchange=last, expected=expected, found=found, expression=place)
