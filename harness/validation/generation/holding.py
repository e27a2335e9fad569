"""Which invariants of an element a value breaks, tried on the value alone."""

from __future__ import annotations

from typing import Any

from harness.validation.assertions.invariant import Invariant
from harness.validation.generation.element import Element
from harness.validation.location import root
from harness.validation.scope import Scope, Session, Settings


def broken(element: Element, value: Any) -> list[Invariant]:
    """Return the invariants of severity error that ``value`` breaks, with no resource around it but itself."""
    resource = value if isinstance(value, dict) else {}
    found = []
    for invariant in element.of(Invariant):
        if invariant.severity != "error":
            continue
        session = Session(element.judge, Settings())
        where = root(element.type)
        invariant.check(value, where, Scope(session, resource, where))
        if any(issue.rule == "invariant" for issue in session.issues):
            found.append(invariant)
    return found
