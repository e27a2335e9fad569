"""How a measure is fed: the transaction, its entries, the device, the tokens."""

from tests.reference_client.defects.table import bundle, content, drop, entries, habit, put, request
from tests.reference_client.records import fresh_uuid
from tests.reference_client.service import Resource, Sent

_SYSID = "urn:oid:1.2.840.10004.1.1.1.0.0.1.0.0.1.2680"
_RETIRED = "http://esante.gouv.fr/ci-sis/fhir/StructureDefinition/ENS_FrObservationBodyWeight"
_FOREIGN = {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "299017812345665"}


def _anonymous(sent: Sent) -> None:
    for name in [name for name in sent.headers if name not in ("Accept", "Content-Type")]:
        del sent.headers[name]


def _reads_anonymously(sent: Sent) -> None:
    if sent.method == "GET":
        _anonymous(sent)


def _without_id_token(sent: Sent) -> None:
    for name in [name for name in sent.headers if name not in ("Accept", "Content-Type", "Authorization")]:
        del sent.headers[name]


def _directly(sent: Sent) -> None:
    if sent.method == "POST" and sent.path == "":
        sent.path, sent.body = "Observation", sent.body["entry"][0]["resource"]


def _to_a_path(sent: Sent) -> None:
    if sent.method == "POST" and sent.path == "":
        sent.path = "Bundle"


def _latin(sent: Sent) -> None:
    if sent.body is not None:
        sent.headers["Content-Type"] = "text/plain; charset=iso-8859-1"


def _with_patient(sent: Resource) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "PATIENT-TEST"}]}
    posted = {"method": "POST", "url": "Patient"}
    sent["entry"].append({"fullUrl": fresh_uuid(), "resource": patient, "request": posted})


def _without_device(sent: Resource) -> None:
    sent["entry"] = [entry for entry in sent["entry"] if entry["resource"]["resourceType"] != "Device"]


def _shared_urls(sent: Resource) -> None:
    for entry in sent["entry"]:
        entry["fullUrl"] = sent["entry"][0]["fullUrl"]


def _bare_url(entry: Resource) -> None:
    entry["fullUrl"] = entry["fullUrl"].removeprefix("urn:uuid:")


def _url_with_id(entry: Resource) -> None:
    entry["request"]["url"] = "Observation/" + entry["fullUrl"].removeprefix("urn:uuid:")


def _serial_as_id(sent: Resource) -> None:
    for entry in sent["entry"]:
        if entry["resource"]["resourceType"] == "Device":
            entry["resource"]["id"] = "SN-4711"
        else:
            entry["resource"]["device"] = {"reference": "Device/SN-4711"}


def _by_full_url(sent: Resource) -> None:
    places = [entry["fullUrl"] for entry in sent["entry"] if entry["resource"]["resourceType"] == "Device"]
    for entry in sent["entry"]:
        if "device" in entry["resource"]:
            entry["resource"]["device"] = {"reference": places[0]}


def _brand_as_name(device: Resource) -> None:
    brand = f"{device.pop('manufacturer')} {device.pop('modelNumber')}"
    device["deviceName"] = [{"name": brand, "type": "user-friendly-name"}]


def _named_type(device: Resource) -> None:
    device["type"]["coding"][0]["code"] = device["specialization"][0]["systemType"]["coding"][0]["code"]


def _by_reference(observation: Resource) -> None:
    observation["subject"] = {"reference": "Patient/1", "display": "ALEX PATIENT-TEST"}


