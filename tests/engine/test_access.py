"""Tokens, certificates, pace and repetition: how the harness gets in, and what of it is recorded."""

import asyncio
import json
import threading
import time
from urllib.parse import parse_qs, urlsplit

import httpcore
import httpx
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from joserfc import jwt
from joserfc.jwk import import_key

from harness.engine import access
from harness.engine.access import Grant, TokenError, obtain, renew
from harness.engine.candidate import Candidate
from harness.engine.client import Live, Scope
from harness.engine.diagnosis import State
from harness.engine.doctor import examine
from harness.engine.exchange import Request
from harness.engine.secure import Tls
from harness.errors import UsageError
from tests.engine.tls import Authority, TLSServer, server_context

TOKEN = "https://login.example/token"
BASE = "https://fhir.example/r4"
SCOPE = Scope("set", "test", "test")


def candidate(oauth=None, **content):
    oauth = {"grant": "client-credentials", "token-url": TOKEN, "client-id": "harness", **(oauth or {})}
    return Candidate.of({"base-url": BASE, "identities": {"default": {"oauth": oauth}}, **content})


def signed_in(target, show=None):
    async def go():
        live = Live(target)
        try:
            return await obtain(target, live.fetch, show or (lambda address: None))
        finally:
            await live.close()

    return asyncio.run(go())


def form(call):
    return {name: values[0] for name, values in parse_qs(call.request.content.decode()).items()}


@respx.mock
def test_client_credentials_with_a_secret():
    told = {"access_token": "token-abcdef", "expires_in": 300, "id_token": "id-token-abcdef", "token_type": "Bearer"}
    route = respx.post(TOKEN).respond(200, json=told)
    target = candidate({"client-secret": "s3cr:et/ü", "scope": "system/*.read", "id-token-header": "X-Id"})
    found, grants = signed_in(target)
    assert form(route.calls.last) == {"grant_type": "client_credentials", "scope": "system/*.read"}
    assert (
        httpx.BasicAuth("harness", "s3cr%3Aet%2F%C3%BC")._auth_header
        == route.calls.last.request.headers["authorization"]
    )
    assert found.credentials(None) == (("Authorization", "Bearer token-abcdef"), ("X-Id", "id-token-abcdef"))
    recorded = json.dumps(found.redacted(), ensure_ascii=False)
    assert not [secret for secret in ("token-abcdef", "s3cr:et/ü") if secret in recorded + repr(found) + repr(grants)]
    again = Candidate.of(found.redacted())
    assert again.credentials(None)[0] == ("Authorization", "Bearer «redacted:identities.default.bearer»")


@respx.mock
def test_a_secret_in_the_form():
    route = respx.post(TOKEN).respond(200, json={"access_token": "token-abcdef"})
    signed_in(candidate({"client-secret": "s3cr:et/ü", "client-authentication": "client_secret_post"}))
    proof = {"client_id": "harness", "client_secret": "s3cr:et/ü"}
    assert form(route.calls.last) == {"grant_type": "client_credentials", **proof}
    assert "authorization" not in route.calls.last.request.headers


@respx.mock
def test_the_key_signs_an_assertion(tmp_path):
    key = rsa.generate_private_key(65537, 2048)
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    route = respx.post(TOKEN).respond(200, json={"access_token": "token-abcdef"})
    signed_in(candidate({"private-key": str(path), "key-id": "k1"}))
    sent = form(route.calls.last)
    public = import_key(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "RSA")
    token = jwt.decode(sent["client_assertion"], public, algorithms=["RS256"])
    assert token.header["kid"] == "k1"
    assert (token.claims["iss"], token.claims["sub"], token.claims["aud"]) == ("harness", "harness", TOKEN)
    assert 0 < token.claims["exp"] - time.time() <= 60
    assert sent["client_assertion_type"].endswith(":jwt-bearer")
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"p4ss"))
    for content in (b"no key", locked):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"without a password.*oauth\.private-key"):
            signed_in(candidate({"private-key": str(path)}))


