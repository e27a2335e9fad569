"""The choices of a server: each has its effect, and those that settle an ambiguity name one that exists."""

import dataclasses
import json
from collections.abc import Callable

import httpx
import yaml

from harness.data import folder
from harness.sandbox import Policy, SandboxServer
from harness.sandbox.policy import AMBIGUITIES

Serving = Callable[..., httpx.Client]
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def test_ambiguities_are_those_of_the_catalogue() -> None:
    text = (folder("testsets") / "requirements" / "ambiguities.yaml").read_text("utf-8")
    known = {item["id"] for item in yaml.safe_load(text)["ambiguities"]}
    assert set(AMBIGUITIES.values()) <= known
    assert set(AMBIGUITIES) <= {item.name for item in dataclasses.fields(Policy)}


def test_choices_are_told_in_the_candidate_file() -> None:
    with SandboxServer() as server:
        told = server.candidate()["policy"]
    assert told == json.loads(json.dumps(Policy().told()))
    assert {name.replace("_", "-") for name in AMBIGUITIES} <= set(told)


def test_withheld_interactions_are_neither_declared_nor_done(serving: Serving) -> None:
    client = serving(Policy(validate=False, withheld=frozenset({"Appointment.delete", "Schedule.patch"})))
    made = client.post("/Appointment", json={"resourceType": "Appointment", "status": "proposed"}).json()
    answer = client.delete(f"/Appointment/{made['id']}")
    assert (answer.status_code, answer.json()["resourceType"]) == (405, "OperationOutcome")
    calendar = client.post("/Schedule", json={"resourceType": "Schedule"}).json()
    change = json.dumps([{"op": "add", "path": "/comment", "value": "x"}])
    for path in (f"/Schedule/{calendar['id']}", f"/Schedule?_id={calendar['id']}"):
        assert client.patch(path, content=change, headers=JSON_PATCH).status_code == 405
    resources = client.get("/metadata").json()["rest"][0]["resource"]
    offered = {item["type"]: {code["code"] for code in item["interaction"]} for item in resources}
    assert "delete" not in offered["Appointment"]
    assert "patch" not in offered["Schedule"]
    assert {"delete", "patch"} <= offered["Slot"]


def test_status_of_a_forbidden_patch(serving: Serving) -> None:
    client = serving(Policy(validate=False, forbidden_patch=422))
    made = client.post("/DocumentReference", json={"resourceType": "DocumentReference", "status": "current"}).json()
    change = json.dumps([{"op": "add", "path": "/description", "value": "x"}])
    answer = client.patch(f"/DocumentReference/{made['id']}", content=change, headers=JSON_PATCH)
    assert answer.status_code == 422


def test_slots_that_have_begun_can_be_shown(serving: Serving) -> None:
    client = serving(Policy(validate=False, past_slots=True, derived_slots_days=0))
    client.post("/Slot", json={"resourceType": "Slot", "status": "free", "start": "2020-01-01T08:00:00Z"})
    assert client.get("/Slot", params={"start": "ge2019-01-01"}).json()["total"] == 1
