"""The choices of a server: each has its effect, and those that settle an ambiguity name one that exists."""

import json
from collections.abc import Callable

import httpx

from harness.sandbox.policy import AMBIGUITIES, Policy
from harness.sandbox.server import SandboxServer
from harness.suite.policies import policies

Serving = Callable[..., httpx.Client]
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def test_choices_are_told_under_the_names_of_candidate_files() -> None:
    known = policies()
    assert {name: known.by_name[name].ambiguity for name in AMBIGUITIES} == AMBIGUITIES
    other = Policy(
        id_token_header="X-Other",
        effective_period=True,
        dotted_include="refused",
        patient_parameter="subject:identifier",
        offset_unit="row",
        agenda=False,
        withheld=frozenset({"Appointment.delete"}),
        forbidden_patch=422,
    )
    for choices in (Policy(), other):
        assert set(choices.told()) == set(AMBIGUITIES)
        assert known.faults(choices.told()) == {}
    assert len([name for name, value in other.told().items() if value != Policy().told()[name]]) == 8


def test_the_candidate_file_of_a_sandbox_tells_its_choices() -> None:
    with SandboxServer() as server:
        assert server.candidate()["policy"] == Policy().told()


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
