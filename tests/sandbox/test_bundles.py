"""Transactions and batches: order, references, atomicity, answers."""

from typing import Any

import httpx
import pytest

PATIENT_URN = "urn:uuid:8e1a9b54-0a4f-4a0c-a5a6-000000000001"
WEIGHT_URN = "urn:uuid:8e1a9b54-0a4f-4a0c-a5a6-000000000002"


def entry(method: str, url: str, resource: dict | None = None, full_url: str | None = None, **request: str) -> dict:
    made: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if full_url is not None:
        made["fullUrl"] = full_url
    return made


def send(client: httpx.Client, *entries: dict, kind: str = "transaction") -> httpx.Response:
    return client.post(str(client.base_url), json={"resourceType": "Bundle", "type": kind, "entry": list(entries)})


def weight(subject: str, **more: Any) -> dict:
    return {"resourceType": "Observation", "status": "final", "subject": {"reference": subject}, **more}


def test_references_between_entries_become_those_of_the_server(lenient: httpx.Client) -> None:
    answer = send(
        lenient,
        entry("POST", "Observation", weight(PATIENT_URN), WEIGHT_URN),
        entry("POST", "Patient", {"resourceType": "Patient", "identifier": [{"value": PATIENT_URN}]}, PATIENT_URN),
    )
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert bundle["type"] == "transaction-response"
    made = [item["response"] for item in bundle["entry"]]
    assert [item["status"] for item in made] == ["201 Created", "201 Created"]
    assert made[0]["location"].startswith("Observation/")
    patient = made[1]["location"].rpartition("/_history")[0]
    observation = lenient.get(f"/{made[0]['location']}").json()
    assert observation["subject"]["reference"] == patient
    assert lenient.get(f"/{patient}").json()["identifier"][0]["value"] == PATIENT_URN


def test_a_failed_transaction_leaves_nothing(lenient: httpx.Client) -> None:
    person = {"resourceType": "Patient", "identifier": [{"system": "urn:t", "value": "atomic"}]}
    answer = send(
        lenient,
        entry("POST", "Patient", person, PATIENT_URN),
        entry("POST", "Observation", weight("Patient/nobody-at-all"), WEIGHT_URN),
    )
    assert answer.status_code == 422
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert lenient.get("/Patient?identifier=urn:t|atomic").json()["total"] == 0


def test_a_refused_entry_is_named(lenient: httpx.Client) -> None:
    answer = send(lenient, entry("DELETE", "Patient/none"), entry("PUT", "Patient/x", {"resourceType": "Patient"}))
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource.id"]


def test_conditional_create_inside(lenient: httpx.Client) -> None:
    device = {"resourceType": "Device", "identifier": [{"system": "urn:t", "value": "scale-7"}]}

    def feed() -> list[dict]:
        answer = send(
            lenient,
            entry("POST", "Observation", weight(PATIENT_URN, device={"reference": WEIGHT_URN})),
            entry("POST", "Device", device, WEIGHT_URN, ifNoneExist="identifier=urn:t|scale-7"),
            entry("POST", "Patient", {"resourceType": "Patient"}, PATIENT_URN),
        )
        assert answer.status_code == 200, answer.text
        return [item["response"] for item in answer.json()["entry"]]

    first, second = feed(), feed()
    assert first[1]["status"].startswith("201")
    assert second[1]["status"].startswith("200")
    place = second[1]["location"].rpartition("/_history")[0]
    assert lenient.get(f"/{second[0]['location']}").json()["device"]["reference"] == place
    assert lenient.get("/Device?identifier=urn:t|scale-7").json()["total"] == 1


def test_conditional_references(lenient: httpx.Client) -> None:
    person = {"resourceType": "Patient", "identifier": [{"system": "urn:t", "value": "cond-ref"}]}
    lenient.put("/Patient/cond-ref", json={**person, "id": "cond-ref"})
    found = send(lenient, entry("POST", "Observation", weight("Patient?identifier=urn:t|cond-ref")))
    location = found.json()["entry"][0]["response"]["location"]
    assert lenient.get(f"/{location}").json()["subject"]["reference"] == "Patient/cond-ref"
    missing = send(lenient, entry("POST", "Observation", weight("Patient?identifier=urn:t|no-such")))
    assert missing.status_code == 412


def test_deletes_go_first_and_reads_last(lenient: httpx.Client) -> None:
    old = lenient.put("/Patient/ordered", json={"resourceType": "Patient", "id": "ordered"}).json()
    answer = send(
        lenient,
        entry("GET", "Patient?identifier=urn:t|ordered"),
        entry("POST", "Patient", {"resourceType": "Patient", "identifier": [{"system": "urn:t", "value": "ordered"}]}),
        entry("DELETE", f"Patient/{old['id']}"),
    )
    read, made, deleted = answer.json()["entry"]
    assert read["resource"]["total"] == 1
    assert (made["response"]["status"], deleted["response"]["status"]) == ("201 Created", "204 No Content")
    assert lenient.get("/Patient/ordered").status_code == 410


def test_two_entries_may_not_change_one_resource(lenient: httpx.Client) -> None:
    same = {"resourceType": "Patient", "id": "twice"}
    assert send(lenient, entry("PUT", "Patient/twice", same), entry("DELETE", "Patient/twice")).status_code == 400


def test_the_entries_of_a_batch_stand_alone(lenient: httpx.Client) -> None:
    answer = send(
        lenient,
        entry("POST", "Patient", {"resourceType": "Patient"}),
        entry("GET", "Patient/not-there"),
        entry("GET", "Nothing/1"),
        kind="batch",
    )
    assert (answer.status_code, answer.json()["type"]) == (200, "batch-response")
    statuses = [item["response"]["status"][:3] for item in answer.json()["entry"]]
    assert statuses == ["201", "404", "404"]
    assert answer.json()["entry"][1]["response"]["outcome"]["issue"][0]["code"] == "not-found"


@pytest.mark.parametrize(("kind", "status"), [("batch", 200), ("transaction", 413)])
def test_short_searches_have_no_endless_answer(lenient: httpx.Client, kind: str, status: int) -> None:
    name = {"family": "long" * 30_000}
    made = lenient.post("/Patient", json={"resourceType": "Patient", "name": [name], "identifier": [{"value": kind}]})
    search = entry("GET", f"Patient?identifier={kind}")
    answer = send(lenient, *[search] * 400, kind=kind)
    lenient.delete(f"/Patient/{made.json()['id']}")
    assert answer.status_code == status
    assert len(answer.content) < 20 * 1024 * 1024
    if kind == "batch":
        told = [item["response"]["status"][:3] for item in answer.json()["entry"]]
        assert len(told) == 400
        assert (told[0], told[-1]) == ("200", "413")
    else:
        assert "ask for less at once" in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle", "type": "transaction", "entry": [{}]},
        {"resourceType": "Bundle", "type": "transaction", "entry": "no"},
        {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "POST", "url": "Patient"}}]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "FLY", "url": "Patient"}}]},
    ],
)
def test_what_is_not_a_transaction_is_refused(lenient: httpx.Client, body: dict) -> None:
    answer = lenient.post(str(lenient.base_url), json=body)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
