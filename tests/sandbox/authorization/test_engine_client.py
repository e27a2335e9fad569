"""The harness's own client pairs with the sandbox: what a candidate file says is enough, and the tokens open doors."""

import asyncio
import time
from dataclasses import replace

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from harness.engine.access import TokenError, obtain, renew
from harness.engine.candidate import Candidate
from harness.engine.client import Live
from harness.sandbox.authorization.assertion import public_key
from harness.sandbox.measures.population import PATIENTS, SOLUTION
from tests.sandbox.authorization.person import decide

PARAMS = httpx.QueryParams(
    [
        ("code", "29463-7"),
        ("subject.identifier", f"urn:oid:2.999.250.1|{PATIENTS['default'].idpe}"),
        ("date", "ge2012-01-01"),
        ("date", "le2012-12-31"),
    ]
)


def candidate(server, **oauth):
    told = httpx.get(server.desk.discovery_url).json()
    said = {"token-url": told["token_endpoint"], "client-id": SOLUTION.client_id, **oauth}
    if oauth["grant"] == "authorization-code":
        said |= {"authorize-url": told["authorization_endpoint"], "scope": "openid", "id-token-header": "X-ID-Token"}
    return Candidate.of({"base-url": server.measures_url, "identities": {"default": {"oauth": said}}})


def signed_in(target, decision="allow", then=None):
    """Tokens for ``target``, whose sign-in page somebody answers with ``decision``; ``then`` goes on with them."""
    browsers = []

    def show(address):
        async def browse():
            async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as http:
                page = await http.get(address)
                target, form = decide(page, decision, read="yes", write="yes")
                return (await http.post(page.url.join(target), data=form)).status_code

        browsers.append(asyncio.ensure_future(browse()))

    async def go():
        live = Live(target)
        try:
            found, grants = await obtain(target, live.fetch, show)
            return found, await then(grants[0], live.fetch) if then else grants[0]
        finally:
            assert await asyncio.gather(*browsers) == [200] * len(browsers)
            await live.close()

    return asyncio.run(go())


def status(server, headers):
    return httpx.get(f"{server.measures_url}/Observation", params=PARAMS, headers=dict(headers)).status_code


def test_a_person_pairs_and_the_measures_are_open(server, person):
    found, grant = signed_in(candidate(server, grant="authorization-code"))
    headers = found.credentials(None)
    assert [name for name, _ in headers] == ["Authorization", "X-ID-Token"]
    assert status(server, headers) == 200
    assert 0 < grant.ends - time.monotonic() <= 900
    server.measures.registry.decide(PATIENTS["default"].idpe, "read", given=False)
    assert status(server, headers) == 403


def test_the_tokens_are_renewed(server, person):
    target = candidate(server, grant="authorization-code")

    async def twice(grant, fetch):
        oauth = target.content["identities"]["default"]["oauth"]
        second = await renew(grant, oauth, fetch)
        with pytest.raises(TokenError, match="invalid_grant"):
            await renew(replace(grant), oauth, fetch)
        return second

    _, second = signed_in(target, then=twice)
    headers = {"Authorization": f"Bearer {second.bearer}", "X-ID-Token": second.id_token}
    assert status(server, headers) == 401, "the first refresh token was shown twice, so the pairing has ended"


def test_a_refresh_token_is_enough_to_begin_with(server, person):
    _, grant = signed_in(candidate(server, grant="authorization-code"))
    target = candidate(server, grant="authorization-code", **{"refresh-token": grant.refresh})
    found, again = signed_in(target)
    assert again.refresh != grant.refresh
    assert status(server, found.credentials(None)) == 200


def test_who_says_no_ends_the_run_with_the_reason(server, person):
    with pytest.raises(TokenError, match="access_denied"):
        signed_in(candidate(server, grant="authorization-code"), "refuse")


@pytest.mark.parametrize(("algorithm", "kind"), [("ES256", ec), ("RS256", rsa)])
def test_a_solution_proves_itself_with_its_key(server, person, tmp_path, algorithm, kind):
    private = kind.generate_private_key(*((ec.SECP256R1(),) if kind is ec else (65537, 2048)))
    (tmp_path / "key.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = tmp_path / "public.pem"
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    client = server.desk.authorization.clients[SOLUTION.client_id]
    said = {"private-key": str(tmp_path / "key.pem"), "algorithm": algorithm}
    with pytest.raises(TokenError, match="invalid_client"):
        signed_in(candidate(server, grant="client-credentials", **said))
    client.key = public_key(public)
    found, _ = signed_in(candidate(server, grant="client-credentials", **said))
    assert server.measures.office.grant(found.credentials(None)[0][1].removeprefix("Bearer ")).solution == SOLUTION.oid
    paired, grant = signed_in(candidate(server, grant="authorization-code", **said))
    assert status(server, paired.credentials(None)) == 200
    assert grant.refresh
    client.key = None


def test_a_solution_acts_for_itself(server, person):
    secret = server.desk.authorization.clients[SOLUTION.client_id].new_secret()
    found, grant = signed_in(candidate(server, grant="client-credentials", **{"client-secret": secret}))
    assert grant.refresh is None
    assert httpx.get(f"{server.base_url}/Patient", headers=dict(found.credentials(None))).status_code == 200
    assert status(server, found.credentials(None)) == 400, "there is no patient, so no ID token"
