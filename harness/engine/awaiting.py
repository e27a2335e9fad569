"""What a step awaits of a candidate that is a client: which request, how often, how long, and what it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.engine.candidate import Candidate
from harness.engine.checks.headers import value_matches
from harness.engine.client import Scope
from harness.engine.exchange import Exchange, Headers, Request, header
from harness.engine.form import parameters_of, path_of
from harness.engine.redaction import Redactor

COMMAND = "COMMAND"
"""Method of the exchange that stands for a command of the candidate which failed; it has no answer."""
OWN = "X-Fhir-Harness"
"""The header by which the harness's own requests to the sandbox are told from those of the candidate."""
PATIENCE = 300.0
"""Seconds that a step waits when it does not say how long."""


@dataclass(frozen=True)
class Instead:
    """What the client is answered, in place of the sandbox's answer or added to it."""

    status: int | None = None
    headers: Headers = ()
    body: bytes | None = None
    delay: float = 0.0
    """Seconds before the answer."""

    @property
    def replaces(self) -> bool:
        """Whether the sandbox does not see the request at all."""
        return self.status is not None or self.body is not None


@dataclass(frozen=True)
class Task:
    """What the candidate is to do now, for a person or for a command."""

    scope: Scope
    step: int
    instruction: Mapping[str, str]
    """By language."""
    action: str
    """A word for the command; empty when the step has none."""
    data: Mapping[str, Any]
    within: float
    """Seconds that it may take."""
    identity: str
    candidate: Candidate
    """The candidate at the endpoint of the test set: its address and its identities are the sandbox's."""

    @property
    def credentials(self) -> Headers:
        """The headers by which the client proves who it acts for."""
        return tuple(pair for pair in self.candidate.credentials(self.identity) if pair[0] != OWN)


@dataclass(frozen=True)
class Awaited:
    """The requests that a step waits for. Values are exact, ``present``, ``absent``, or ``/a regular expression/``."""

    base: str
    method: str
    """Exact, or a regular expression, as all that follows."""
    path: str | None = None
    """Below the base without a slash before it; elsewhere with one. None: any."""
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    least: int = 1
    most: int | None = None
    """None: it is enough when ``least`` have come; else the whole time is waited, to see that no more come."""
    within: float = PATIENCE
    """Seconds."""
    answer: Instead = Instead()
    task: Task | None = None
    """None: the client goes on with what it was told before."""

    def wants(self, request: Request) -> bool:
        """Tell whether ``request`` (as it is recorded) is one of those awaited. Raises ExpectationFault."""
        if not value_matches(self.method, request.method):
            return False
        if self.path is not None and not value_matches(self.path, path_of(request.url, self.base)):
            return False
        parameters = parameters_of(request)
        return all(
            _holds(wanted, [value for key, value in parameters if key == name]) for name, wanted in self.params.items()
        ) and all(
            _holds(wanted, [] if (found := header(request.headers, name)) is None else [found])
            for name, wanted in self.headers.items()
        )

    def enough(self, count: int) -> bool:
        """Tell whether ``count`` requests end the wait before its time."""
        return count >= self.least if self.most is None else count > self.most


class Incoming(Protocol):
    """Where the requests of a candidate come in: live, or from the record of a run."""

    def open(self, redactor: Redactor) -> None:
        """Begin a run, on the event loop of its steps; ``redactor`` takes its secrets out of what is recorded."""

    async def close(self) -> None:
        """End the run: what comes now is nobody's."""

    async def collect(self, awaited: Awaited, scope: Scope, index: int) -> Sequence[Exchange]:
        """Return what came during the wait of step ``index``, in order, redacted: what was awaited, and the rest.

        A command of the candidate that failed stands last, with the method :data:`COMMAND`.
        """

    async def leave(self) -> None:
        """End the test: nothing is held back any longer, and what was begun for it ends."""


def _holds(wanted: str, found: Sequence[str]) -> bool:
    if wanted in ("absent", "present"):
        return bool(found) == (wanted == "present")
    return any(value_matches(wanted, value) for value in found)
