"""What the sandbox itself says is valid FHIR."""

import httpx
import pytest

from harness.fhir.definitions import Definitions
from harness.validation.validator import Validator

PATIENT = {"resourceType": "Patient"}


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(Definitions.embedded())


def entry(method: str, url: str, **more: object) -> dict:
    return {"request": {"method": method, "url": url}, **more}


def answers(client: httpx.Client) -> dict[str, httpx.Response]:
    place = "/Patient/spoken"
    client.put(place, json={**PATIENT, "id": "spoken"})
    client.put(place, json={**PATIENT, "id": "spoken", "active": True})
    entries = [
        entry("POST", "Patient", fullUrl="urn:uuid:8e1a9b54-0a4f-4a0c-a5a6-000000000001", resource=PATIENT),
        entry("GET", "Patient?_count=1"),
        entry("DELETE", "Patient/nothing"),
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return {
        "capabilities": client.get("/metadata"),
        "not found": client.get("/Patient/unknown"),
        "history": client.get(f"{place}/_history"),
        "searchset with a warning": client.get("/Patient?colour=blue&_count=1"),
        "empty searchset": client.get("/Patient?family=nobody"),
        "transaction-response": client.post(str(client.base_url), json=bundle),
        "batch-response": client.post(
            str(client.base_url), json={**bundle, "type": "batch", "entry": [*entries, entry("GET", "Patient/unknown")]}
        ),
        "stored": client.post("/Patient", json=PATIENT, headers={"Prefer": "return=OperationOutcome"}),
    }


def test_every_kind_of_answer_is_valid(lenient: httpx.Client, validator: Validator) -> None:
    for name, answer in answers(lenient).items():
        found = validator.validate(answer.content)
        assert found.ok, (name, [issue.message for issue in found.errors])