@respx.mock(assert_all_mocked=True)
def test_a_person_signs_in_with_pkce(respx_mock):
    respx_mock.route(host="127.0.0.1").pass_through()
    route = respx_mock.post(TOKEN).respond(
        200, json={"access_token": "token-abcdef", "refresh_token": "refresh-abcdef"}
    )
    target = candidate({"grant": "authorization-code", "authorize-url": "https://login.example/authorize"})
    seen = {}

    def show(address):
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        seen.update(query)

        async def browser():
            async with httpx.AsyncClient(trust_env=False) as client:
                wrong = await client.get(query["redirect_uri"], params={"code": "stolen", "state": "other"})
                right = await client.get(query["redirect_uri"], params={"code": "code-1", "state": query["state"]})
            seen["answers"] = [wrong.status_code, right.status_code]

        seen["task"] = asyncio.ensure_future(browser())

    found, grants = signed_in(target, show)
    sent = form(route.calls.last)
    assert (sent["code"], sent["client_id"], sent["redirect_uri"]) == ("code-1", "harness", seen["redirect_uri"])
    assert seen["code_challenge_method"] == "S256"
    assert sent["code_verifier"] not in str(seen)
    assert seen["redirect_uri"].startswith("http://127.0.0.1:")
    assert found.credentials(None) == (("Authorization", "Bearer token-abcdef"),)
    assert grants[0].refresh == "refresh-abcdef"
    assert "refresh-abcdef" in found.secrets.values()


@respx.mock
@pytest.mark.parametrize("lifetime", ["9" * 5_000, 10**400, "²", -1, 0, "00", 1e300, None, [], True])
def test_a_lifetime_that_is_none_says_nothing(lifetime):
    respx.post(TOKEN).respond(200, json={"access_token": "token-abcdef", "expires_in": lifetime})
    _, grants = signed_in(candidate())
    assert grants[0].ends is None


@respx.mock
def test_what_the_authorization_server_refuses_is_told_without_secrets():
    told = {"error": "invalid_client", "error_description": "no\x1b[31m such client"}
    respx.post(TOKEN).respond(401, json=told)
    with pytest.raises(TokenError, match=r"identities\.default: .* answered 401 invalid_client no") as caught:
        signed_in(candidate({"client-secret": "secret-abcdef"}))
    assert "secret-abcdef" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    respx.post(TOKEN).mock(side_effect=httpcore.ConnectError("refused"))
    with pytest.raises(TokenError, match="no token from"):
        signed_in(candidate())
    impatient = {"grant": "authorization-code", "authorize-url": "https://login.example/a", "patience": 0.01}
    with pytest.raises(TokenError, match="nobody signed in"):
        signed_in(candidate(impatient))


@respx.mock
def test_a_token_that_ends_is_renewed_and_recorded_under_the_same_name():
    respx.post(TOKEN).respond(200, json={"access_token": "token-second", "refresh_token": "refresh-second"})
    service = respx.get(f"{BASE}/metadata").respond(200, json={"echo": "token-second"})
    found = candidate().content
    target = Candidate.of(
        {**found, "identities": {"default": {**found["identities"]["default"], "bearer": "token-first"}}}
    )
    grant = Grant(("identities", "default"), "token-first", refresh="refresh-first", ends=time.monotonic() + 5)

    async def go():
        live = Live(target, grants=[grant])
        request = Request("GET", f"{BASE}/metadata", (("Authorization", "Bearer token-first"),))
        try:
            return [await live.send(request, SCOPE) for _ in range(2)]
        finally:
            await live.close()

    made = asyncio.run(go())
    assert service.calls.last.request.headers["authorization"] == "Bearer token-second"
    assert {one.request.headers for one in made} == {
        (("Authorization", "Bearer «redacted:identities.default.bearer»"),)
    }
    assert "token-second" not in repr(made)


def test_without_a_refresh_token_a_person_must_come_back():
    async def fetch(request):
        raise AssertionError(request)

    grant = Grant(("identities", "default"), "x")
    with pytest.raises(TokenError, match="no refresh token"):
        asyncio.run(renew(grant, {"grant": "authorization-code"}, fetch))


