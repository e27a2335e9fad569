"""Patients: identifiers, names, and the qualified identity."""

from typing import Any

from tests.reference_client.defects.table import Change, content, drop, put
from tests.reference_client.records import extension
from tests.reference_client.service import Resource

_CORE = "https://hl7.fr/ig/fhir/core/"
_V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
_INS = {
    "use": "official",
    "type": {"coding": [{"system": f"{_CORE}CodeSystem/fr-core-cs-v2-0203", "code": "INS-NIR"}]},
    "system": "urn:oid:1.2.250.1.213.1.4.8",
    "value": "185067505699211",
}
_TEST_INS = {
    "use": "official",
    "type": {"coding": [{"system": f"{_CORE}CodeSystem/fr-core-cs-v2-0203", "code": "INS-NIR-TEST"}]},
    "system": "urn:oid:1.2.250.1.213.1.4.10",
    "value": "185067505699211",
}


def _qualified(change: Change) -> Change:
    def alter(patient: Resource) -> None:
        if patient["meta"]["profile"][0].endswith("-ins"):
            change(patient)

    return alter


def _provisional(change: Change) -> Change:
    def alter(patient: Resource) -> None:
        if not patient["meta"]["profile"][0].endswith("-ins"):
            change(patient)

    return alter


def _reliability(name: str, **value: Any) -> Change:
    def change(patient: Resource) -> None:
        part = extension(extension(patient, "identity-reliability"), name)
        for key in [key for key in part if key != "url"]:
            del part[key]
        part |= value

    return change


def _without_reliability(patient: Resource) -> None:
    patient["extension"].remove(extension(patient, "identity-reliability"))


def _city_alone(patient: Resource) -> None:
    del extension(patient, "birthPlace")["valueAddress"]["extension"]


def _code_as_postcode(patient: Resource) -> None:
    place = extension(patient, "birthPlace")["valueAddress"]
    place["postalCode"] = place.pop("extension")[0]["valueCoding"]["code"]


def _all_given(patient: Resource) -> None:
    official = patient["name"][0]
    official["given"] = official["extension"][0]["valueString"].split(" ")


def _cut_given(patient: Resource) -> None:
    official = patient["name"][0]
    official["given"] = [official["given"][0].partition("-")[0]]


def _used_name_alone(patient: Resource) -> None:
    used = patient["name"].pop()
    patient["name"][0]["family"] = used["family"]


def _birth_name_as_maiden(patient: Resource) -> None:
    patient["name"][0]["use"] = "maiden"


def _local_alone(patient: Resource) -> None:
    patient["identifier"] = patient["identifier"][1:]


def _twice(name: str) -> Change:
    def change(patient: Resource) -> None:
        patient["extension"].append(dict(extension(patient, name)))

    return change


def _nationalities(patient: Resource) -> None:
    url = f"{_CORE}StructureDefinition/fr-core-patient-nationality"
    for code in ("FRA", "BEL"):
        patient["extension"].append({"url": url, "valueCodeableConcept": {"text": code}})


def _about(name: str, requirement: str, summary: str, *changes: Change) -> Any:
    return content(name, requirement, summary, "Patient", *(_qualified(change) for change in changes))


TABLE = (
    _about("identifier-without-type", "FRCORE-PAT-001", "an identifier has no type", drop("identifier.1.type")),
    _about("number-without-system", "FRCORE-PAT-002", "the local number has no system", drop("identifier.1.system")),
    _about("ins-as-social-security", "FRCORE-PAT-003", "a social-security number is typed as such under the INS's OID",
           put("identifier.1.type.coding.0", {"system": _V2_0203, "code": "NH"})),
    _about("birth-name-as-maiden", "FRCORE-PAT-004", "the birth name has the use maiden", _birth_name_as_maiden),
    _about("used-name-alone", "FRCORE-PAT-005", "the name in use takes the place of the birth name", _used_name_alone),
    _about("phone-without-system", "FRCORE-PAT-006", "a telecom has no system", drop("telecom.0.system")),
    _about("status-as-text", "FRCORE-PAT-007", "the status of the identity is a text",
           _reliability("identityStatus", valueString="VALI")),
    _about("birthplace-as-postcode", "FRCORE-PAT-008", "the INSEE code stands as a postcode", _code_as_postcode),
    _about("birthplace-twice", "FRCORE-PAT-008", "two places of birth", _twice("birthPlace")),
    _about("two-nationalities", "FRCORE-PAT-009", "two nationalities", _nationalities),
    _about("ins-as-usual", "FRCORE-INS-003", "the INS has the use usual", put("identifier.0.use", "usual")),
    _about("bare-oid", "FRCORE-INS-003", "the OID has no urn:oid:",
           put("identifier.0.system", "1.2.250.1.213.1.4.10")),
    _about("production-ins", "FRCORE-INS-005", "a production INS in a test", put("identifier.0", _INS)),
    _about("without-reliability", "FRCORE-INS-006", "no reliability of the identity", _without_reliability),
    _about("valid-without-ins", "FRCORE-INS-007", "a qualified identity has a local number alone", _local_alone),
    content("ins-of-a-provisional", "FRCORE-INS-008", "sends the INS of a provisional identity", "Patient",
            _provisional(put("identifier.+", _TEST_INS))),
    _about("birthplace-without-code", "FRCORE-INS-009", "the place of birth has no code", _city_alone),
    _about("all-given-names", "FRCORE-INS-010", "all given names stand in given", _all_given),
    _about("given-name-cut", "FRCORE-INS-011", "a compound given name is cut", _cut_given),
    _about("gender-other", "FRCORE-INS-012", "the gender is other", put("gender", "other")),
    _about("without-birth-date", "FRCORE-INS-012", "no date of birth", drop("birthDate")),
)  # fmt: skip
