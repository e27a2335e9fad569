"""A run recorded with commitments is judged again without the salt that made them."""

import asyncio

import pytest

from harness.engine.candidate import Candidate
from harness.engine.client import Scope
from harness.engine.commitment import new_salt
from harness.engine.events import StepFinished
from harness.engine.exchange import Exchange, Request, Response
from harness.engine.redaction import Redactor, without_commitments
from harness.engine.replay import Replay, ReplayError

CANDIDATE = {"base-url": "https://fhir.example/r4", "identities": {"default": {"bearer": "a-secret-token"}}}
SENT = Request(
    "POST",
    "https://fhir.example/r4/Patient?access_token=written-in-the-test-set&_id=1",
    (("Authorization", "Bearer a-secret-token"), ("X-Token", "written-in-the-test-set")),
    b'{"password": "written-in-the-test-set"}',
)


def _replay(recorded: Request) -> Replay:
    exchange = Exchange(recorded, "2026-01-02T03:04:05.000Z", 0.1, Response(200))
    return Replay([StepFinished("set", "test", "test", 0, "create", "", (exchange,), ())])


def test_the_same_request_is_recognised_without_the_salt() -> None:
    salted = Redactor({"identities.default.bearer": "a-secret-token"}, new_salt())
    recorded = salted.request(SENT)
    assert "secret" not in str(recorded)
    assert "written-in-the-test-set" not in str(recorded)
    shown = Candidate.of(salted.value(CANDIDATE))
    asked = Request(SENT.method, SENT.url, (*shown.credentials(None), SENT.headers[1]), SENT.body)
    found = asyncio.run(_replay(recorded).send(asked, Scope("set", "test", "test")))
    assert found.request == recorded


def test_another_request_is_not() -> None:
    recorded = Redactor({}, new_salt()).request(SENT)
    for other in (
        Request(SENT.method, SENT.url + "2", SENT.headers, SENT.body),
        Request(SENT.method, SENT.url, SENT.headers, SENT.body + b" "),
        Request(SENT.method, SENT.url, SENT.headers[:1], SENT.body),
        Request("PUT", SENT.url, SENT.headers, SENT.body),
    ):
        with pytest.raises(ReplayError):
            asyncio.run(_replay(recorded).send(other, Scope("set", "test", "test")))


def test_different_values_of_one_place_stay_different() -> None:
    redactor = Redactor({}, new_salt())
    one, two, same = (redactor.text(f'{{"access_token": "{value}"}}') for value in ("first", "second", "first"))
    assert one == same != two
    assert without_commitments(one) == without_commitments(two)


def test_identities_are_hidden_but_not_what_only_classifies() -> None:
    patient = {"identifier": {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "299017812345665"}}
    person = {**patient, "birthDate": "1990-01-01", "name": [{"family": "PATIENT-TEST", "given": ["ALEX"]}]}
    candidate = Candidate.of({"base-url": "https://fhir.example", "identities": {"default": person}})
    shown = candidate.with_hidden_identities().redactor().value(person)
    assert shown["identifier"]["system"] == "urn:oid:1.2.250.1.213.1.4.10"
    assert shown["birthDate"] == "1990-01-01"
    assert shown["identifier"]["value"] == "«redacted:identities.default.identifier.value»"
    assert shown["name"][0]["family"] == "«redacted:identities.default.name.family»"
    assert shown["name"][0]["given"] == ["«redacted:identities.default.name.given»"]
    assert candidate.redactor().value(person) == person