@respx.mock
@pytest.mark.parametrize(
    ("method", "headers", "times"),
    [
        ("GET", (), 2),
        ("PUT", (), 2),
        ("DELETE", (), 2),
        ("POST", (), 1),
        ("PATCH", (), 1),
        ("PUT", (("If-Match", "W/1"),), 1),
    ],
)
def test_only_what_may_be_repeated_is_sent_again(method, headers, times):
    route = respx.route(method=method).mock(side_effect=[httpcore.ReadError("reset"), httpx.Response(200)])

    async def go():
        live = Live(Candidate.of({"base-url": BASE}))
        try:
            return await live.send(Request(method, f"{BASE}/Patient/1", headers), SCOPE)
        finally:
            await live.close()

    made = asyncio.run(go())
    assert len(route.calls) == times
    assert made.retried == times - 1
    assert (made.error_code is None) == (times == 2)


@respx.mock
def test_the_pace_is_kept(monkeypatch):
    slept = []
    really, here = asyncio.sleep, threading.get_ident()

    async def sleep(seconds):
        if threading.get_ident() == here:
            slept.append(seconds)
        else:  # a server that other tests share sleeps in a thread of its own
            await really(seconds)

    monkeypatch.setattr("harness.engine.client.asyncio.sleep", sleep)
    respx.get(f"{BASE}/metadata").respond(200)

    async def go():
        live = Live(Candidate.of({"base-url": BASE, "limits": {"rate": 2}}))
        try:
            await asyncio.gather(*(live.send(Request("GET", f"{BASE}/metadata"), SCOPE) for _ in range(3)))
        finally:
            await live.close()

    asyncio.run(go())
    assert slept == pytest.approx([0, 0.5, 1.0], abs=0.2)


def test_waiting_of_our_own_is_no_time_of_the_answer(monkeypatch, respx_mock):
    really, clock, sleeping, here = time.perf_counter, [0.0], asyncio.sleep, threading.get_ident()
    monkeypatch.setattr("harness.engine.client.time.perf_counter", lambda: really() + clock[0])

    async def sleep(seconds):
        if threading.get_ident() != here:  # a sandbox of other tests
            await sleeping(seconds)
        else:
            clock[0] += seconds

    def slow(request):
        clock[0] += 100
        return httpx.Response(200, json={"access_token": "token-later", "expires_in": 3600})

    monkeypatch.setattr("harness.engine.client.asyncio.sleep", sleep)
    respx_mock.get(f"{BASE}/metadata").respond(200)
    respx_mock.post(TOKEN).mock(side_effect=slow)
    grant = Grant(("identities", "default"), "token-first", ends=0.0)
    target = candidate({"client-secret": "secret-abcdef"}, limits={"rate": 0.01})

    async def go():
        live = Live(target, grants=[grant])
        asked = Request("GET", f"{BASE}/metadata", (("Authorization", "Bearer token-first"),))
        try:
            return [await live.send(asked, SCOPE) for _ in range(2)]
        finally:
            await live.close()

    assert [made.elapsed < 50 for made in asyncio.run(go())] == [True, True]


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def shown(authority, kind):
    issued = authority.issue("client.example")
    folder = issued.cert_file.parent
    if kind == "pem":
        return {"certificate": issued.cert_file.name, "key": issued.key_file.name}
    if kind == "one pem":
        both = folder / "both.pem"
        both.write_bytes(issued.cert_file.read_bytes() + issued.key_file.read_bytes())
        return {"certificate": "both.pem"}
    data = pkcs12.serialize_key_and_certificates(
        b"c", issued.key, issued.certificate, None, BestAvailableEncryption(b"p4ss")
    )
    (folder / "client.p12").write_bytes(data)
    return {"pkcs12": "client.p12", "password": "p4ss"}


@pytest.mark.parametrize("kind", ["pem", "one pem", "pkcs12"])
def test_a_certificate_of_our_own_is_shown(authority, tmp_path, kind):
    with TLSServer(server_context(authority.issue(), authority.ca)) as server:
        content = {"base-url": server.url, "tls": {"ca": authority.ca.name, **shown(authority, kind)}}
        path = tmp_path / "candidate.yaml"
        path.write_text(json.dumps(content), encoding="utf-8")
        target = Candidate.from_file(path)
        found = asyncio.run(diagnoses(target))
    assert {one.name: one.state for one in found} == dict.fromkeys(
        ("dns", "tcp", "tls", "metadata", "fhir-version", "formats"), State.OK
    ), found
    assert "p4ss" not in json.dumps(target.redacted())


