"""The body mass index: computed when a weight or a height is fed, never fed itself (§2.2.5; AMB-18)."""

from __future__ import annotations

import uuid
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from harness.sandbox.codec import Resource
from harness.sandbox.measures.population import PLATFORM_OID
from harness.sandbox.search.execute import run
from harness.sandbox.search.values import time_range
from harness.sandbox.unit import Unit

_OTHER = {"29463-7": "8302-2", "8302-2": "29463-7"}
_PROFILE = "https://fhir.monespacesante.fr/ref/mesure/StructureDefinition/mes-observation-bmi"
_UCUM = "http://unitsofmeasure.org"


def compute(unit: Unit, observation: Resource) -> None:
    """Store the index that ``observation``, just stored, gives with the nearest measure of the other kind."""
    code = next((item["code"] for item in observation["code"]["coding"] if item.get("code") in _OTHER), None)
    moment = observation.get("effectiveDateTime")
    if code is None or moment is None:
        return
    other = _counterpart(unit, _OTHER[code], observation["subject"]["identifier"], moment)
    if other is None:
        return
    weight, height = (observation, other) if code == "29463-7" else (other, observation)
    kilograms, centimetres = _number(weight), _number(height)
    if kilograms is None or not centimetres:
        return
    later = max(moment, other["effectiveDateTime"], key=lambda text: time_range(text)[0])
    value = (kilograms / (centimetres / 100) ** 2).quantize(Decimal("0.1"), ROUND_HALF_UP)
    unit.store("Observation", str(uuid.uuid4()), _index(observation, later, value), "POST", None)


def _number(observation: Resource) -> Decimal | None:
    quantity = observation.get("valueQuantity")
    value = quantity.get("value") if isinstance(quantity, dict) else None
    return Decimal(value) if isinstance(value, (int, Decimal)) else None


def _counterpart(unit: Unit, code: str, identifier: dict[str, Any], moment: str) -> Resource | None:
    """The last measure of ``code`` up to ``moment``, else the first one after it."""
    token = f"{identifier['system']}|{identifier['value']}"
    for bound, order in ((f"le{moment}", "-date"), (f"gt{moment}", "date")):
        asked = [("code", code), ("subject:identifier", token), ("date", bound), ("_sort", order)]
        page = run(unit.session, unit.env.queries.parse("Observation", asked), unit.call.base, 1)
        if page.matches:
            return page.matches[0].resource
    return None


def _index(observation: Resource, moment: str, value: Decimal) -> Resource:
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
    return {
        "resourceType": "Observation",
        "meta": {"source": f"urn:oid:{PLATFORM_OID}", "profile": [_PROFILE]},
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">Body mass index: {value} kg/m2</div>',
        },
        "status": "final",
        "category": [{"coding": [category]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "39156-5"}]},
        "subject": observation["subject"],
        "effectiveDateTime": moment,
        "valueQuantity": {"value": value, "unit": "kg/m2", "system": _UCUM, "code": "kg/m2"},
    }
