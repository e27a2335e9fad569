"""Assertions that prove nothing, and files that hold no public key."""

import base64
import hmac
import json
import time

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from harness.errors import UsageError
from harness.sandbox.authorization import assertion
from harness.sandbox.authorization.assertion import Assertion, public_key
from harness.sandbox.measures.population import OTHER_SOLUTION, SOLUTION

KEY = ECKey.generate_key("P-256")
PUBLIC = ECKey.import_key(KEY.as_pem(private=False))


@pytest.fixture
def ask(server):
    """Asks for a token with an assertion whose claims are right but for those given."""
    client = server.desk.authorization.clients[SOLUTION.client_id]
    client.key = PUBLIC
    issuer = server.desk.authorization.issuer

    def go(key=KEY, algorithm="ES256", text=None, **claims):
        now = int(time.time())
        right = {"iss": SOLUTION.client_id, "sub": SOLUTION.client_id, "aud": f"{issuer}/token", "exp": now + 60}
        made = {"jti": f"{now}-{time.perf_counter_ns()}", **right, **claims}
        made = {name: value for name, value in made.items() if value is not None}
        text = text or jwt.encode({"alg": algorithm}, made, key, [algorithm])
        form = {"grant_type": "client_credentials", "client_assertion": text}
        form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return httpx.post(f"{issuer}/token", data=form)

    yield go
    client.key = None


def test_the_right_one_serves_once(ask, server):
    assert ask(jti="once").status_code == 200
    again = ask(jti="once")
    assert again.json()["error"] == "invalid_client"
    assert ask(aud=server.desk.authorization.issuer).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://elsewhere.example/token"},
        {"aud": None},
        {"iss": OTHER_SOLUTION.client_id},
        {"sub": OTHER_SOLUTION.client_id},
        {"sub": 7},
        {"sub": None},
        {"exp": 1},
        {"exp": None},
        {"jti": None},
    ],
)
def test_claims_that_are_wrong(ask, claims):
    refused = ask(**claims)
    assert refused.status_code in {400, 401}
    assert refused.json()["error"] == "invalid_client"


def test_keys_that_are_wrong(ask):
    assert ask(key=ECKey.generate_key("P-256")).json()["error"] == "invalid_client"
    assert ask(key=OctKey.generate_key(256), algorithm="HS256").json()["error"] == "invalid_client"


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_the_public_key_is_no_secret(server, ask, algorithm):
    issuer, now = server.desk.authorization.issuer, int(time.time())
    claims = {"iss": SOLUTION.client_id, "sub": SOLUTION.client_id, "aud": issuer, "exp": now + 60, "jti": algorithm}
    text = ".".join(part(json.dumps(one).encode()) for one in ({"alg": algorithm}, claims))
    seal = hmac.digest(PUBLIC.as_pem(private=False), text.encode(), "sha256") if algorithm == "HS256" else b""
    assert ask(text=f"{text}.{part(seal)}").json()["error"] == "invalid_client"


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.", "é" * 10])
def test_what_is_no_assertion(server, text):
    form = {"grant_type": "client_credentials", "client_assertion": text, "client_id": SOLUTION.client_id}
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert httpx.post(f"{server.desk.authorization.issuer}/token", data=form).status_code in {400, 401}


def test_few_identifiers_are_remembered(monkeypatch):
    monkeypatch.setattr(assertion, "_ROOM", 2)
    checked = Assertion(["a"])
    claims = {"sub": "c"}
    assert [checked.validate_jti(claims, jti) for jti in ("1", "2", "2", "3", "1")] == [True, True, False, True, True]


@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_public_keys_are_read_and_private_ones_are_not(tmp_path, kind):
    key = KEY if kind == "EC" else RSAKey.generate_key(2048)
    path = tmp_path / "key.pem"
    path.write_bytes(key.as_pem(private=False))
    assert public_key(path).key_type == kind
    path.write_bytes(key.as_pem(private=True))
    with pytest.raises(UsageError, match="private"):
        public_key(path)


def test_files_that_hold_no_key_are_named(tmp_path):
    (tmp_path / "bad.pem").write_text("no")
    for name in ("bad.pem", "none.pem"):
        with pytest.raises(UsageError, match=rf"--client-key .*{name}"):
            public_key(tmp_path / name)
