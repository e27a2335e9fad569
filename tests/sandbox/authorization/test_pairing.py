"""From the consent page to tokens that open the measures API, and to their end."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from harness.sandbox.measures.population import OTHER_SOLUTION, PATIENTS, SOLUTION
from tests.sandbox.authorization.person import CALLBACK, VERIFIER

SEARCH = [("code", "29463-7"), ("date", "ge2012-01-01"), ("date", "le2012-12-31")]


def search(server, told, who="default"):
    token = f"urn:oid:2.999.250.1|{PATIENTS[who].idpe}"
    headers = {"Authorization": f"Bearer {told['access_token']}", "X-ID-Token": told.get("id_token", "")}
    params = httpx.QueryParams((*SEARCH, ("subject.identifier", token)))
    return httpx.get(f"{server.measures_url}/Observation", params=params, headers=headers).status_code


def test_a_pairing_opens_the_measures_of_its_patient_alone(server, person):
    told = person.paired()
    assert (told["token_type"], told["scope"]) == ("Bearer", "openid")
    assert search(server, told) == 200
    assert search(server, told, "patient-b") == 403


def test_the_id_token_names_patient_solution_and_session(server, person):
    page = person.open(nonce="n-42")
    told = person.redeem(person.answer(person.decide(page))["code"]).json()
    keys = KeySet.import_key_set(httpx.get(f"{person.issuer}/jwks").json())
    token = jwt.decode(told["id_token"], keys, algorithms=["RS256"])
    claims = token.claims
    assert token.header["kid"] == server.measures.office.pairing_key().kid
    assert claims["iss"] == person.issuer
    assert claims["aud"] == [SOLUTION.client_id]
    assert claims["sub"] == claims["idPe"] == PATIENTS["default"].idpe
    assert claims["solutionOid"] == SOLUTION.oid
    assert claims["nonce"] == "n-42"
    assert claims["iat"] < claims["exp"]
    assert claims["at_hash"]


def test_consent_on_the_page_is_consent_at_the_api(server, person):
    assert search(server, person.paired(write="yes")) == 403
    assert server.measures.registry.given(PATIENTS["default"].idpe) == {"write"}
    assert search(server, person.paired(read="yes")) == 200


def test_who_refuses_sends_the_client_away(server, person):
    answer = person.answer(person.decide(person.open(), "refuse"))
    assert (answer["error"], answer["state"]) == ("access_denied", "s-1")
    assert server.measures.registry.given(PATIENTS["default"].idpe) == {"read", "write"}


def test_without_the_scope_openid_there_is_no_id_token(server, person):
    page = person.open(scope=None, nonce=None)
    told = person.redeem(person.answer(person.decide(page, read="yes"))["code"]).json()
    assert "id_token" not in told
    assert search(server, told) == 400


def test_refresh_gives_new_tokens_and_ends_the_old_refresh_token(server, person):
    first = person.paired()
    second = person.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert search(server, second) == 200
    assert search(server, {**second, "id_token": first["id_token"]}) == 200
    again = person.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert search(server, second) == 401, "who shows a spent refresh token may have stolen it: all ends"
    assert person.token(grant_type="refresh_token", refresh_token=second["refresh_token"]).status_code == 400


def test_a_code_serves_once(server, person):
    code = person.answer(person.decide(person.open(nonce=None), read="yes"))["code"]
    told = person.redeem(code).json()
    assert search(server, told) == 200
    again = person.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert search(server, told) == 401


@pytest.mark.parametrize(
    "changes", [{"code_verifier": "w" * 64}, {"code_verifier": ""}, {"redirect_uri": f"{CALLBACK}/x"}, {"code": "none"}]
)
def test_a_code_needs_what_it_was_asked_with(person, changes):
    code = person.answer(person.decide(person.open(nonce=None)))["code"]
    refused = person.redeem(**{"code": code, **changes})
    assert refused.status_code == 400
    assert refused.json()["error"] in {"invalid_grant", "invalid_request"}
    assert refused.headers["cache-control"] == "no-store"


def test_a_code_ends_soon(server, person, monkeypatch):
    code = person.answer(person.decide(person.open(nonce=None)))["code"]
    office, now = server.measures.office, server.measures.office.clock()
    monkeypatch.setattr(office, "clock", lambda: now + 61)
    assert person.redeem(code).json()["error"] == "invalid_grant"


def test_a_code_belongs_to_its_client(server, person):
    code = person.answer(person.decide(person.open(nonce=None)))["code"]
    secret = server.desk.authorization.clients[OTHER_SOLUTION.client_id].new_secret()
    form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    stolen = person.token(auth=(OTHER_SOLUTION.client_id, secret), grant_type="authorization_code", **form)
    assert stolen.json()["error"] == "invalid_grant"


def test_revoking_the_refresh_token_ends_the_pairing(server, person):
    told = person.paired()
    for _ in range(2):
        sent = {"token": told["refresh_token"], "client_id": SOLUTION.client_id}
        assert httpx.post(f"{person.issuer}/revoke", data=sent).status_code == 200
    assert search(server, told) == 401
    assert person.token(grant_type="refresh_token", refresh_token=told["refresh_token"]).status_code == 400
    assert told["refresh_token"] not in str(vars(server.desk.authorization.vault))


def test_revoking_an_access_token_leaves_the_pairing(server, person):
    told = person.paired()
    sent = {"token": told["access_token"], "token_type_hint": "refresh_token", "client_id": SOLUTION.client_id}
    assert httpx.post(f"{person.issuer}/revoke", data=sent).status_code == 200
    assert search(server, told) == 401
    assert person.token(grant_type="refresh_token", refresh_token=told["refresh_token"]).status_code == 200


def test_nobody_revokes_the_token_of_another(server, person):
    told = person.paired()
    sent = {"token": told["refresh_token"], "client_id": OTHER_SOLUTION.client_id}
    assert httpx.post(f"{person.issuer}/revoke", data=sent).json()["error"] == "invalid_grant"
    assert search(server, told) == 200


def test_client_credentials_are_for_those_with_a_secret(server, person):
    client = server.desk.authorization.clients[SOLUTION.client_id]
    assert person.token(grant_type="client_credentials").status_code == 401
    secret = client.new_secret()
    for wrong in ("wrong", ""):
        assert person.token(auth=(SOLUTION.client_id, wrong), grant_type="client_credentials").status_code == 401
    told = person.token(auth=(SOLUTION.client_id, secret), grant_type="client_credentials").json()
    assert "refresh_token" not in told
    grant = server.measures.office.grant(told["access_token"])
    assert (grant.solution, grant.idpe) == (SOLUTION.oid, "")
    assert search(server, {**told, "id_token": person.paired()["id_token"]}) == 403
    assert secret not in str(vars(client))


def test_a_wrong_secret_does_not_make_a_public_client(server, person):
    server.desk.authorization.clients[SOLUTION.client_id].new_secret()
    told = person.paired()
    form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"], "client_id": SOLUTION.client_id}
    assert person.token(auth=(SOLUTION.client_id, "wrong"), **form).status_code == 401


def test_pairings_are_told_and_ended(server, person):
    vault = server.desk.authorization.vault
    told = person.paired("patient-b")
    mine = [one for one in vault.pairings() if one.idpe == PATIENTS["patient-b"].idpe]
    assert [one.client.solution for one in mine] == [SOLUTION]
    vault.unpair(mine[0].id)
    assert mine[0] not in vault.pairings()
    assert search(server, told, "patient-b") == 401


def test_discovery_says_what_is_true(server, person):
    base = server.base_url.removesuffix("/fhir")
    told = httpx.get(f"{person.issuer}/.well-known/openid-configuration").json()
    assert httpx.get(f"{base}/.well-known/oauth-authorization-server/oauth").json() == told
    assert told["issuer"] == person.issuer == f"{base}/oauth"
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert httpx.get(told["jwks_uri"]).json()["keys"][0]["kty"] == "RSA"
    assert (
        httpx.post(told["token_endpoint"], data={"grant_type": "password"}).json()["error"] == "unsupported_grant_type"
    )
    assert httpx.post(told["revocation_endpoint"], data={"token": "x"}).status_code == 401
    assert httpx.get(told["authorization_endpoint"]).status_code == 400


def test_of_many_who_show_one_refresh_token_at_once_one_wins_at_most(server, person):
    told = person.paired()
    form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"], "client_id": SOLUTION.client_id}

    def show(_):
        return httpx.post(f"{person.issuer}/token", data=form).json()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(show, range(24)))
    won = [answer for answer in answers if "access_token" in answer]
    assert len(won) == 1
    assert all(answer["error"] == "invalid_grant" for answer in answers if answer not in won)
    assert search(server, won[0]) == 401, "the others showed a spent token"
