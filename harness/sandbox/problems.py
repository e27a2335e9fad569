"""What goes wrong, as FHIR says it: a status and an OperationOutcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.exc import DataError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from harness.errors import HarnessError


def issue(
    severity: str, code: str, diagnostics: str, expression: str | Iterable[str] = (), text: str | None = None
) -> dict[str, Any]:
    """One ``OperationOutcome.issue``; ``code`` is from issue-type, ``expression`` FHIRPath of the elements at fault."""
    found: dict[str, Any] = {"severity": severity, "code": code}
    if text:
        found["details"] = {"text": text}
    found["diagnostics"] = diagnostics
    paths = [expression] if isinstance(expression, str) else list(expression)
    if paths:
        found["expression"] = paths
    return found


def operation_outcome(issues: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """An OperationOutcome that holds ``issues``."""
    return {"resourceType": "OperationOutcome", "issue": [dict(item) for item in issues]}


class Problem(HarnessError):
    """A request that is refused: HTTP ``status``, the ``issues`` of the OperationOutcome, further ``headers``."""

    def __init__(
        self,
        status: int,
        code: str = "processing",
        diagnostics: str = "",
        expression: str | Iterable[str] = (),
        *,
        issues: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.issues = issues if issues is not None else [issue("error", code, diagnostics, expression)]
        self.headers = dict(headers or {})
        super().__init__(diagnostics or "; ".join(str(item.get("diagnostics", "")) for item in self.issues))

    def outcome(self) -> dict[str, Any]:
        """The OperationOutcome to answer with."""
        return operation_outcome(self.issues)

    def within(self, prefix: str) -> Problem:
        """The same problem, of an entry at ``prefix`` (``Bundle.entry[2]``): every expression starts there."""
        moved = []
        for item in self.issues:
            paths = [f"{prefix}.resource{tail(path)}" for path in item.get("expression", ())] or [prefix]
            moved.append({**item, "expression": paths})
        return Problem(self.status, issues=moved, headers=self.headers)


def tail(path: str) -> str:
    """``.code.coding[0]`` of ``Observation.code.coding[0]``: an expression without its root."""
    dot = path.find(".")
    return path[dot:] if dot >= 0 else ""


# What code that trusts the form of a resource trips over where nobody checked that form.
_FORMLESS = (TypeError, AttributeError, KeyError, ValueError, ProgrammingError, DataError)


def failure(error: Exception, *, validated: bool) -> Problem:
    """What to answer when a request ended in ``error``, which nobody foresaw; it tells nothing about the inside.

    Where nothing is ``validated``, the request itself is at fault when what it carries has not the form of a resource.
    """
    if isinstance(error, (OperationalError, PoolTimeout)):
        return Problem(
            503,
            "transient",
            "The store does not answer, or not in time; try again, or ask for less.",
            headers={"Retry-After": "5"},
        )
    if not validated and isinstance(error, _FORMLESS):
        return Problem(422, "structure", "What was sent does not have the form of a FHIR resource.")
    return Problem(500, "exception", "The server failed; its log says why.")
