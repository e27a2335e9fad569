"""What a measure says, and how measures are asked for."""

from typing import Any
from urllib.parse import urlencode

from tests.reference_client.defects.table import content, habit, put, request, search, valued, without
from tests.reference_client.service import Pairs, Resource, Sent

_WEIGHT, _HEART, _STEPS, _WAIST, _PAIN = "29463-7", "8867-4", "41950-7", "8280-0", "72514-3"
_PRESSURE, _TEMPERATURE = "85354-9", "8310-5"
_BLOOD, _HBA1C, _INTERSTITIAL, _INDEX = "2345-7", "4548-4", "99504-3", "MED-972"
_MESURES = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/mesures-"
_MOMENT = {
    "url": f"{_MESURES}moment-of-measurement",
    "valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "53049-3"}]},
}
_DAYS = {
    "url": f"{_MESURES}number-of-days",
    "valueCodeableConcept": {
        "coding": [{"system": "https://smt.esante.gouv.fr/fhir/CodeSystem/terminologie-cisis", "code": "GEN-276"}]
    },
}
_SITE = {"coding": [{"system": "http://snomed.info/sct", "code": "22298006"}]}


def _both(observation: Resource) -> None:
    code = {"coding": [{"system": "http://loinc.org", "code": _WEIGHT}]}
    observation["component"] = [{"code": code, "valueQuantity": observation["valueQuantity"]}]


def _as_text(observation: Resource) -> None:
    values = [str(part["valueQuantity"]["value"]) for part in observation.pop("component")]
    observation["valueString"] = "/".join(values[:2])


def _systolic_alone(observation: Resource) -> None:
    observation["component"] = observation["component"][:1]


def _as_integer(observation: Resource) -> None:
    observation["valueInteger"] = int(observation.pop("valueQuantity")["value"])


def _rounded(observation: Resource) -> None:
    observation["valueQuantity"]["value"] = round(observation["valueQuantity"]["value"])


def _day_alone(observation: Resource) -> None:
    observation["effectiveDateTime"] = observation["effectiveDateTime"][:10]


def _month_alone(observation: Resource) -> None:
    observation["effectiveDateTime"] = observation["effectiveDateTime"][:7]


def _without_offset(observation: Resource) -> None:
    observation["effectiveDateTime"] = observation["effectiveDateTime"][:19]


def _comments(observation: Resource) -> list[dict[str, Any]]:
    return [item for item in observation.get("extension", ()) if item["url"].endswith("reason-for-measurement")]


def _comment_in_note(observation: Resource) -> None:
    for comment in _comments(observation):
        observation["extension"].remove(comment)
        observation["note"] = [{"text": comment["valueString"]}]
    if not observation.get("extension", True):
        del observation["extension"]


def _comment_retired(observation: Resource) -> None:
    for comment in _comments(observation):
        comment["url"] = "http://esante.gouv.fr/ci-sis/fhir/StructureDefinition/ENS_ReasonForMeasurement"


def _without_extension(name: str) -> Any:
    def change(observation: Resource) -> None:
        kept = [item for item in observation.get("extension", ()) if not item["url"].endswith(name)]
        observation.pop("extension", None)
        if kept:
            observation["extension"] = kept

    return change


def _with_extension(extension: Resource) -> Any:
    def change(observation: Resource) -> None:
        observation["extension"] = [*observation.get("extension", ()), extension]

    return change


def _valued_extension(name: str, **value: Any) -> Any:
    def change(observation: Resource) -> None:
        for item in observation.get("extension", ()):
            if item["url"].endswith(name):
                item.pop("valueCodeableConcept", None)
                item.update(value)

    return change


def _by_post(sent: Sent) -> None:
    if sent.method == "GET" and sent.path == "Observation":
        sent.method, sent.body, sent.params = "POST", dict(sent.params), []
        sent.headers["Content-Type"] = "application/json"


def _raw_bar(sent: Sent) -> None:
    if sent.method == "GET" and sent.path == "Observation":
        sent.path, sent.params, sent.raw = "Observation?" + urlencode(sent.params, safe=":|"), [], True


def _first_bound(params: Pairs) -> Pairs:
    return [pair for pair in params if pair[0] != "date" or pair[1].startswith("ge")]


def _bare(token: str) -> str:
    return token.rpartition("|")[2]


def _own(token: str) -> str:
    return "urn:oid:2.999.250.77|patient-4711"


