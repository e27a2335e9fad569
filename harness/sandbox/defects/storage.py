"""Defects of what is kept: values and elements that come back altered, or not at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from harness.sandbox.defects.model import Defect, Json, each, storing, without
from harness.sandbox.unit import Rule


def lost(*names: str) -> Callable[[Json], Json]:
    """Resources without the elements ``names``."""
    return lambda found: without(found, *names)


def _rounded(value: Any) -> Any:
    return value.quantize(Decimal(1)) if isinstance(value, Decimal) else value


def _normal(value: Any) -> Any:
    return value.normalize() if isinstance(value, Decimal) and value else value


def _binary(value: Any) -> Any:
    return Decimal(repr(float(value))) if isinstance(value, Decimal) else value


def _utc(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", value):
        return value
    return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _other_zone(value: Any) -> Any:
    return re.sub(r"(T\d\d:\d\d:\d\d)[+-]\d\d:\d\d$", r"\1Z", value) if isinstance(value, str) else value


def _day(value: Any) -> Any:
    pattern = r"(\d{4}-\d\d-\d\d)T[\d:.]+(Z|[+-]\d\d:\d\d)"
    return re.sub(f"^{pattern}$", r"\1T00:00:00\2", value) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    if not isinstance(value, str) or value.startswith("<div"):
        return value
    return "".join(char for char in unicodedata.normalize("NFD", value) if not unicodedata.combining(char))


def _without_extensions(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_extensions(child) for key, child in value.items() if key != "extension"}
    return [_without_extensions(child) for child in value] if isinstance(value, list) else value


def _first_of_each(found: Json, *names: str) -> Json:
    return {key: value[:1] if key in names and isinstance(value, list) else value for key, value in found.items()}


def _kept(change: Callable[[Any], Any], *types: str) -> tuple[Rule, ...]:
    def alter(found: Json) -> Json:
        return {key: value if key in {"meta", "id"} else each(value, change) for key, value in found.items()}

    return storing(alter, *types)


def _capitals(found: Json) -> Json:
    names = [{**name, "family": str(name.get("family", "")).title()} for name in found.get("name", ())]
    return {**found, "name": names} if names else found


STORAGE = (
    Defect("decimals-rounded", "MES-MEASURE-032", "Decimals are rounded when stored.",
           rules=_kept(_rounded, "Observation")),
    Defect("decimals-shortened", "MES-MEASURE-032", "Trailing zeros of decimals are lost.",
           rules=_kept(_normal, "Observation")),
    Defect("decimals-as-floats", "MES-MEASURE-032", "Decimals lose digits in binary floating point.",
           rules=_kept(_binary, "Observation")),
    Defect("times-in-utc", "MES-MEASURE-032", "Times are stored in UTC: their zone is lost.",
           rules=_kept(_utc, "Observation")),
    Defect("times-moved", "MES-MEASURE-032", "The offset of times is replaced by Z.",
           rules=_kept(_other_zone, "Observation")),
    Defect("times-cut-to-days", "MES-MEASURE-032", "The time of the day is lost.",
           rules=_kept(_day, "Observation")),
    Defect("measure-extensions-lost", "MES-MEASURE-032", "The extensions of measures are lost when stored.",
           rules=storing(_without_extensions, "Observation")),
    Defect("extensions-lost", "FRCORE-INS-013", "The extensions of patients are lost when stored.",
           rules=storing(_without_extensions, "Patient")),
    Defect("accents-lost", "FRCORE-INS-013", "Accents are lost when stored.", rules=_kept(_plain, "Patient")),
    Defect("names-in-title-case", "FRCORE-INS-013", "Family names are written anew.",
           rules=storing(_capitals, "Patient")),
    Defect("patient-names-lost", "FRCORE-PAT-005", "Of several names, the first one is kept.",
           rules=storing(lambda found: _first_of_each(found, "name"), "Patient")),
    Defect("patient-identifiers-lost", "FRCORE-PAT-002", "Of several identifiers, the first one is kept.",
           rules=storing(lambda found: _first_of_each(found, "identifier"), "Patient")),
    Defect("birth-places-lost", "FRCORE-PAT-008", "The extensions of a patient are lost: the birth place with them.",
           rules=storing(lost("extension"), "Patient")),
    Defect("components-reordered", "MES-MEASURE-025", "The components of a measure change places.",
           rules=storing(lambda found: {**found, "component": found["component"][::-1]}
                         if "component" in found else found, "Observation")),
    Defect("sites-and-methods-lost", "MES-MEASURE-032", "Where and how a measure was taken is lost when stored.",
           rules=storing(lost("bodySite", "method"), "Observation")),
    Defect("device-models-lost", "MES-MEASURE-012", "Devices are stored without their maker and their model.",
           rules=storing(lost("manufacturer", "modelNumber"), "Device")),
    Defect("device-identifiers-lost", "MES-MEASURE-012", "Devices are stored without their identifiers.",
           rules=storing(lost("identifier"), "Device")),
    Defect("appointment-details-lost", "GAP-RDV-001", "Appointments lose what their service is.",
           rules=storing(lost("serviceType", "reasonCode"), "Appointment")),
    Defect("calendar-durations-lost", "GAP-SCHED-006", "Calendars lose their extensions.",
           rules=storing(lost("extension"), "Schedule")),
    Defect("slot-services-lost", "GAP-SLOT-014", "Slots lose their service and their specialty.",
           rules=storing(lost("serviceType", "specialty"), "Slot")),
    Defect("record-details-lost", "PDSM-UPD-008", "A patch loses the description of the record.",
           rules=storing(lost("description", "custodian", "type"), "DocumentReference", methods=("PATCH",))),
    Defect("record-descriptions-lost", "PDSM-ADD-011", "Records lose what describes them and who attests them.",
           rules=storing(lost("description", "authenticator"), "DocumentReference")),
    Defect("patient-references-lost", "FRCORE-PAT-010", "Patients lose their practitioner and their organization.",
           rules=storing(lost("generalPractitioner", "managingOrganization"), "Patient")),
    Defect("study-number-lost", "PDSM-PROF-011", "The related references of a record are lost.",
           rules=storing(lambda found: {**found, "context": without(found["context"], "related")}
                         if "related" in found.get("context", {}) else found, "DocumentReference")),
)  # fmt: skip
