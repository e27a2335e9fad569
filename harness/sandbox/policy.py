"""The choices that the specifications leave to a server, each with a name and a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

AMBIGUITIES: Mapping[str, str] = MappingProxyType(
    {
        "agenda": "AMB-31",
        "computed_bmi": "AMB-18",
        "dotted_include": "AMB-09",
        "effective_period": "AMB-07",
        "forbidden_patch": "AMB-39",
        "id_token_header": "AMB-06",
        "offset_unit": "AMB-11",
        "patient_parameters": "AMB-10",
        "profile_families": "AMB-02",
        "withheld": "AMB-29",
    }
)
"""The ambiguity of the catalogue that each of these choices settles."""


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
    - ``agenda``: booking an appointment takes its slots, and a slot cannot be booked twice.
    - ``derived_slots_days``: how many days ahead a calendar offers slots from its periods of availability; 0 for never.
    - ``past_slots``: a search of slots bounded by ``start`` also gives those that have begun already.
    - ``documents``: what PDSm asks of a document manager: document bytes move to Binary, replacement supersedes.
    - ``id_token_header``: the header of the measures API that carries the ID token (AMB-06).
    - ``dotted_include``: what becomes of ``_include=Observation.device`` in the measures API (AMB-09): ``ignored``,
      ``accepted`` as if it had its colon, or ``refused`` with 400.
    - ``patient_parameters``: the names under which the measures API takes the patient (AMB-10).
    - ``profile_families``: where the canonical URLs of the profiles of fed measures begin (AMB-02).
    - ``effective_period``: a fed measure may have an effectivePeriod (AMB-07).
    - ``computed_bmi``: a weight or a height that is fed gives a body mass index, dated as the later of the two, with
      one decimal (AMB-18).
    - ``offset_unit``: what ``_offset`` counts in the measures API (AMB-11): ``page`` or ``row``.
    - ``forbidden_patch``: the status of a patch of what is fixed in a document's record (AMB-39): 405 or 422.
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
    patient_parameters: tuple[str, ...] = ("subject.identifier",)
    profile_families: tuple[str, ...] = ("https://fhir.monespacesante.fr/ref/mesure/StructureDefinition/",)
    effective_period: bool = False
    computed_bmi: bool = True
    offset_unit: Literal["page", "row"] = "page"
    forbidden_patch: Literal[405, 422] = 405
    withheld: frozenset[str] = frozenset()
    waived: frozenset[str] = frozenset()

    def applies(self, rule: str) -> bool:
        """True when the rule of this name is applied."""
        return rule not in self.waived

    def told(self) -> dict[str, Any]:
        """The choices by name, as a candidate file tells them."""
        left_out = {"waived", "profiles"}
        named = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in left_out}
        return {
            name.replace("_", "-"): sorted(value) if isinstance(value, (tuple, frozenset)) else value
            for name, value in named.items()
        }
