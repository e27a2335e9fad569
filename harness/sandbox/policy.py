"""The choices that the specifications leave to a server, each with a name and a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
    - ``documents``: what PDSm asks of a document manager: document bytes move to Binary, replacement supersedes.
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
    documents: bool = True