TABLE = (
    request("anonymous", "MES-AUTH-001", "calls without any token", _anonymous),
    request("reads-anonymously", "MES-AUTH-001", "sends its tokens with the first request only", _reads_anonymously),
    request("without-id-token", "MES-AUTH-001", "sends the access token alone", _without_id_token),
    habit("feeds-the-unpaired", "MES-AUTH-002", "feeds for people who never consented", "overlooks-consent"),
    habit("feeds-after-refusal", "MES-AUTH-002", "goes on when consent is refused", "goes-on-after-refusal"),
    content("patient-by-ins", "MES-AUTH-010", "names the patient by the INS", "Observation",
            put("subject.identifier", _FOREIGN)),
    request("observation-by-itself", "MES-MEASURE-001", "posts the Observation, not a Bundle", _directly),
    request("feeds-elsewhere", "MES-MEASURE-001", "posts the Bundle below the base", _to_a_path),
    bundle("feeds-a-batch", "MES-MEASURE-002", "the type of the Bundle is batch", put("type", "batch")),
    bundle("feeds-a-collection", "MES-MEASURE-002", "the type of the Bundle is collection", put("type", "collection")),
    habit("groups-measures", "MES-MEASURE-003", "sends several measures in one Bundle", "groups-measures"),
    bundle("patient-besides", "MES-MEASURE-003", "sends the Patient in the Bundle", _with_patient),
    bundle("device-left-out", "MES-MEASURE-004", "refers to a device that is not in the Bundle", _without_device),
    content("device-unlinked", "MES-MEASURE-004", "sends a device that no measure refers to", "Observation",
            drop("device")),
    entries("entry-by-put", "MES-MEASURE-006", "the method of an entry is PUT", "Observation",
            put("request.method", "PUT")),
    entries("entry-url-with-id", "MES-MEASURE-006", "the url of an entry has an id", "Observation", _url_with_id),
    entries("without-full-url", "MES-MEASURE-007", "the measure has no fullUrl", "Observation", drop("fullUrl")),
    entries("bare-full-url", "MES-MEASURE-008", "a fullUrl is a UUID without urn:uuid:", "Observation", _bare_url),
    bundle("shared-full-url", "MES-MEASURE-008", "two entries have one fullUrl", _shared_urls),
    entries("device-each-time", "MES-MEASURE-009", "no ifNoneExist", "Device", drop("request.ifNoneExist")),
    entries("condition-without-oid", "MES-MEASURE-009", "ifNoneExist has no system", "Device",
            put("request.ifNoneExist", "identifier=FE-ED-AB-00-00-00-00-01")),
    entries("condition-by-name", "MES-MEASURE-009", "ifNoneExist looks for the model", "Device",
            put("request.ifNoneExist", "model=Balance-1")),
    entries("condition-of-another", "MES-MEASURE-010", "ifNoneExist names another device", "Device",
            put("request.ifNoneExist", f"identifier={_SYSID}|FE-ED-AB-00-00-00-00-99")),
    bundle("device-by-full-url", "MES-MEASURE-013", "refers to the device by its urn:uuid", _by_full_url),
    bundle("device-id-is-serial", "MES-MEASURE-014", "the id of the device is its serial number", _serial_as_id),
    content("retired-profile", "MES-MEASURE-018", "declares a retired profile", "Observation",
            put("meta.profile", [_RETIRED])),
    content("without-profile", "MES-MEASURE-018", "declares no profile", "Observation", drop("meta.profile")),
    content("device-without-profile", "MES-MEASURE-019", "the device declares no profile", "Device", drop("meta")),
    content("category-without-system", "MES-MEASURE-021", "the category has no system", "Observation",
            drop("category.0.coding.0.system")),
    content("code-without-system", "MES-MEASURE-021", "the code has no system", "Observation",
            drop("code.coding.0.system")),
    content("without-status", "MES-MEASURE-021", "no status", "Observation", drop("status")),
    content("category-laboratory", "MES-MEASURE-022", "the category is laboratory", "Observation",
            put("category.0.coding.0.code", "laboratory")),
    content("patient-by-reference", "MES-MEASURE-023", "refers to a Patient", "Observation", _by_reference),
    content("subject-without-system", "MES-MEASURE-023", "the patient's identifier has no system", "Observation",
            drop("subject.identifier.system")),
    content("source-of-another", "MES-MEASURE-016", "the source is not below its OID", "Observation",
            put("meta.source", "urn:oid:2.999.250.2150")),
    content("address-as-sysid", "MES-DEVICE-001", "a Bluetooth address stands as system id", "Device",
            put("identifier.0.value", "FE-ED-AB-00-00-01")),
    content("sysid-with-colons", "MES-DEVICE-001", "the system id has colons", "Device",
            put("identifier.0.value", "FE:ED:AB:00:00:00:00:01")),
    content("specialisation-as-type", "MES-DEVICE-002", "the type is the specialisation", "Device", _named_type),
    content("raw-term-code", "MES-DEVICE-003", "the specialisation has its term code alone", "Device",
            put("specialization.0.systemType.coding.0.code", "4111")),
    content("specialisation-without-version", "MES-DEVICE-003", "the specialisation has no version", "Device",
            drop("specialization.0.version")),
    content("brand-as-name", "MES-DEVICE-004", "maker and model stand in the name", "Device", _brand_as_name),
    content("device-without-specialisation", "MES-PROFILE-009", "the device is not a PHD device", "Device",
            drop("specialization")),
    habit("repeats-400", "MES-ERR-019", "sends again what was refused with 400", "sends-again-400"),
    habit("repeats-401", "MES-ERR-019", "sends again what was refused with 401", "sends-again-401"),
    habit("repeats-403", "MES-ERR-019", "sends again what was refused with 403", "sends-again-403"),
    habit("repeats-409", "MES-ERR-019", "sends again what was refused with 409", "sends-again-409"),
    habit("repeats-422", "MES-ERR-019", "sends again what was refused with 422", "sends-again-422"),
    request("plain-text", "FHIR-REST-003", "labels its JSON as plain text in Latin-1", _latin),
)  # fmt: skip