def test_files_that_are_no_certificates_are_named(authority, tmp_path):
    (tmp_path / "bad.pem").write_text("no")
    for tls in ({"certificate": "bad.pem"}, {"pkcs12": "bad.pem"}, {"pkcs12": "none.p12"}, {"ca": "bad.pem"}):
        target = Candidate.of({"base-url": BASE, "tls": {name: str(tmp_path / value) for name, value in tls.items()}})
        with pytest.raises(UsageError, match=rf"mend tls\.{next(iter(tls))}"):
            target.tls.context()


def test_what_is_wrong_with_the_files_of_a_certificate_is_told(authority, tmp_path):
    ours, others = authority.issue("client.example"), authority.issue("other.example")
    locked = tmp_path / "locked.key"
    locked.write_bytes(ours.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"p4ss")))
    said = {
        "none.pem: No such file": {"certificate": "none.pem", "key": ours.key_file},
        "none.key: No such file": {"certificate": ours.cert_file, "key": "none.key"},
        "holds no certificate in PEM": {"certificate": locked, "key": ours.key_file},
        "holds no private key in PEM": {"certificate": ours.cert_file},
        "locked.key is encrypted, and tls.password is missing": {"certificate": ours.cert_file, "key": locked},
        "tls.password does not open": {"certificate": ours.cert_file, "key": locked, "password": "canary"},
        "is not that of the certificate": {"certificate": ours.cert_file, "key": others.key_file, "password": "canary"},
    }
    for why, tls in said.items():
        with pytest.raises(UsageError, match=why) as caught:
            Tls(**{name: str(value) for name, value in tls.items()}).context()
        assert "canary" not in str(caught.value)
        assert caught.value.message_fr.startswith("le certificat du client est inutilisable : ")
    assert Tls(certificate=str(ours.cert_file), key=str(locked), password="p4ss").context()


async def diagnoses(target):
    return [one async for one in examine(target)]


@pytest.mark.parametrize(
    "oauth",
    [
        {"client-secret": "C5 s3cret/é"},
        {"client-secret": "C5 s3cret/é", "client-authentication": "client_secret_post"},
        {"refresh-token": "r3fresh-token"},
    ],
)
def test_what_is_thrown_back_is_not_shown(respx_mock, oauth):
    sent = {}

    def back(request):
        said = f"{request.headers.get('authorization')} {request.content.decode()}"
        sent["said"] = said
        return httpx.Response(401, json={"error": "invalid_client", "error_description": said})

    respx_mock.post(TOKEN).mock(side_effect=back)
    with pytest.raises(TokenError, match="answered 401 invalid_client") as caught:
        signed_in(candidate(oauth))
    words = [word for word in sent["said"].replace("=", " ").replace("&", " ").split() if len(word) > 20]
    assert all(word not in str(caught.value) for word in [*words, *oauth.values()] if not word.endswith("_token"))
    assert "«redacted:" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"status_code": 302, "headers": {"Location": "/login?token=abcdefgh"}},
            "302 to /login?token=«redacted:token»",
        ),
        ({"status_code": 503, "html": "<h1>busy"}, "the authorization server fails"),
        ({"status_code": 429}, "the authorization server fails"),
        ({"status_code": 200, "html": "<h1>Sign in"}, "mend oauth.token-url"),
        ({"status_code": 404}, "mend oauth.token-url"),
        ({"status_code": 400, "json": {"error": "invalid_scope"}}, "mend oauth.scope"),
        ({"status_code": 400, "json": {"error": "invalid_grant"}}, "sign in again"),
        ({"status_code": 400, "json": {"error": "unsupported_grant_type"}}, "mend oauth.grant"),
        ({"status_code": 401, "json": {"error": ["invalid_client"]}}, "mend oauth in the candidate file"),
        ({"status_code": 401, "json": {"error": "invalid_client"}}, "mend oauth.client-id"),
    ],
)
def test_what_to_do_follows_from_the_answer(respx_mock, answer, said):
    respx_mock.post(TOKEN).respond(**answer)
    with pytest.raises(TokenError) as caught:
        signed_in(candidate())
    assert said in str(caught.value)
    assert caught.value.message_fr.startswith("identities.default : ")


