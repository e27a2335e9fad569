"""The choices that the specifications leave to a server, each with a name and a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

AMBIGUITIES: Mapping[str, str] = MappingProxyType(
    {
        "profile-family": "AMB-02",
        "device-link": "AMB-03",
        "error-codes": "AMB-05",
        "id-token-header": "AMB-06",
        "effective-period": "AMB-07",
        "absent-value": "AMB-08",
        "dotted-include": "AMB-09",
        "patient-parameter": "AMB-10",
        "offset-unit": "AMB-11",
        "glucose-unit": "AMB-14",
        "appointment-deletion": "AMB-29",
        "double-booking": "AMB-31",
        "pdsm-build": "AMB-33",
        "forbidden-patch": "AMB-39",
        "fr-core-version": "AMB-47",
    }
)
"""What a candidate file calls the choices of this server that settle an ambiguity of the catalogue, and which one."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How this server decides where FHIR leaves the choice.

    - ``update_creates``: a PUT on an unknown id creates the resource (http.html#upsert) instead of a 405.
    - ``validate``: profile validation on write, refusing what is wrong with 422.
    - ``profiles``: profiles asked for on top of the base type and ``meta.profile``: by type, or ``Type?system|code``.
    - ``references_on_write``: a literal reference to this server must resolve; 422 otherwise.
    - ``references_on_delete``: what others refer to cannot be deleted; 409.
    - ``conditional_delete_multiple``: a conditional delete may remove several matches; 412 otherwise.
    - ``default_count``, ``max_count``: page size without ``_count``, and the largest one served.
    - ``max_body``: largest request body in octets.
    - ``agenda``: booking an appointment takes its slots, and a slot cannot be booked twice (AMB-31).
    - ``derived_slots_days``: how many days ahead a calendar offers slots from its periods of availability; 0 for never.
    - ``past_slots``: a search of slots bounded by ``start`` also gives those that have begun already.
    - ``documents``: what PDSm asks of a document manager: document bytes move to Binary, replacement supersedes.
    - ``id_token_header``: the header of the measures API that carries the ID token (AMB-06).
    - ``dotted_include``: what becomes of ``_include=Observation.device`` in the measures API (AMB-09): ``ignored``,
      ``accepted`` as if it had its colon, or ``refused`` with 400.
    - ``patient_parameter``: the name under which the measures API takes the patient (AMB-10).
    - ``effective_period``: a fed measure may have an effectivePeriod (AMB-07).
    - ``computed_bmi``: a weight or a height that is fed gives a body mass index, dated as the later of the two, with
      one decimal.
    - ``offset_unit``: what ``_offset`` counts in the measures API (AMB-11): ``page`` or ``row``.
    - ``forbidden_patch``: the status of a patch of what is fixed in a document's record (AMB-39): 405 or 422.
    - ``cors``: scripts of other origins may call, as the CapabilityStatement tells.
    - ``withheld``: interactions that are not offered, as ``Schedule.patch`` (AMB-26), ``Appointment.delete`` (AMB-29).
    - ``waived``: names of rules that this server does not apply, for seeded defects.
    """

    update_creates: bool = True
    validate: bool = True
    profiles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    references_on_write: bool = True
    references_on_delete: bool = False
    conditional_delete_multiple: bool = False
    default_count: int = 50
    max_count: int = 100
    max_body: int = 20_000_000
    agenda: bool = True
    derived_slots_days: int = 14
    past_slots: bool = False
    documents: bool = True
    id_token_header: str = "X-ID-Token"
    dotted_include: Literal["ignored", "accepted", "refused"] = "ignored"
    patient_parameter: Literal["subject.identifier", "subject:identifier"] = "subject.identifier"
    effective_period: bool = False
    computed_bmi: bool = True
    offset_unit: Literal["page", "row"] = "page"
    forbidden_patch: Literal[405, 422] = 405
    cors: bool = False
    withheld: frozenset[str] = frozenset()
    waived: frozenset[str] = frozenset()

    def applies(self, rule: str) -> bool:
        """True when the rule of this name is applied."""
        return rule not in self.waived

    def told(self) -> dict[str, Any]:
        """The choices that settle ambiguities, as a candidate file tells them; some are the only one offered here."""
        return {
            "profile-family": "monespacesante",
            "device-link": "both",
            "error-codes": "fhir",
            "id-token-header": self.id_token_header,
            "effective-period": self.effective_period,
            "absent-value": "refused",
            "dotted-include": self.dotted_include,
            "patient-parameter": self.patient_parameter,
            "offset-unit": self.offset_unit,
            "glucose-unit": "mg/dL",
            "appointment-deletion": "refused" if "Appointment.delete" in self.withheld else "any",
            "double-booking": "refused" if self.agenda else "accepted",
            "pdsm-build": "2026-06-30",
            "forbidden-patch": self.forbidden_patch,
            "fr-core-version": "2.2.0",
        }
