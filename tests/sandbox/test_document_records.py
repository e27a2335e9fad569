"""What may change of a stored document, its record and its submission set."""

import base64
import hashlib
from typing import Any

import httpx
import pytest

ARCHIVED = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
CONTENT = b"a document"


@pytest.fixture
def binary(lenient: httpx.Client) -> str:
    body = {"resourceType": "Binary", "contentType": "text/plain", "data": base64.b64encode(CONTENT).decode()}
    return f"Binary/{lenient.post('/Binary', json=body).json()['id']}"


def record(binary: str, **attachment: Any) -> dict[str, Any]:
    content = [{"attachment": {"contentType": "text/plain", "url": binary, **attachment}}]
    return {"resourceType": "DocumentReference", "status": "current", "content": content}


def patched(client: httpx.Client, place: str, *operations: dict[str, Any]) -> httpx.Response:
    return client.patch(place, json=list(operations), headers={"Content-Type": "application/json-patch+json"})


def test_a_record_tells_the_size_and_the_hash_of_its_document(lenient: httpx.Client, binary: str) -> None:
    digest = base64.b64encode(hashlib.sha1(CONTENT).digest()).decode()
    assert lenient.post("/DocumentReference", json=record(binary, size=10, hash=digest)).status_code == 201
    absolute = f"{lenient.base_url}".rstrip("/") + f"/{binary}"
    for wrong in (record(binary, size=11), record(absolute, hash=base64.b64encode(CONTENT).decode())):
        refused = lenient.post("/DocumentReference", json=wrong)
        assert (refused.status_code, refused.json()["issue"][0]["code"]) == (422, "value")


def test_a_stored_document_does_not_change(lenient: httpx.Client, binary: str) -> None:
    body = {"resourceType": "Binary", "id": binary.partition("/")[2], "contentType": "text/plain", "data": "YQ=="}
    assert lenient.put(f"/{binary}", json=body).status_code == 200  # nobody refers to it yet
    assert lenient.post("/DocumentReference", json=record(binary)).status_code == 201
    assert lenient.put(f"/{binary}", json=body).status_code == 200  # the same octets
    refused = lenient.put(f"/{binary}", json={**body, "data": "Yg=="})
    assert refused.status_code == 405
    assert "PATCH" in refused.headers["allow"]
    assert lenient.get(f"/{binary}", headers={"Accept": "text/plain"}).content == b"a"


def test_only_status_confidentiality_and_archiving_can_be_patched(lenient: httpx.Client, binary: str) -> None:
    place = f"/DocumentReference/{lenient.post('/DocumentReference', json=record(binary)).json()['id']}"
    mark = {"op": "add", "path": "/extension", "value": [{"url": ARCHIVED, "valueBoolean": True}]}
    status = {"op": "replace", "path": "/status", "value": "superseded"}
    assert patched(lenient, place, mark, status).status_code == 200
    refused = patched(
        lenient,
        place,
        {"op": "replace", "path": "/status", "value": "current"},
        {"op": "add", "path": "/description", "value": "x"},
    )
    assert refused.status_code == 405
    now = lenient.get(place).json()
    assert (now["status"], now["meta"]["versionId"], "description" in now) == ("superseded", "2", False)


def test_of_a_submission_set_only_the_status_changes(lenient: httpx.Client) -> None:
    kind = {"system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes", "code": "submissionset"}
    body = {"resourceType": "List", "status": "current", "mode": "working", "title": "A", "code": {"coding": [kind]}}
    made = lenient.post("/List", json=body).json()
    assert lenient.put(f"/List/{made['id']}", json={**made, "status": "retired"}).status_code == 200
    assert lenient.put(f"/List/{made['id']}", json={**made, "title": "B"}).status_code == 405


def test_a_batch_is_judged_by_the_profiles_that_it_declares(strict: httpx.Client) -> None:
    profile = (
        "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-provide-document-bundle"
    )
    body = {"resourceType": "Bundle", "meta": {"profile": [profile]}, "type": "batch", "entry": []}
    assert (
        strict.post("/", json={**body, "entry": [{"request": {"method": "GET", "url": "metadata"}}]}).status_code == 422
    )


def test_a_document_in_xml_is_not_taken_for_a_resource_in_xml(lenient: httpx.Client) -> None:
    body = {"resourceType": "Binary", "contentType": "text/xml", "data": base64.b64encode(b"<note/>").decode()}
    place = f"/Binary/{lenient.post('/Binary', json=body).json()['id']}"
    assert lenient.get(place, headers={"Accept": "text/xml"}).content == b"<note/>"
    assert b"<Binary" in lenient.get(place, headers={"Accept": "application/fhir+xml"}).content
