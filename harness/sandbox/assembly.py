"""Puts a server together: the one place that knows all of its parts."""

from __future__ import annotations

from collections.abc import Iterable

from harness.fhir.definitions import Definitions
from harness.sandbox.authorisation import Authorisation
from harness.sandbox.checking import checker, server_validator
from harness.sandbox.defects import chosen, seeded
from harness.sandbox.lenience import lenient_check, lenient_rules
from harness.sandbox.policy import Policy
from harness.sandbox.rules.agenda import Agenda
from harness.sandbox.rules.availability import Availability
from harness.sandbox.rules.document_records import DocumentRecords
from harness.sandbox.rules.documents import Documents
from harness.sandbox.service import Service
from harness.sandbox.store import Store
from harness.sandbox.unit import Rule
from harness.validation.validator import Validator


def make_service(
    store: Store | None = None,
    definitions: Definitions | None = None,
    *,
    policy: Policy | None = None,
    authorisation: Authorisation | None = None,
    defects: Iterable[str] = (),
    validator: Validator | None = None,
) -> Service:
    """A server on ``store`` (default: a new one in memory), judging with ``definitions`` (default: embedded).

    ``defects`` names departures to seed. ``validator`` may be shared between servers, since what it compiles is kept;
    it should come from :func:`~harness.sandbox.checking.server_validator`. Raises UsageError for an unknown defect.
    """
    known = definitions or (validator.definitions if validator else Definitions.embedded())
    settled, seams, flaws = seeded(policy or Policy(), chosen(defects))
    return Service(
        store or Store(),
        known,
        check=lenient_check(checker(validator or server_validator(known), settled), seams.overlooked),
        policy=settled,
        authorisation=authorisation,
        seams=seams,
        rules=(*lenient_rules(domain_rules(settled), seams.overlooked), *flaws),
    )


def domain_rules(policy: Policy) -> tuple[Rule, ...]:
    """The domain rules that ``policy`` turns on, in the order in which they see a write."""
    found: list[Rule] = []
    if policy.agenda:
        found.append(Agenda())
        if policy.derived_slots_days:
            found.append(Availability(policy.derived_slots_days))
    if policy.documents:
        found += [Documents(), DocumentRecords()]
    return tuple(found)
