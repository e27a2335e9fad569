"""A state machine: whatever the order of creates, updates and deletes, versions and searches tell the truth."""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from harness.fhir.definitions import Definitions
from harness.sandbox.assembly import make_service
from harness.sandbox.call import Answer, Call
from harness.sandbox.checking import server_validator
from harness.sandbox.negotiation import DEFAULT, render
from harness.sandbox.policy import Policy

VALIDATOR = server_validator(Definitions.embedded())
BASE = "http://sandbox/fhir"
_NAMES = st.sampled_from(["Durand", "Élan", "Müller", "Œuvre"])


class Versions(RuleBasedStateMachine):
    """Compares the server with a dictionary: id -> the family names of its versions, None for a deletion."""

    ids = Bundle("ids")

    @initialize()
    def start(self) -> None:
        self.service = make_service(policy=Policy(validate=False), validator=VALIDATOR)
        self.model: dict[str, list[str | None]] = {}

    def send(self, method: str, path: str, body: object = None, query: str = "", **headers: str) -> tuple[Answer, dict]:
        pairs = tuple(tuple(pair.split("=", 1)) for pair in query.split("&") if pair)
        call = Call(
            method=method,
            base=BASE,
            path=path,
            query=pairs,  # type: ignore[arg-type]
            headers={"content-type": "application/fhir+json", **{k.replace("_", "-"): v for k, v in headers.items()}},
            body=b"" if body is None else json.dumps(body).encode(),
        )
        answer = self.service.handle(call)
        content, _ = render(answer, DEFAULT, self.service.definitions)
        return answer, json.loads(content) if content else {}

    @rule(target=ids, family=_NAMES)
    def create(self, family: str) -> str:
        answer, body = self.send("POST", "Patient", {"resourceType": "Patient", "name": [{"family": family}]})
        assert answer.status == 201
        assert body["id"] not in self.model
        self.model[body["id"]] = [family]
        return body["id"]

    @rule(id_=ids, family=_NAMES, guarded=st.booleans())
    def update(self, id_: str, family: str, guarded: bool) -> None:
        versions = self.model[id_]
        alive = versions[-1] is not None
        headers = {"if_match": f'W/"{len(versions)}"'} if guarded else {}
        patient = {"resourceType": "Patient", "id": id_, "name": [{"family": family}]}
        answer, _ = self.send("PUT", f"Patient/{id_}", patient, **headers)
        if guarded and not alive:
            assert answer.status == 412
            return
        assert answer.status == (200 if alive else 201)
        versions.append(family)
        assert answer.headers["ETag"] == f'W/"{len(versions)}"'

    @rule(id_=ids, family=_NAMES)
    def stale_update(self, id_: str, family: str) -> None:
        patient = {"resourceType": "Patient", "id": id_, "name": [{"family": family}]}
        answer, _ = self.send("PUT", f"Patient/{id_}", patient, if_match=f'W/"{len(self.model[id_]) + 1}"')
        assert answer.status == 412

    @rule(id_=ids)
    def delete(self, id_: str) -> None:
        answer, _ = self.send("DELETE", f"Patient/{id_}")
        assert answer.status == 204
        if self.model[id_][-1] is not None:
            self.model[id_].append(None)

    @rule(target=ids, first=_NAMES, second=_NAMES)
    def failed_transaction(self, first: str, second: str) -> object:
        entries = [
            {
                "request": {"method": "POST", "url": "Patient"},
                "resource": {"resourceType": "Patient", "name": [{"family": family}]},
            }
            for family in (first, second)
        ]
        entries.append({"request": {"method": "PUT", "url": "Patient/x"}, "resource": {"resourceType": "Patient"}})
        answer, _ = self.send("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert answer.status == 400
        return multiple()

    @rule(id_=ids)
    def read_every_version(self, id_: str) -> None:
        for number, family in enumerate(self.model[id_], 1):
            answer, body = self.send("GET", f"Patient/{id_}/_history/{number}")
            if family is None:
                assert answer.status == 410
            else:
                assert body["name"][0]["family"] == family
                assert body["meta"]["versionId"] == str(number)
        _, history = self.send("GET", f"Patient/{id_}/_history")
        assert history["total"] == len(self.model[id_])

    @invariant()
    def searches_find_what_is_alive(self) -> None:
        for family in ("Durand", "Élan"):
            alive = {id_ for id_, versions in self.model.items() if versions[-1] == family}
            _, found = self.send("GET", "Patient", query=f"family:exact={family}&_count=100")
            assert found["total"] == len(alive)
            assert {entry["resource"]["id"] for entry in found.get("entry", [])} == alive

    def teardown(self) -> None:
        self.service.store.close()


TestVersions = Versions.TestCase
TestVersions.settings = settings(max_examples=8, stateful_step_count=20, deadline=None)
