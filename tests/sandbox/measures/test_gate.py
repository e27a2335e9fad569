"""Tokens, identity and consent of the measures API, and the identities that tests of a server are given."""

import json
from typing import Any

import httpx
import jsonschema
import pytest

from harness.data import folder
from harness.sandbox.measures.population import OTHER_SOLUTION, PATIENTS, SOLUTION
from harness.sandbox.measures.tokens import InvalidToken, TokenOffice, new_key

PERIOD = ("2012-01-01", "2012-12-31")
WEIGHT = "29463-7"
EXPECTED = {
    "no-token": (401, "access token"),
    "unknown-token": (401, "access token"),
    "expired-token": (401, "access token"),
    "revoked-token": (401, "access token"),
    "no-id-token": (400, "ID_TOKEN"),
    "malformed-id-token": (400, "ID_TOKEN"),
    "truncated-id-token": (400, "ID_TOKEN"),
    "bad-signature": (400, "ID_TOKEN"),
    "unsigned-id-token": (400, "ID_TOKEN"),
    "expired-id-token": (400, "ID_TOKEN"),
    "wrong-issuer": (400, "ID_TOKEN"),
    "wrong-audience": (400, "ID_TOKEN"),
    "wrong-oid": (409, "OID"),
    "other-patient-id-token": (403, "idPe"),
    "no-consent": (403, "consent"),
}


def told(answer: httpx.Response) -> str:
    outcome: dict[str, Any] = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    return str(outcome["issue"][0]["diagnostics"])


@pytest.mark.parametrize("who", EXPECTED)
def test_wrong_caller_is_refused_in_both_directions(api, who):
    status, word = EXPECTED[who]
    before = api.all(WEIGHT, *PERIOD).json()["total"]
    made = api.bundle(who=who, effectiveDateTime="2012-06-01")
    for answer in (api.post(made, who), api.all(WEIGHT, *PERIOD, who=who)):
        assert answer.status_code == status
        assert word in told(answer)
    assert api.all(WEIGHT, *PERIOD).json()["total"] == before


def test_every_identity_is_tested(api):
    right = {*PATIENTS, "other-solution"}
    assert set(api.candidate["identities"]) == right | set(EXPECTED)


def test_401_names_the_scheme(api):
    assert api.all(WEIGHT, *PERIOD, who="no-token").headers["WWW-Authenticate"].startswith("Bearer")


def test_consent_has_two_directions(api):
    for who, statuses in {"no-write-consent": (403, 200), "no-read-consent": (200, 403)}.items():
        made = api.bundle(who=who, effectiveDateTime="2012-06-01")
        answers = (api.post(made, who), api.all(WEIGHT, *PERIOD, who=who))
        assert tuple(answer.status_code for answer in answers) == statuses


def test_withdrawn_consent_counts_at_once(api):
    registry, idpe = api.server.measures.registry, PATIENTS["patient-b"].idpe
    assert api.all(WEIGHT, *PERIOD, who="patient-b").status_code == 200
    registry.decide(idpe, "read", given=False)
    try:
        assert api.all(WEIGHT, *PERIOD, who="patient-b").status_code == 403
    finally:
        registry.decide(idpe, "read", given=True)
    assert api.all(WEIGHT, *PERIOD, who="patient-b").status_code == 200


def test_other_patients_measures_are_out_of_reach(api):
    made = api.bundle(who="patient-b", effectiveDateTime="2012-06-02")
    refused = api.post(made, "default")
    assert refused.status_code == 403
    assert "idPe" in told(refused)
    asked = [("code", WEIGHT), ("subject.identifier", api.token("patient-b")), ("_sort", "-date"), ("_count", "1")]
    answer = api.get(asked, "default")
    assert answer.status_code == 403
    assert api.all(WEIGHT, "2012-06-02", "2012-06-02", who="patient-b").json()["total"] == 0


def test_measures_of_every_solution_are_found(api):
    for who in ("default", "other-solution"):
        assert api.post(api.bundle(who=who, effectiveDateTime="2012-07-01"), who).status_code == 200
    found = api.all(WEIGHT, "2012-07-01", "2012-07-01").json()
    sources = {e["resource"]["meta"]["source"] for e in found["entry"]}
    assert sources == {f"urn:oid:{solution.oid}" for solution in (SOLUTION, OTHER_SOLUTION)}


def test_arcs_are_compared_whole(api):
    made = api.bundle(who="other-solution")
    made["entry"][0]["resource"]["meta"]["source"] = f"urn:oid:{SOLUTION.oid}"
    assert SOLUTION.oid.startswith(OTHER_SOLUTION.oid)
    assert api.post(made, "other-solution").status_code == 422


def test_capability_statement_needs_no_token(api):
    answer = httpx.get(f"{api.candidate['base-url']}/metadata")
    assert answer.status_code == 200
    assert answer.json()["implementation"]["url"] == api.candidate["base-url"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/Observation", 405),
        ("GET", "/Observation/1", 404),
        ("GET", "/Patient", 404),
        ("GET", "", 405),
        ("DELETE", "/Observation", 405),
        ("PUT", "/metadata", 405),
    ],
)
def test_nothing_else_is_offered(api, method, path, status):
    answer = httpx.request(method, api.candidate["base-url"] + path, headers=api.headers("default"))
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert ("Allow" in answer.headers) is (status == 405)


def test_candidate_file_is_valid(api):
    made = api.server.candidate()
    schema = json.loads((folder("testsets").parent / "harness/engine/candidate.schema.json").read_text("utf-8"))
    jsonschema.validate(made, schema)
    assert json.loads(json.dumps(made)) == made
    there = made["endpoints"]["mes-measures"]
    assert (made["base-url"], there["base-url"]) == (api.server.base_url, api.server.measures_url)
    assert made["identities"]["default"]["identifier"]["system"] == "urn:oid:1.2.250.1.213.1.4.10"
    assert there["identities"]["default"]["identifier"]["system"] == "urn:oid:2.999.250.1"
    assert set(made["identities"]) == set(there["identities"])


def test_tokens_end_when_they_say():
    now = [1000.0]
    office = TokenOffice(clock=lambda: now[0])
    access, identity = office.access_token(SOLUTION, "p", 60), office.id_token(SOLUTION, "p", 60)
    now[0] += 59
    assert office.grant(access).idpe == "p"
    assert office.claims(identity)["idPe"] == "p"
    now[0] += 2
    with pytest.raises(InvalidToken, match="expired"):
        office.grant(access)
    with pytest.raises(InvalidToken):
        office.claims(identity)


def test_tokens_of_another_sandbox_prove_nothing():
    one, other = TokenOffice(), TokenOffice()
    with pytest.raises(InvalidToken):
        one.grant(other.access_token(SOLUTION, "p"))
    with pytest.raises(InvalidToken):
        one.claims(other.id_token(SOLUTION, "p"))
    assert all("d" not in key for key in one.jwks()["keys"])
    assert new_key().kid != new_key().kid
