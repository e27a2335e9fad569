"""``within``: seconds until the answer is complete."""

from collections.abc import Iterator
from typing import Any

from harness.engine.checks.evidence import Evidence, ExpectationFault, finding
from harness.engine.events import Finding


def within(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each exchange that took longer than ``expected`` seconds."""
    try:
        limit = float(expected)
    except (TypeError, ValueError) as problem:
        en, fr = f"{expected!r} is not a number of seconds", f"{expected!r} n'est pas un nombre de secondes"
        raise ExpectationFault(en, fr) from problem
    for index, exchange in enumerate(evidence.exchanges):
        if exchange.elapsed > limit:
            yield finding("within", exchange=index, expected=f"{limit:g} s", found=f"{exchange.elapsed:.3f} s")