@pytest.mark.parametrize("name", ["access_token", "id_token"])
@pytest.mark.parametrize("token", ["token\r\nX-Evil: 1", " token", "tök", "\x00token"])
def test_a_token_that_no_header_can_hold_is_the_fault_of_who_gave_it(respx_mock, name, token):
    respx_mock.post(TOKEN).respond(200, json={"access_token": "token-abcdef", name: token})
    with pytest.raises(TokenError, match=f"gave an {name} that no header can hold") as caught:
        signed_in(candidate())
    assert "token" not in str(caught.value).replace("_token", "").replace("/token", "")


@pytest.mark.parametrize(
    ("oauth", "told", "early"),
    [
        ({}, {"expires_in": 3600}, 30),
        ({}, {"expires_in": "20"}, 10),
        ({}, {}, 30),
        ({"refresh-token": "refresh-first"}, {"expires_in": 3600}, 30),
        ({"grant": "authorization-code", "refresh-token": "refresh-first"}, {"expires_in": 20}, 10),
    ],
)
def test_a_token_is_renewed_a_little_before_its_end(respx_mock, oauth, told, early):
    respx_mock.post(TOKEN).respond(200, json={"access_token": "token-abcdef", **told})
    more = {"authorize-url": "https://login.example/a"} if "grant" in oauth else {}
    _, (grant,) = signed_in(candidate({**oauth, **more}))
    assert grant.early == early
    assert grant.ends is None or not grant.due(grant.ends - early - 1)


def test_without_anything_to_renew_it_by_a_token_is_used_until_its_end(respx_mock):
    respx_mock.post(TOKEN).respond(200, json={"access_token": "token-abcdef", "expires_in": 20})
    oauth = {**candidate().content["identities"]["default"]["oauth"], "grant": "authorization-code"}

    async def go():
        live = Live(candidate())
        try:
            return await access._ask(("identities", "default"), oauth, {"grant_type": "authorization_code"}, live.fetch)
        finally:
            await live.close()

    grant = asyncio.run(go())
    assert (grant.due(grant.ends - 1), grant.due(grant.ends)) == (False, True)


@pytest.mark.parametrize(("ends", "sent"), [(5, ["token-first"] * 8), (-5, [])])
def test_a_token_that_holds_is_used_when_no_other_one_is_given(respx_mock, ends, sent):
    async def busy(request):
        for _ in range(20):  # long enough for the others to come and wait
            await asyncio.sleep(0)
        return httpx.Response(503)

    asked = respx_mock.post(TOKEN).mock(side_effect=busy)
    service = respx_mock.get(f"{BASE}/metadata").respond(200)
    grant = Grant(("identities", "default"), "token-first", ends=time.monotonic() + ends)

    async def go():
        live = Live(candidate(), grants=[grant])
        request = Request("GET", f"{BASE}/metadata", (("Authorization", "Bearer token-first"),))
        try:
            return await asyncio.gather(*(live.send(request, SCOPE) for _ in range(8)))
        finally:
            await live.close()

    made = asyncio.run(go())
    assert [call.request.headers["authorization"].removeprefix("Bearer ") for call in service.calls] == sent
    assert {one.error_code for one in made} == ({None} if sent else {"token"})
    assert len(asked.calls) == 1  # for all who waited for it


def test_client_credentials_are_asked_for_anew_rather_than_by_a_refresh_token(respx_mock):
    route = respx_mock.post(TOKEN).respond(200, json={"access_token": "token-second"})
    oauth = candidate().content["identities"]["default"]["oauth"]

    async def go():
        live = Live(candidate())
        try:
            return await renew(Grant(("identities", "default"), "token-first", refresh="stale"), oauth, live.fetch)
        finally:
            await live.close()

    assert asyncio.run(go()).bearer == "token-second"
    assert form(route.calls.last)["grant_type"] == "client_credentials"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"access_token": "t", "token_type": "DPoP"}, "a token of the type DPoP; only Bearer is understood"),
        ({"token_type": "Bearer"}, "answered 200 without an access token: mend oauth"),
    ],
)
def test_a_token_that_cannot_be_used(respx_mock, told, said):
    respx_mock.post(TOKEN).respond(200, json=told)
    with pytest.raises(TokenError) as caught:
        signed_in(candidate())
    assert said in str(caught.value)
