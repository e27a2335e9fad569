"""What an expression may know besides its focus: variables, and the answers that only its caller can give."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Resolve = Callable[[str], "dict[str, Any] | None"]
MemberOf = Callable[[Any, str], "bool | None"]
ConformsTo = Callable[[dict[str, Any], str], "bool | None"]
ChildType = Callable[[str, str], "str | None"]


@dataclass(frozen=True, slots=True)
class Environment:
    """The surroundings of one evaluation; every part is optional.

    - ``resource``, ``root_resource``: ``%resource`` and ``%rootResource``; by default the focus and ``resource``.
    - ``context``: ``%context``, by default the focus.
    - ``variables``: further ``%name``; a list is a collection.
    - ``focus_type``: the FHIR type or element path of the focus (``Quantity``, ``Observation.component``).
    - ``child_type(type, name)``: the type, or for a backbone element the path, of a child; None where not known. It
      makes ``is``, ``as`` and ``ofType`` exact for elements whose JSON does not say their type.
    - ``resolve(reference)``: the resource that a reference points at, None where it cannot be had. References to
      contained resources are resolved without it.
    - ``member_of(value, value set)``, ``conforms_to(resource, profile)``: True, False or None for undecided, which is
      an empty collection. An expression that needs one that is missing raises FHIRPathError.
    - ``trace(name, values)``: called by ``trace()``.
    - ``now``: the moment of ``now()``, ``today()`` and ``timeOfDay()``, aware; by default that of the evaluation.
    - ``index`` and ``total`` are set by the functions that define ``$index`` and ``$total``.
    """

    resource: dict[str, Any] | None = None
    root_resource: dict[str, Any] | None = None
    context: Any = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    focus_type: str | None = None
    child_type: ChildType | None = None
    resolve: Resolve | None = None
    member_of: MemberOf | None = None
    conforms_to: ConformsTo | None = None
    trace: Callable[[str, list[Any]], None] | None = None
    now: datetime | None = None
    index: int | None = None
    total: Any = None
