"""Feeding measures: what is stored, and every row of the error table with its status, code and words."""

import copy
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

WEIGHT, HEIGHT, BMI = "29463-7", "8302-2", "39156-5"
MESURES = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/mesures-"
MOMENT, DAYS = f"{MESURES}moment-of-measurement", f"{MESURES}number-of-days"
GOOD = sorted(path.stem for path in (Path(__file__).parents[3] / "fixtures/observation").glob("mes-*.json"))


def entry(bundle: dict[str, Any], type_: str) -> dict[str, Any]:
    return next(item for item in bundle["entry"] if item["resource"]["resourceType"] == type_)


def observation(bundle: dict[str, Any]) -> dict[str, Any]:
    return entry(bundle, "Observation")["resource"]


def statuses(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "transaction-response"
    return [item["response"]["status"][:3] for item in answer.json()["entry"]]


def refused(answer: Any, status: int, code: str, *words: str) -> None:
    assert answer.status_code == status, answer.text
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    first = next(item for item in outcome["issue"] if item["severity"] == "error")
    assert first["code"] == code, answer.text
    told = first["diagnostics"].lower()
    assert all(word.lower() in told for word in words), told


@pytest.mark.parametrize("name", [name for name in GOOD if name != "mes-bmi"])
def test_each_kind_of_measure_is_fed_and_found(api, name):
    made = api.single(name, effectiveDateTime="2001-02-03T04:05:06.789+01:00")
    sent = observation(made)
    answer = api.post(made)
    assert statuses(answer) == ["201"]
    location = answer.json()["entry"][0]["response"]["location"]
    code = sent["code"]["coding"][0]["code"]
    found = api.all(code, "2001-02-03T03:05:06Z", "2001-02-03T03:05:07Z").json()
    stored = next(e["resource"] for e in found["entry"] if f"Observation/{e['resource']['id']}" == location)
    for key in sent.keys() - {"meta", "id"}:
        assert stored[key] == sent[key]
    assert stored["meta"]["profile"] == sent["meta"]["profile"]


@pytest.mark.parametrize("name", ["mes-measure-feed", "mes-measure-feed-device-first"])
def test_a_device_is_created_once_and_the_link_holds(api, name):
    first = api.bundle(name, effectiveDateTime="2002-01-01T08:00:00Z")
    second = copy.deepcopy(first)
    fresh = str(uuid.uuid4())
    entry(second, "Device")["resource"]["id"] = fresh
    observation(second)["device"]["reference"] = f"Device/{fresh}"
    order = [item["resource"]["resourceType"] for item in first["entry"]]
    answers = [api.post(first), api.post(second)]
    assert statuses(answers[0]) == ["201", "201"]
    assert dict(zip(order, statuses(answers[1]), strict=True)) == {"Observation": "201", "Device": "200"}
    places = [dict(zip(order, (e["response"]["location"] for e in a.json()["entry"]), strict=True)) for a in answers]
    assert places[0]["Device"] == places[1]["Device"]
    found = api.all(WEIGHT, "2002-01-01", "2002-01-01", ("_include", "Observation:device")).json()
    by_place = {f"{e['resource']['resourceType']}/{e['resource']['id']}": e["resource"] for e in found["entry"]}
    for place in places:
        assert by_place[place["Observation"]]["device"]["reference"] == place["Device"]
        assert place["Device"] in by_place


def test_concurrent_feeds_make_one_device(api):
    made = api.bundle(effectiveDateTime="2002-02-02")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.post(made), range(16)))
    devices = [a.json()["entry"][1]["response"] for a in answers]
    assert len({item["location"] for item in devices}) == 1
    assert sorted(item["status"][:3] for item in devices) == ["200"] * 15 + ["201"]


def test_a_refused_feed_leaves_no_device(api):
    made = api.bundle()
    wrong = copy.deepcopy(made)
    observation(wrong)["valueQuantity"]["code"] = "g"
    refused(api.post(wrong), 422, "value")
    assert statuses(api.post(made)) == ["201", "201"]


