"""What a check may look at, and how it says what it found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from harness.engine.codes import message
from harness.engine.events import Finding
from harness.engine.exchange import Exchange, Response
from harness.engine.text import excerpt, inert
from harness.engine.verdict import Verdict
from harness.errors import TestSetError
from harness.reason import Reason, french
from harness.validation.outcome import Outcome

MOST = 500
"""Findings of one expectation that are kept: what is wrong everywhere is told often enough."""


class Judge(Protocol):
    """Says whether a resource is what profiles say: :class:`harness.validation.validator.Validator`."""

    def validate(self, resource: Mapping[str, Any] | bytes | str, profiles: Sequence[str] = ()) -> Outcome:
        """Validate ``resource``, parsed or as it came, against its type, the profiles it claims and ``profiles``."""


class Structures(Protocol):
    """Knows profiles: :class:`harness.fhir.definitions.Definitions`."""

    def structure(self, canonical: str) -> dict[str, Any] | None:
        """Return the StructureDefinition of ``canonical``, or None."""


class ExpectationFault(TestSetError):
    """An expectation is written so that it cannot be judged."""


@dataclass(frozen=True)
class Evidence:
    """What a step's expectations are judged on: nothing else, so that they can be judged again."""

    exchanges: tuple[Exchange, ...]
    """Those that were answered; redirects that were followed are left out. More than one: pages of a searchset."""
    base: str
    judge: Judge
    structures: Structures
    now: datetime
    """The instant that the test takes place at."""
    sent: Sequence[Any] = ()
    """The resource that each step of the test sent, or None; the last is this step's."""
    received: Sequence[Any] = ()
    """The resource that each step of the test received, or None; the last is this step's."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """``%name`` in FHIRPath: what was saved, the row, the variables of the set."""

    @property
    def answers(self) -> Iterator[tuple[int, Response]]:
        """Index within the step and answer of each exchange."""
        for index, exchange in enumerate(self.exchanges):
            if exchange.response is not None:
                yield index, exchange.response

    @property
    def last(self) -> Response:
        """The last answer. Raises ExpectationFault when there is none."""
        response = self.exchanges[-1].response if self.exchanges else None
        if response is None:
            raise ExpectationFault("there is no answer to judge", "il n'y a pas de réponse à juger")
        return response

    @cached_property
    def resource(self) -> dict[str, Any] | None:
        """The answer's resource, or None when it is none; the entries of further pages stand in the first."""
        return merged([answer for _, answer in self.answers])


Check = Callable[[Any, Evidence], Iterator[Finding]]
"""Judges an expectation's value (expressions replaced): yields what does not hold, nothing when all does."""


def resource_of(response: Response) -> dict[str, Any] | None:
    """Return the resource of an answer: a JSON object with a ``resourceType``; None when it is something else."""
    resource = response.resource
    return resource if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str) else None


def entries(bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of a Bundle that are objects."""
    listed = bundle.get("entry")
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def merged(answers: Sequence[Response]) -> dict[str, Any] | None:
    """Return the resource of the first answer; when it is a Bundle, with the entries of the others."""
    first = resource_of(answers[0]) if answers else None
    if first is None or len(answers) == 1 or first["resourceType"] != "Bundle":
        return first
    others = (resource_of(answer) for answer in answers[1:])
    more = [entry for other in others if other is not None for entry in entries(other)]
    return {**first, "entry": [*entries(first), *more]}


def finding(code: str, verdict: Verdict = Verdict.FAIL, *, exchange: int | None = None, **values: Any) -> Finding:
    """Return a finding with its message in both languages; ``values`` fill the texts of :mod:`harness.engine.codes`.

    The values ``expected``, ``found`` and ``expression`` are also kept as data. A value that is a Reason stands in the
    French message in French.
    """
    texts = {name: str(value) for name, value in values.items()}
    texts_fr = texts | {name: value.fr for name, value in values.items() if isinstance(value, Reason)}
    return Finding(
        code=code,
        verdict=verdict,
        message=message(code, "en", texts),
        message_fr=message(code, "fr", texts_fr),
        expected=texts.get("expected", ""),
        found=texts.get("found", ""),
        expression=texts.get("expression", ""),
        exchange=exchange,
    )


def answered(response: Response) -> Reason:
    """Return the status of an answer and the beginning of its body."""
    body = excerpt(response.body)
    return Reason(f"{response.status}: {body}", f"{response.status} : {french(body)}")


def not_fhir(index: int, response: Response) -> Finding:
    """Return the finding for an answer that is not a FHIR resource."""
    media = inert(response.header("content-type") or Reason("no Content-Type", "sans Content-Type"), 80)
    body, problem = excerpt(response.body), inert(response.problem) if response.body else ""
    found = Reason(
        f"{media}: {body}{f' ({problem})' if problem else ''}",
        f"{french(media)} : {french(body)}{f' ({french(problem)})' if problem else ''}",
    )
    if not response.status:  # a request, in the place of an answer
        return finding("body.not-fhir.request", exchange=index, found=found)
    told = Reason(f"{response.status} {found}", f"{response.status} {found.fr}")
    return finding("body.not-fhir", exchange=index, found=told)


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, anything else as a list of one."""
    return list(value) if isinstance(value, (list, tuple)) else [value]