TABLE = (
    content("value-twice", "MES-MEASURE-024", "value and component say the same", "Observation", _both, code=_WEIGHT),
    content("pressure-as-text", "MES-MEASURE-025", "a blood pressure is a text", "Observation", _as_text,
            code=_PRESSURE),
    content("systolic-alone", "MES-MEASURE-025", "a blood pressure without the diastolic one", "Observation",
            _systolic_alone, code=_PRESSURE),
    content("pressure-in-mmhg", "MES-MEASURE-025", "the code of the unit is mmHg", "Observation",
            put("component.0.valueQuantity.code", "mmHg"), code=_PRESSURE),
    content("comment-in-note", "MES-MEASURE-031", "the comment stands in note", "Observation", _comment_in_note),
    content("comment-retired", "MES-MEASURE-031", "the comment has a retired extension", "Observation",
            _comment_retired),
    content("value-rounded", "MES-MEASURE-032", "the value is rounded", "Observation", _rounded, code=_WEIGHT),
    content("time-dropped", "MES-MEASURE-032", "the time of the day is left out", "Observation", _day_alone),
    content("time-without-offset", "FHIR-REST-032", "a time has no offset", "Observation", _without_offset),
    content("empty-note", "FHIR-REST-032", "an empty list is sent", "Observation", put("note", [])),
    content("two-profiles", "MES-PROFILE-001", "declares a second profile", "Observation",
            put("meta.profile.+", "http://hl7.org/fhir/StructureDefinition/bodyweight"), code=_WEIGHT),
    content("weight-in-grams", "MES-PROFILE-002", "a weight is in grams", "Observation",
            put("valueQuantity.code", "g"), code=_WEIGHT),
    content("temperature-in-c", "MES-PROFILE-002", "the code of the unit is °C", "Observation",
            put("valueQuantity.code", "°C"), code=_TEMPERATURE),
    content("heart-in-bpm", "MES-PROFILE-003", "the code of the unit is bpm", "Observation",
            put("valueQuantity.code", "bpm"), code=_HEART),
    content("steps-in-french", "MES-PROFILE-004", "the unit is pas", "Observation", put("valueQuantity.unit", "pas"),
            code=_STEPS),
    content("waist-in-mm", "MES-PROFILE-005", "a waist is in mm", "Observation", put("valueQuantity.code", "mm"),
            code=_WAIST),
    content("pain-as-integer", "MES-PROFILE-006", "the pain is an integer", "Observation", _as_integer, code=_PAIN),
    content("month-alone", "MES-PROFILE-007", "the date tells the month alone", "Observation", _month_alone),
    content("site-outside-list", "MES-PROFILE-008", "the site is not in the list", "Observation",
            put("bodySite", _SITE), code=_TEMPERATURE),
    content("one-display-for-all", "MES-PROFILE-010", "one display of the category for all", "Observation",
            put("category.0.coding.0.display", "Vital Signs")),
    content("one-glucose-code", "MES-GLU-001", "all indicators have one code", "Observation",
            put("code.coding.0.code", _BLOOD), code=_INTERSTITIAL),
    content("glucose-in-mmol", "MES-GLU-002", "glucose is in mmol/L", "Observation",
            put("valueQuantity.code", "mmol/L"), code=_BLOOD),
    content("hba1c-in-mg", "MES-GLU-002", "HbA1c is in mg/dL", "Observation", put("valueQuantity.code", "mg/dL"),
            code=_HBA1C),
    content("blood-without-moment", "MES-GLU-003", "blood glucose without the moment", "Observation",
            _without_extension("moment-of-measurement"), code=_BLOOD),
    content("blood-with-days", "MES-GLU-004", "blood glucose with a number of days", "Observation",
            _with_extension(_DAYS), code=_BLOOD),
    content("hba1c-with-moment", "MES-GLU-005", "HbA1c with a moment", "Observation", _with_extension(_MOMENT),
            code=_HBA1C),
    content("interstitial-without-days", "MES-GLU-006", "interstitial glucose without days", "Observation",
            _without_extension("number-of-days"), code=_INTERSTITIAL),
    content("interstitial-with-moment", "MES-GLU-007", "interstitial glucose with a moment", "Observation",
            _with_extension(_MOMENT), code=_INTERSTITIAL),
    content("index-without-days", "MES-GLU-008", "the index without days", "Observation",
            _without_extension("number-of-days"), code=_INDEX),
    content("index-with-moment", "MES-GLU-009", "the index with a moment", "Observation", _with_extension(_MOMENT),
            code=_INDEX),
    content("moment-as-text", "MES-GLU-011", "the moment is a free text", "Observation",
            _valued_extension("moment-of-measurement", valueCodeableConcept={"text": "À jeun"}), code=_BLOOD),
    content("days-as-number", "MES-GLU-012", "the days are a number", "Observation",
            _valued_extension("number-of-days", valueInteger=10), code=_INTERSTITIAL),
    search("own-patient-number", "MES-AUTH-010", "asks with its own number of the patient", "Observation",
           valued("subject.identifier", _own)),
    request("asks-by-post", "MES-SEARCH-001", "posts its criteria", _by_post),
    search("code-left-out", "MES-SEARCH-002", "asks for all kinds", "Observation", without("code")),
    search("bare-idpe", "MES-SEARCH-004", "the patient has no system", "Observation",
           valued("subject.identifier", _bare)),
    request("raw-bar", "MES-SEARCH-005", "sends | as it is", _raw_bar),
    search("one-bound", "MES-SEARCH-006", "a period with one bound", "Observation", _first_bound),
    search("bounds-without-prefix", "MES-SEARCH-006", "bounds without ge and le", "Observation",
           valued("date", lambda bound: bound[2:])),
    search("last-in-rising-order", "MES-SEARCH-009", "_sort=date for the last measure", "Observation",
           valued("_sort", "date")),
    search("last-without-count", "MES-SEARCH-009", "the last measure without _count", "Observation",
           lambda params: without("_count")(params) if ("_sort", "-date") in params else params),
    search("pages-of-500", "MES-SEARCH-014", "asks for more than a hundred a page", "Observation",
           valued("_count", "500")),
    habit("first-page-only", "MES-SEARCH-027", "reads the first page", "stops-at-first-page"),
    habit("numbers-pages-itself", "MES-SEARCH-027", "makes the addresses of pages itself", "numbers-pages-itself"),
    search("dotted-include", "MES-SEARCH-028", "_include=Observation.device", "Observation",
           valued("_include", "Observation.device")),
)  # fmt: skip
