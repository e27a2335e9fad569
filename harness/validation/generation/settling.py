"""What the parts of a type are to one another: as its invariants say (FHIR R4 datatypes), and as good sense does."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from harness.fhir.primitives import compare_temporal
from harness.validation.generation import words
from harness.validation.generation.choices import Choices, pick
from harness.validation.judge import Judge

Built = dict[str, Any]
Settle = Callable[[Built, frozenset[str], Judge, Choices], Built]
"""Takes what was built, the keys whose value the profile gives, and what to ask."""
_UNITS = (("kg", "kg"), ("cm", "cm"), ("min", "min"), ("%", "%"))


def _period(built: Built, _told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
    """A period ends after it starts (per-1)."""
    if not built:
        return {"start": words.day(choices)}
    start, end = built.get("start"), built.get("end")
    if isinstance(start, str) and isinstance(end, str):
        order = compare_temporal(start, end)
        if order is None:
            built["end"] = start
        elif order > 0:
            built["start"], built["end"] = end, start
    return built


def _contact_point(built: Built, told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
    """A value needs its system (cpt-2), and is of its kind."""
    if "value" in built or not built:
        system = built.setdefault("system", "phone")
        if "value" not in told or "value" not in built:
            built["value"] = _CONTACTS.get(system, _number)(choices)
    return built


def _number(choices: Choices) -> str:
    """A telephone number of those that the French regulator keeps for fiction."""
    return f"+3319900{choices.integer(0, 9999):04}"


_CONTACTS: Mapping[str, Callable[[Choices], str]] = {
    "email": lambda choices: f"essai{choices.integer(1, 999)}@exemple.example",
    "url": lambda choices: f"https://exemple.example/{words.identifier(choices)}",
    "other": words.text,
}


def _quantity(built: Built, told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
    """A code needs its system (qty-3), the unit says what the code does, and there is nothing without a value."""
    built.setdefault("value", words.decimal(choices))
    if "code" not in told and ("code" in built) is not ("system" in built):
        unit = dict(zip(("unit", "code"), pick(choices, _UNITS), strict=True))
        built |= {key: value for key, value in unit.items() if key not in told}
        if "system" not in told:
            built["system"] = "http://unitsofmeasure.org"
    if {"unit", "code"} <= built.keys() and "unit" not in told:
        built["unit"] = built["code"]
    return built


def _in_ucum(code: str) -> Settle:
    def settle(_built: Built, _told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
        """Ages, durations and distances are counted in UCUM units."""
        return {"value": choices.integer(1, 99), "unit": code, "system": "http://unitsofmeasure.org", "code": code}

    return settle


def _attachment(built: Built, _told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
    """Data has a content type (att-1); size and hash are those of the data, or of what the url leads to."""
    data = base64.b64decode(built["data"]) if isinstance(built.get("data"), str) else words.text(choices).encode()
    if "data" in built:
        built.setdefault("contentType", words.mime(choices))
        if "size" in built:
            built["size"] = len(data)
    if "hash" in built:
        built["hash"] = base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode("ascii")
    return built or {"title": words.text(choices)}


def _coding(built: Built, _told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
    """A coding that nothing determines says something in words."""
    return built or {"display": words.text(choices)}


def _concept(built: Built, _told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
    """A concept is at least said in words."""
    return built or {"text": words.text(choices)}


def _range(_built: Built, _told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
    low = choices.integer(0, 99)
    return {"low": {"value": low, "unit": "kg"}, "high": {"value": low + choices.integer(0, 99), "unit": "kg"}}


def _narrative(_built: Built, _told: frozenset[str], _judge: Judge, _choices: Choices) -> Built:
    return {"status": "generated", "div": words.XHTML}


def _timing(_built: Built, _told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
    return {"event": [words.instant(choices)]}


def _identifier(built: Built, _told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
    """What is said to be a URI is one (R4 datatypes §2.24.0.9)."""
    if built.get("system") == "urn:ietf:rfc:3986" and ":" not in str(built.get("value", ":")):
        built["value"] = words.uuid(choices)
    return built or {"value": words.identifier(choices)}


def _name(built: Built, _told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
    return built or {"family": words.text(choices)}


def _booked(built: Built, told: frozenset[str], _judge: Judge, choices: Choices) -> Built:
    """A slot or an appointment ends some minutes after it starts."""
    start, minutes = built.get("start"), choices.integer(1, 12) * 5
    if isinstance(start, str) and "end" in built and "end" not in told:
        end = datetime.fromisoformat(start) + timedelta(minutes=minutes)
        built["end"] = end.isoformat(timespec="milliseconds" if end.microsecond else "seconds").replace("+00:00", "Z")
        if "minutesDuration" in built and "minutesDuration" not in told:
            built["minutesDuration"] = minutes
    return built


def _observed(built: Built, told: frozenset[str], _judge: Judge, _choices: Choices) -> Built:
    """An observation is issued once it was made."""
    made, issued = built.get("effectiveDateTime"), built.get("issued")
    if isinstance(made, str) and isinstance(issued, str) and "issued" not in told and not _in_order(made, issued):
        built["issued"] = made if "T" in made else f"{made}T23:59:59Z"
    return built


def _lived(built: Built, told: frozenset[str], _judge: Judge, _choices: Choices) -> Built:
    """A patient dies once they were born."""
    born, dead = built.get("birthDate"), built.get("deceasedDateTime")
    if isinstance(born, str) and isinstance(dead, str) and not _in_order(born, dead) and "deceasedDateTime" not in told:
        built["deceasedDateTime"] = born
    return built


def _in_order(first: str, second: str) -> bool:
    order = compare_temporal(first, second)
    return order is not None and order < 0


def _meta(built: Built, told: frozenset[str], _judge: Judge, _choices: Choices) -> Built:
    """Profiles are named where the profile itself says which; the rest is the server's."""
    return {key: value for key, value in built.items() if key in ("security", "tag") or key in told}


SETTLE: Mapping[str, Settle] = {
    "Address": lambda built, _told, _judge, choices: built or {"city": words.text(choices)},
    "Age": _in_ucum("a"),
    "Appointment": _booked,
    "Attachment": _attachment,
    "CodeableConcept": _concept,
    "Coding": _coding,
    "ContactPoint": _contact_point,
    "Distance": _in_ucum("m"),
    "Duration": _in_ucum("min"),
    "HumanName": _name,
    "Identifier": _identifier,
    "Meta": _meta,
    "Narrative": _narrative,
    "Observation": _observed,
    "Patient": _lived,
    "Period": _period,
    "Quantity": _quantity,
    "Range": _range,
    "Slot": _booked,
    "Timing": _timing,
}
"""By type: makes what was built hold together."""
