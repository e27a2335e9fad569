"""The four glycaemia indicators, told apart by code, and the extensions that each must or must not have (§2.2.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from harness.fhir.terminology import Terminology, Verdict
from harness.sandbox.codec import Resource
from harness.sandbox.policy import Policy
from harness.sandbox.problems import issue

_BASE = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/mesures-"
MOMENT = f"{_BASE}moment-of-measurement"
DAYS = f"{_BASE}number-of-days"
_LISTS = {
    MOMENT: "https://mos.esante.gouv.fr/NOS/JDV_J157-MomentGlucose-ENS/FHIR/JDV-J157-MomentGlucose-ENS",
    DAYS: "https://mos.esante.gouv.fr/NOS/JDV_J164-GlucoseNumberOfDays-ENS/FHIR/JDV-J164-GlucoseNumberOfDays-ENS",
}


@dataclass(frozen=True, slots=True)
class Indicator:
    """What one indicator asks: the unit, and whether each extension is mandatory (else it is forbidden)."""

    unit: str
    moment: bool = False
    days: bool = False


_BLOOD = Indicator("mg/dL", moment=True)
_INTERSTITIAL = Indicator("mg/dL", days=True)
_HBA1C = Indicator("%")
_INDEX = Indicator("%", days=True)
# The guide codes interstitial glucose MED-969; later value sets have LOINC's 99504-3 in its place (AMB-14).
GLYCAEMIA: Mapping[str, Indicator] = {
    "2345-7": _BLOOD,
    "MED-969": _INTERSTITIAL,
    "99504-3": _INTERSTITIAL,
    "4548-4": _HBA1C,
    "MED-972": _INDEX,
}


def judge(
    observation: Resource, codes: Set[str], where: str, policy: Policy, terminology: Terminology
) -> Iterator[dict[str, Any]]:
    """What is wrong with the extensions and the unit of a glycaemia measure; nothing for any other measure."""
    indicator = next((GLYCAEMIA[code] for code in sorted(codes) if code in GLYCAEMIA), None)
    if indicator is None:
        return
    given = observation.get("extension", ())
    extensions = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    present = {str(item.get("url")) for item in extensions}
    for url, name, wanted in ((MOMENT, "moment", indicator.moment), (DAYS, "numberOfDays", indicator.days)):
        place = f"{where}.extension"
        if wanted and url not in present and policy.applies(f"glycaemia-{name}-mandatory"):
            yield issue("error", "incomplete", f"The extension {name} is mandatory for this glycaemia measure.", place)
        elif not wanted and url in present and policy.applies(f"glycaemia-{name}-forbidden"):
            yield issue("error", "invalid", f"The extension {name} cannot be added to this glycaemia measure.", place)
    for item in extensions:
        told = _unlisted(item, terminology)
        if told and policy.applies("glycaemia-lists"):
            yield issue("error", "code-invalid", told, f"{where}.extension")
    quantity = observation.get("valueQuantity")
    unit = quantity.get("code") if isinstance(quantity, dict) else None
    if unit is not None and unit != indicator.unit and policy.applies("glycaemia-unit"):
        told = f"The unit of this glycaemia measure is {unit}; it must be {indicator.unit}."
        yield issue("error", "value", told, f"{where}.value")


def _unlisted(extension: Mapping[str, Any], terminology: Terminology) -> str:
    """Why the value of ``extension`` is not one code of its list; nothing for an extension without list."""
    url = str(extension.get("url"))
    concept = extension.get("valueCodeableConcept")
    if url not in _LISTS:
        return ""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    if not isinstance(codings, list) or len(codings) != 1 or not isinstance(codings[0], dict):
        return f"The extension {url} has one coding, with system and code."
    system, code = codings[0].get("system"), codings[0].get("code")
    if not isinstance(system, str) or not isinstance(code, str):
        return f"The extension {url} has one coding, with system and code."
    found = terminology.member(_LISTS[url], system, code)
    return f"{found.reason}." if found.verdict is Verdict.NOT_IN else ""
