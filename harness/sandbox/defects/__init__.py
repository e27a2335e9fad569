"""Seeded defects: named, realistic departures from the specifications, to prove that test sets detect them.

Each one is tied to the requirement whose violation it is, and takes hold of a seam: the server itself stays right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches

from harness.errors import UsageError
from harness.sandbox.defects.agenda import APPOINTMENTS, CALENDARS, SLOTS
from harness.sandbox.defects.documents import DOCUMENTS
from harness.sandbox.defects.measures import MEASURES
from harness.sandbox.defects.model import Defect
from harness.sandbox.defects.patients import PATIENTS
from harness.sandbox.defects.protocol import PROTOCOL
from harness.sandbox.defects.rest import REST
from harness.sandbox.defects.searches import SEARCHES
from harness.sandbox.defects.storage import STORAGE
from harness.sandbox.policy import Policy
from harness.sandbox.seams import Seams
from harness.sandbox.unit import Rule

__all__ = ["DEFECTS", "Defect", "chosen", "seeded"]

_ALL = (
    *REST, *PROTOCOL, *SEARCHES, *STORAGE, *PATIENTS, *SLOTS, *APPOINTMENTS, *CALENDARS, *DOCUMENTS, *MEASURES,
)  # fmt: skip

DEFECTS: Mapping[str, Defect] = {defect.name: defect for defect in _ALL}
"""All defects by name, for ``--list-defects``."""


def chosen(names: Iterable[str]) -> tuple[Defect, ...]:
    """The defects called ``names``. Raises UsageError with the nearest name for one that does not exist."""
    found = []
    for name in names:
        if name not in DEFECTS:
            near = get_close_matches(name, DEFECTS, 1)
            hint = f"did you mean '{near[0]}'?" if near else "see --list-defects."
            raise UsageError(f"--defect {name}: there is no such defect; {hint}")
        found.append(DEFECTS[name])
    return tuple(found)


def seeded(policy: Policy, defects: Iterable[Defect]) -> tuple[Policy, Seams, tuple[Rule, ...]]:
    """The policy with the choices of ``defects``, their seams joined, and their rules."""
    seams = Seams()
    rules: list[Rule] = []
    for defect in defects:
        policy = replace(policy, **{"waived": policy.waived | defect.waives, **defect.policy})
        joined = {item.name: getattr(seams, item.name) + getattr(defect.seams, item.name) for item in fields(Seams)}
        seams = Seams(**joined)
        rules += defect.rules
    return policy, seams, tuple(rules)