def test_source_is_that_of_the_solution(api):
    oid = api.candidate["identities"]["default"]["solution"]["oid"]
    day = "2003-01-01"
    for source in (None, f"urn:oid:{oid}", f"urn:oid:{oid}.7.1"):
        made = api.single("mes-waistcircumference", effectiveDateTime=day)
        if source:
            observation(made)["meta"]["source"] = source
        assert statuses(api.post(made)) == ["201"]
    found = api.all("8280-0", day, day).json()
    sources = sorted(item["resource"]["meta"]["source"] for item in found["entry"])
    assert sources == sorted([f"urn:oid:{oid}", f"urn:oid:{oid}", f"urn:oid:{oid}.7.1"])


def test_body_mass_index_is_computed(api):
    day, who = "2004-05-06", "patient-b"
    height = api.single("mes-bodyheight", who, effectiveDateTime=f"{day}T08:00:00Z")
    observation(height)["valueQuantity"]["value"] = 160
    weight = api.single("mes-bodyweight", who, effectiveDateTime=f"{day}T09:00:00Z")
    observation(weight)["valueQuantity"]["value"] = 64.5
    api.post(weight, who)
    api.post(height, who)
    found = json.loads(api.all(BMI, day, day, who=who).text, parse_float=Decimal)
    assert found["total"] == 1
    index = found["entry"][0]["resource"]
    assert index["effectiveDateTime"] == f"{day}T09:00:00Z"
    assert index["valueQuantity"] == {
        "value": Decimal("25.2"),
        "unit": "kg/m2",
        "system": "http://unitsofmeasure.org",
        "code": "kg/m2",
    }
    assert index["subject"]["identifier"] == api.candidate["identities"][who]["identifier"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"resourceType": "Observation", "status": "final"}', b"[]", b"null"])
def test_no_bundle(api, body):
    refused(api.post(body), 400, "required" if not body else "invalid", "no bundle")


def test_broken_json_is_a_bad_request(api):
    assert api.post(b'{"resourceType": "Bundle",').status_code == 400


def patient_entry(bundle: dict[str, Any]) -> None:
    bundle["entry"].append({"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}})


def put(bundle: dict[str, Any]) -> None:
    entry(bundle, "Observation")["request"] = {"method": "PUT", "url": "Observation/1"}


def no_request(bundle: dict[str, Any]) -> None:
    del entry(bundle, "Observation")["request"]


def device_only(bundle: dict[str, Any]) -> None:
    bundle["entry"] = [entry(bundle, "Device")]


def two_observations(bundle: dict[str, Any]) -> None:
    bundle["entry"].append(copy.deepcopy(entry(bundle, "Observation")))


def two_devices(bundle: dict[str, Any]) -> None:
    bundle["entry"].append(copy.deepcopy(entry(bundle, "Device")))


def condition(text: str | None) -> Any:
    def change(bundle: dict[str, Any]) -> None:
        request = entry(bundle, "Device")["request"]
        if text is None:
            del request["ifNoneExist"]
        else:
            request["ifNoneExist"] = text

    return change


def within(type_: str, *path: str, value: Any = None) -> Any:
    """A change of a resource at ``path``; None leaves the element out."""

    def change(bundle: dict[str, Any]) -> None:
        at = entry(bundle, type_)["resource"]
        for key in path[:-1]:
            at = at[key]
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value

    return change


def bmi(bundle: dict[str, Any]) -> None:
    observation(bundle)["code"]["coding"][0]["code"] = BMI


ROWS = {
    "batch": (lambda bundle: bundle.update(type="batch"), "invalid", ("transaction",)),
    "patient": (patient_entry, "not-supported", ("not acceptable", "Patient", "POST")),
    "put": (put, "not-supported", ("not acceptable", "Observation", "PUT")),
    "no-request": (no_request, "not-supported", ("not acceptable", "Observation")),
    "no-condition": (condition(None), "invalid", ("IfNoneExist", "identifier=urn:oid:")),
    "condition-without-oid": (condition("identifier=http://a.invalid|1"), "invalid", ("IfNoneExist",)),
    "condition-on-name": (condition("device-name=x"), "invalid", ("IfNoneExist", "identifier=urn:oid:")),
    "condition-elsewhere": (condition("identifier=urn:oid:1.2.3|1"), "invalid", ("IfNoneExist",)),
    "device-only": (device_only, "invalid", ("observation creation",)),
    "two-observations": (two_observations, "invalid", ("observation creation",)),
    "two-devices": (two_devices, "invalid", ("one Device",)),
    "no-reference": (within("Observation", "device"), "invalid", ("device.reference", "mandatory")),
    "not-linked": (within("Observation", "device", "reference", value="Device/1"), "invalid", ("not linked",)),
    "no-profile": (within("Observation", "meta", "profile"), "invalid", ("Observation", "meta.profile")),
    "retired-profile": (
        within("Observation", "meta", "profile", value=["http://esante.gouv.fr/ENS_BodyWeight"]),
        "invalid",
        ("meta.profile",),
    ),
    "source-elsewhere": (
        within("Observation", "meta", "source", value="urn:oid:2.999.250.2150"),
        "value",
        ("meta.source", "root", "2.999.250.215"),
    ),
    "no-value": (within("Observation", "valueQuantity"), "value", ("value quantity",)),
    "bmi": (bmi, "not-supported", ("Bmi",)),
    "no-subject": (within("Observation", "subject"), "invalid", ("subject.identifier", "mandatory")),
    "subject-without-system": (
        within("Observation", "subject", "identifier", "system"),
        "invalid",
        ("subject.identifier",),
    ),
    "device-without-profile": (within("Device", "meta"), "invalid", ("Device", "meta.profile")),
    "device-without-type": (within("Device", "type"), "structure", ()),
    "year-only": (within("Observation", "effectiveDateTime", value="2026"), "value", ("effectiveDateTime",)),
    "no-date": (within("Observation", "effectiveDateTime"), "required", ("effectiveDateTime",)),
    "unknown-kind": (within("Observation", "code", "coding", value=[{"code": "1-8"}]), "invalid", ("code",)),
    "no-category": (within("Observation", "category"), "structure", ()),
    "unknown-element": (within("Observation", "weight", value=1), "structure", ()),
}


@pytest.mark.parametrize("row", ROWS)
def test_row_of_the_error_table(api, row):
    change, code, words = ROWS[row]
    made = api.bundle()
    change(made)
    refused(api.post(made), 422, code, *words)


def moment(code: str = "53049-3") -> dict[str, Any]:
    return {"url": MOMENT, "valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": code}]}}


