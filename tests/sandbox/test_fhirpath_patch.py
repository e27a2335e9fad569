"""FHIRPath Patch: each operation, what is refused, and patches inside a transaction."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "active": True,
    "name": [{"family": "ESSAI", "given": ["Anna", "Berthe"]}, {"text": "Anne"}],
    "extension": [{"url": "http://a.example/mark", "valueBoolean": False}],
    "deceasedBoolean": False,
}


@pytest.fixture(scope="module")
def patching(serving: Callable[..., httpx.Client]) -> httpx.Client:
    """A client on a sandbox of its own, for extensions that nobody defined."""
    return serving()


def operation(type_: str, path: str, **parts: Any) -> dict[str, Any]:
    made: list[dict[str, Any]] = [{"name": "type", "valueCode": type_}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        if name == "value":
            made.append({"name": name, **value})
        else:
            made.append({"name": name, "valueInteger" if isinstance(value, int) else "valueString": value})
    return {"name": "operation", "part": made}


def patch(client: httpx.Client, body: dict[str, Any], *operations: dict[str, Any]) -> httpx.Response:
    id_ = client.post("/Patient", json=body).json()["id"]
    return client.patch(f"/Patient/{id_}", json={"resourceType": "Parameters", "parameter": list(operations)})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (operation("add", "Patient", name="gender", value={"valueCode": "other"}), {"gender": "other"}),
        (
            operation("add", "Patient.name[1]", name="given", value={"valueString": "Cléa"}),
            {"name": [PATIENT["name"][0], {"text": "Anne", "given": ["Cléa"]}]},
        ),
        (
            operation(
                "add",
                "Patient",
                name="extension",
                value={"part": [{"name": "url", "valueUri": "http://b"}, {"name": "value", "valueString": "b"}]},
            ),
            {"extension": [*PATIENT["extension"], {"url": "http://b", "valueString": "b"}]},
        ),
        (
            operation("insert", "Patient.name[0].given", index=1, value={"valueString": "Zoé"}),
            {"name": [{"family": "ESSAI", "given": ["Anna", "Zoé", "Berthe"]}, PATIENT["name"][1]]},
        ),
        (
            operation("move", "Patient.name", source=1, destination=0),
            {"name": [PATIENT["name"][1], PATIENT["name"][0]]},
        ),
        (operation("delete", "Patient.name[1]"), {"name": [PATIENT["name"][0]]}),
        (operation("delete", "Patient.extension('http://a.example/mark')"), {"extension": None}),
        (operation("delete", "Patient.address"), {}),
        (operation("replace", "Patient.active", value={"valueBoolean": False}), {"active": False}),
        (operation("replace", "Patient.deceased", value={"valueBoolean": True}), {"deceasedBoolean": True}),
        (
            operation("replace", "Patient.extension('http://a.example/mark').value", value={"valueBoolean": True}),
            {"extension": [{"url": "http://a.example/mark", "valueBoolean": True}]},
        ),
        (
            operation("replace", "Patient.name.where(text = 'Anne').text", value={"valueString": "Anna"}),
            {"name": [PATIENT["name"][0], {"text": "Anna"}]},
        ),
    ],
)
def test_operation(patching: httpx.Client, change: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = patch(patching, PATIENT, change)
    assert answer.status_code == 200, answer.text
    patched = answer.json()
    wanted = {key: value for key, value in {**PATIENT, **expected}.items() if value is not None}
    assert {key: value for key, value in patched.items() if key not in {"id", "meta"}} == wanted
    assert patched["meta"]["versionId"] == "2"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (operation("add", "Patient", name="active", value={"valueBoolean": False}), 422),
        (operation("add", "Patient", name="weight", value={"valueInteger": 1}), 422),
        (operation("add", "Patient.name", name="given", value={"valueString": "x"}), 422),
        (operation("replace", "Patient.birthDate", value={"valueDate": "2000-01-01"}), 422),
        (operation("delete", "Patient.name"), 422),
        (operation("delete", "Patient"), 422),
        (operation("replace", "Patient.id", value={"valueId": "other"}), 422),
        (operation("insert", "Patient.name", index=7, value={"part": [{"name": "text", "valueString": "x"}]}), 422),
        (operation("move", "Patient.name", source=5, destination=0), 422),
        (operation("move", "Patient.active", source=0, destination=0), 422),
        (operation("replace", "Patient..active", value={"valueBoolean": True}), 400),
        (operation("replace", "Patient.active"), 400),
        (operation("rename", "Patient.active"), 400),
        ({"name": "something"}, 400),
    ],
)
def test_what_cannot_be_done_changes_nothing(patching: httpx.Client, change: dict[str, Any], status: int) -> None:
    first = operation("replace", "Patient.active", value={"valueBoolean": False})
    id_ = patching.post("/Patient", json=PATIENT).json()["id"]
    body = {"resourceType": "Parameters", "parameter": [first, change]}
    answer = patching.patch(f"/Patient/{id_}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert patching.get(f"/Patient/{id_}").json()["meta"]["versionId"] == "1"


def test_other_bodies_are_no_patch(patching: httpx.Client) -> None:
    id_ = patching.post("/Patient", json=PATIENT).json()["id"]
    assert patching.patch(f"/Patient/{id_}", json=PATIENT).status_code == 400
    xml = patching.patch(f"/Patient/{id_}", content=b"<diff/>", headers={"Content-Type": "application/xml-patch+xml"})
    assert xml.status_code == 415
    assert "application/json-patch+json" in xml.headers["Accept-Patch"]


def test_patch_in_xml(patching: httpx.Client) -> None:
    id_ = patching.post("/Patient", json=PATIENT).json()["id"]
    parts = '<part><name value="type"/><valueCode value="delete"/></part>'
    parts += '<part><name value="path"/><valueString value="Patient.active"/></part>'
    body = (
        f'<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>{parts}</parameter></Parameters>'
    )
    answer = patching.patch(f"/Patient/{id_}", content=body, headers={"Content-Type": "application/fhir+xml"})
    assert answer.status_code == 200
    assert "active" not in answer.json()


def test_a_transaction_patches_a_record_beside_a_new_one(patching: httpx.Client) -> None:
    old = patching.post("/DocumentReference", json={"resourceType": "DocumentReference", "status": "current"}).json()
    change = operation("replace", "DocumentReference.status", value={"valueCode": "superseded"})
    entries = [
        {
            "resource": {"resourceType": "Parameters", "parameter": [change]},
            "request": {"method": "PATCH", "url": f"DocumentReference/{old['id']}"},
        },
        {
            "resource": {"resourceType": "DocumentReference", "status": "current"},
            "request": {"method": "POST", "url": "DocumentReference"},
        },
    ]
    answer = patching.post("/", json={"resourceType": "Bundle", "type": "transaction", "entry": entries}).json()
    assert [entry["response"]["status"][:3] for entry in answer["entry"]] == ["200", "201"]
    assert patching.get(f"/DocumentReference/{old['id']}").json()["status"] == "superseded"


def test_records_of_documents_keep_what_is_fixed(patching: httpx.Client) -> None:
    made = patching.post("/DocumentReference", json={"resourceType": "DocumentReference", "status": "current"}).json()
    body = {"resourceType": "Parameters", "parameter": [
        operation("add", "DocumentReference", name="description", value={"valueString": "x"})]}  # fmt: skip
    assert patching.patch(f"/DocumentReference/{made['id']}", json=body).status_code == 405
