"""``that``: FHIRPath expressions on the answer's resource that are all true."""

from collections.abc import Iterator
from typing import Any

from harness.engine.checks.evidence import Evidence, ExpectationFault, as_list, finding, not_fhir
from harness.engine.events import Finding
from harness.engine.text import inert
from harness.engine.verdict import Verdict
from harness.errors import FHIRPathError
from harness.fhir.fhirpath import Environment, Expression, compile_expression
from harness.reason import told


def that(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each expression that is not true of the answer's resource."""
    if evidence.resource is None:
        index, response = next(evidence.answers)
        yield not_fhir(index, response)
        return
    for text in as_list(expected):
        expression = compiled(text)
        try:
            holds = expression.test(evidence.resource, environment(evidence))
        except (FHIRPathError, RecursionError, ArithmeticError) as problem:
            yield finding("that.undecided", Verdict.UNDECIDED, expected=text, found=inert(told(problem)))
        else:
            if not holds:
                yield finding("that", exchange=0, expected=text, found="false")


def compiled(text: Any) -> Expression:
    """Return the expression. Raises ExpectationFault when it is none."""
    try:
        return compile_expression(str(text))
    except FHIRPathError as problem:
        raise ExpectationFault(str(problem), problem.message_fr) from problem


def environment(evidence: Evidence) -> Environment:
    """Return what expressions may know besides their focus: %names, the test's instant, and profiles."""

    def conforms_to(resource: dict[str, Any], profile: str) -> bool | None:
        outcome = evidence.judge.validate(resource, profiles=[profile])
        return False if outcome.errors else None if outcome.undecided else True

    return Environment(variables=evidence.variables, now=evidence.now, conforms_to=conforms_to)