def days() -> dict[str, Any]:
    system = "https://smt.esante.gouv.fr/fhir/CodeSystem/terminologie-cisis"
    return {"url": DAYS, "valueCodeableConcept": {"coding": [{"system": system, "code": "GEN-276"}]}}


GLYCAEMIA = {
    "blood-without-moment": ("mes-glucose", [], "incomplete", ("moment", "mandatory")),
    "blood-with-days": ("mes-glucose", [moment(), days()], "invalid", ("numberOfDays", "cannot be added")),
    "hba1c-with-moment": ("mes-glucose-hba1c", [moment()], "invalid", ("moment", "cannot be added")),
    "hba1c-with-days": ("mes-glucose-hba1c", [days()], "invalid", ("numberOfDays", "cannot be added")),
    "interstitial-without-days": ("mes-glucose-interstitial", [], "incomplete", ("numberOfDays", "mandatory")),
    "interstitial-with-moment": ("mes-glucose-interstitial", [days(), moment()], "invalid", ("moment", "cannot be")),
    "index-without-days": ("mes-glucose-management-index", [], "incomplete", ("numberOfDays", "mandatory")),
    "index-with-moment": ("mes-glucose-management-index", [days(), moment()], "invalid", ("moment", "cannot be")),
    "unknown-moment": ("mes-glucose", [moment("LA6113-0")], "code-invalid", ("value set",)),
    "free-text-moment": (
        "mes-glucose",
        [{"url": MOMENT, "valueCodeableConcept": {"text": "fasting"}}],
        "code-invalid",
        ("one coding",),
    ),
}


@pytest.mark.parametrize("row", GLYCAEMIA)
def test_rule_of_glycaemia(api, row):
    name, extensions, code, words = GLYCAEMIA[row]
    made = api.single(name)
    observation(made)["extension"] = extensions
    refused(api.post(made), 422, code, *words)


@pytest.mark.parametrize("code", ["MED-969", "99504-3"])
def test_interstitial_glucose_has_two_codes(api, code):
    made = api.single("mes-glucose-interstitial")
    observation(made)["code"]["coding"][0]["code"] = code
    assert statuses(api.post(made)) == ["201"]


def test_unit_of_glycaemia(api):
    made = api.single("mes-glucose")
    observation(made)["valueQuantity"] = {"value": 5, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
    refused(api.post(made), 422, "value", "unit")
