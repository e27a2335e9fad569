"""Checks one assertion on one value, and says what it reports."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from harness.fhir.definitions import Definitions
from harness.fhir.terminology import Terminology
from harness.validation.judge import Judge
from harness.validation.location import Location, root
from harness.validation.outcome import Issue
from harness.validation.schema import Assertion, Origin
from harness.validation.scope import Scope, Session, Settings

ORIGIN = Origin("https://example.test/p", "Thing.part")
Finding = tuple[str, str]


@cache
def embedded() -> Judge:
    """A judge of the embedded definitions."""
    definitions = Definitions.embedded()
    return Judge(definitions, Terminology(definitions))


def scope(
    resource: Mapping[str, Any] | None = None, judge: Judge | None = None, settings: Settings | None = None
) -> Scope:
    """The scope of ``resource``, or of a nameless thing."""
    return Scope(Session(judge or embedded(), settings or Settings()), resource or {}, root("Thing"))


def issues(assertion: Assertion, value: Any, around: Scope | None = None, where: Location | None = None) -> list[Issue]:
    """What ``assertion`` reports on ``value``."""
    around = around or scope()
    assertion.check(value, where or root("Thing"), around)
    return around.session.issues


def findings(assertion: Assertion, value: Any, around: Scope | None = None) -> list[Finding]:
    """(rule, place) of each issue."""
    return [(issue.rule, issue.expression) for issue in issues(assertion, value, around)]
