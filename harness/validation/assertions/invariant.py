"""constraint: a FHIRPath expression that must be true (FHIR R4 ElementDefinition.constraint)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from harness.errors import FHIRPathError, FHIRPathValueError
from harness.fhir.fhirpath import Environment, Expression
from harness.reason import told
from harness.validation.location import Location
from harness.validation.schema import Origin
from harness.validation.scope import Scope


@dataclass(frozen=True, slots=True)
class Invariant:
    """One constraint; ``problem`` says why its expression cannot be used, if it cannot."""

    origin: Origin
    key: str
    severity: str
    human: str
    text: str
    expression: Expression | None
    focus_type: str | None = None
    problem: str | None = None
    human_fr: str | None = None
    """``human`` in French, where the definition says it; what R4 asks is in the catalogue of messages."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report a constraint that is false, and one that could not be judged."""
        if value is None:
            return
        problem = self.problem
        if self.expression is not None:
            try:
                environment = scope.surroundings(self.focus_type)
                if "%context" in self.text:
                    environment = self._in_context(environment, value)
                if self.expression.test(value, environment=environment):
                    return
                problem = None
            except FHIRPathValueError:  # the constraint does not come true: it asks what these values cannot answer
                problem = None
            except (FHIRPathError, RecursionError) as error:
                problem = told(error)
        origin = self.origin
        scope.report(
            "invariant" if problem is None else "invariant-undecided",
            where,
            constraint=self.key,
            detail=self.human or self.text if problem is None else problem,
            detail_fr=self.human_fr if problem is None else None,
            severity=self.severity if problem is None else None,
            profile=origin.profile,
            definition=origin.element,
            undecided=problem is not None,
        )

    def _in_context(self, environment: Environment, value: Any) -> Environment:
        """``environment`` with %context and its type."""
        kind = value.get("resourceType") if isinstance(value, dict) else None
        variables = {**environment.variables, "contextType": kind or self.focus_type}
        return replace(environment, context=value, variables=variables)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"invariant": self.key, "severity": self.severity, "expression": self.text}
