"""Who is known to the sandbox: synthetic patients with their consents, and the solutions that are registered.

Nobody here exists. National identifiers stand under the test OID; the other OIDs are below 2.999, the arc for examples.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Direction = Literal["read", "write"]

ASSIGN_AUTH = "urn:oid:2.999.250.1"
"""System of the external patient identifier (idPe): the authority that assigns it at pairing."""
PLATFORM_OID = "2.999.250.0"
"""Where measures come from that Mon espace santé computes itself."""
INS_TEST = "urn:oid:1.2.250.1.213.1.4.10"


@dataclass(frozen=True, slots=True)
class Solution:
    """A registered partner: its OID, and the client identifier that its ID tokens are made for."""

    oid: str
    client_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Patient:
    """A synthetic person: the external identifier ``idpe``, the test INS, and what consent was given at pairing."""

    idpe: str
    ins: str
    family: str
    given: str
    consents: frozenset[Direction]


BOTH: frozenset[Direction] = frozenset({"read", "write"})
# The OID of one solution begins, as text, with that of the other: a server must compare whole arcs.
SOLUTION = Solution("2.999.250.215", "solution-test", "Solution de test")
OTHER_SOLUTION = Solution("2.999.250.21", "autre-solution-test", "Autre solution de test")
PATIENTS: Mapping[str, Patient] = MappingProxyType(
    {
        "default": Patient("PE-7f3a-0001", "299017812345665", "PATIENT-TEST", "ALEX", BOTH),
        "patient-b": Patient("PE-7f3a-0002", "199027812345633", "PATIENT-TEST", "SACHA", BOTH),
        "no-write-consent": Patient("PE-7f3a-0003", "299037812345609", "PATIENT-TEST", "CAMILLE", frozenset({"read"})),
        "no-read-consent": Patient("PE-7f3a-0004", "199047812345674", "PATIENT-TEST", "CHARLIE", frozenset({"write"})),
        "no-consent": Patient("PE-7f3a-0005", "299057812345650", "PATIENT-TEST", "DOMINIQUE", frozenset()),
    }
)


class Registry:
    """The solutions and the patients of one sandbox; consents may change while it runs."""

    def __init__(
        self,
        patients: Iterable[Patient] = PATIENTS.values(),
        solutions: Iterable[Solution] = (SOLUTION, OTHER_SOLUTION),
    ) -> None:
        self.patients = {patient.idpe: patient for patient in patients}
        self.solutions = {solution.oid: solution for solution in solutions}
        self._consents = {patient.idpe: set(patient.consents) for patient in self.patients.values()}
        self._lock = threading.Lock()

    def consents(self, idpe: str, direction: Direction) -> bool:
        """True when the patient ``idpe`` lets measures be read, or written."""
        with self._lock:
            return direction in self._consents.get(idpe, ())

    def given(self, idpe: str) -> frozenset[Direction]:
        """The directions that the patient ``idpe`` consents to."""
        with self._lock:
            return frozenset(self._consents.get(idpe, ()))

    def reset(self) -> None:
        """Bring back the consents that the patients began with."""
        with self._lock:
            self._consents = {patient.idpe: set(patient.consents) for patient in self.patients.values()}

    def decide(self, idpe: str, direction: Direction, *, given: bool) -> None:
        """Give or withdraw a consent. Raises KeyError for a patient who is not known."""
        with self._lock:
            if given:
                self._consents[idpe].add(direction)
            else:
                self._consents[idpe].discard(direction)
