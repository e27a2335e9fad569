"""What must not be signed is found wherever it stands, and named by its place; what is harmless is let through."""

import base64
import json
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from harness.acceptance.bundle import sign
from harness.acceptance.keys import CHAIN, KEY
from harness.acceptance.scan import scan
from harness.acceptance.signing import load_chain, load_private_key
from harness.errors import AcceptanceError
from tests.acceptance.conftest import NOW
from tests.runs import record

TEST, DEMO, REAL = (f"urn:oid:1.2.250.1.213.1.4.{arc}" for arc in (10, 11, 8))


def _with_key(digits: str) -> str:
    return digits + f"{97 - int(digits.replace('2A', '19').replace('2B', '18')) % 97:02}"


NIR, CORSICAN = _with_key("2990178123456"), _with_key("199012A123456")
SPACED = " ".join(NIR[start:end] for start, end in pairwise([0, 1, 3, 5, 7, 10, 13, 15]))
JWT = ".".join(
    base64.urlsafe_b64encode(part).rstrip(b"=").decode()
    for part in (b'{"alg":"ES256","typ":"JWT"}', b'{"sub":"somebody"}', b"x" * 64)
)
PEM = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode("ascii")
)
JWK = {"kty": "EC", "crv": "P-256", "x": "x" * 43, "y": "y" * 43, "d": "d" * 43}


def _identifier(system: str, value: str = NIR) -> dict[str, object]:
    return {"resourceType": "Patient", "identifier": [{"system": system, "value": value}]}


def _recorded(body: object) -> bytes:
    text = body if isinstance(body, str) else json.dumps(body)
    return json.dumps({"response": {"body": {"text": text}}}).encode() + b"\n"


FOUND = {
    "JWT in a body": (_recorded({"note": f"see {JWT}"}), "line 1/response/body/text/note: a signed or encrypted token"),
    "bearer in a message": (_recorded("Authorization: Bearer abcdef0123456789abcdef"), "text: a bearer token"),
    "Basic": (_recorded("Authorization: Basic dXNlcjpwYXNzd29yZA=="), "a user name and password"),
    "private key": (_recorded({"key": PEM}), "/key: a private key (PEM)"),
    "JWK": (_recorded({"keys": [JWK]}), "/keys/0: a private key (JWK)"),
    "NIR under the real OID": (_recorded(_identifier(REAL)), "/identifier/0/value: a national health number"),
    "NIR under no OID": (_recorded({"text": f"number {NIR}."}), "/text: a national health number"),
    "NIR with spaces": (_recorded(f"number {SPACED}"), "NIR"),
    "NIR as a number": (_recorded({"value": int(NIR)}), "/value: a national health number"),
    "NIR of Corsica": (_recorded(_identifier(REAL, CORSICAN)), "/identifier/0/value: a national health number"),
    "NIR in an address": (_recorded(f"GET /Patient?identifier={REAL}%7C{NIR}".replace(":", "%3A")), "NIR"),
    "NIR in an attachment": (
        _recorded({"data": base64.b64encode(f"<id root='{REAL[8:]}' extension='{NIR}'/>".encode()).decode()}),
        "/data (base64): a national health number",
    ),
    "NIR in XML": (_recorded(f"<Patient><identifier><value value='{NIR}'/></identifier></Patient>"), "NIR"),
    "an OID that only begins alike": (_recorded(_identifier(f"{TEST}0")), "/identifier/0/value"),
    "second line": (_recorded("harmless") + _recorded({"a": NIR}), "line 2/response/body/text/a"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "place"), FOUND.values(), ids=FOUND.keys())
def test_what_must_not_be_signed_is_found(data: bytes, place: str) -> None:
    (leak, *more) = scan({"journal.ndjson": data})
    assert place in str(leak)
    assert str(leak).startswith("journal.ndjson, line ")
    assert more == []
    assert NIR not in str(leak)


HARMLESS = {
    "test OID": _recorded(_identifier(TEST)),
    "demonstration OID": _recorded(_identifier(DEMO)),
    "test number elsewhere": _recorded(_identifier(TEST)) + _recorded({"text": f"expected {NIR}"}),
    "search parameter": _recorded(f"GET /Patient?identifier={TEST}%7C{NIR}"),
    "test OID in XML": _recorded(f"<identifier><system value='{TEST}'/><value value='{NIR}'/></identifier>"),
    "wrong key": _recorded(_identifier(REAL, f"{NIR[:-1]}{(int(NIR[-1]) + 1) % 10}")),
    "longer number": _recorded({"text": f"{NIR}0 0{NIR} 1.{NIR}"}),
    "mark": _recorded("Authorization: Bearer «redacted:identities.default.bearer~" + "0" * 40 + "»"),
    "word": _recorded("the header must be Bearer authentication"),
    "dotted name": _recorded("eyJust.a.name eyJmaG9vYmFyYmF6.eyJmaG9vYmFyYmF6.x"),
    "public key": _recorded({"kty": "EC", "crv": "P-256", "x": "x" * 43, "y": "y" * 43}),
    "certificate": _recorded("-----BEGIN CERTIFICATE-----"),
}


@pytest.mark.parametrize("data", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_harmless_is_let_through(data: bytes) -> None:
    assert scan({"journal.ndjson": data}) == []


def test_other_members_are_looked_at_line_by_line() -> None:
    leaks = scan({"sources/testsets/a.yaml": f"testset: a\nvalue: {NIR}\n".encode()})
    assert [str(leak) for leak in leaks] == ["sources/testsets/a.yaml, line 2: a national health number (NIR/INS)"]


def test_a_run_with_a_leak_is_not_signed(keys: Path, tmp_path: Path) -> None:
    run = record(tmp_path / "run")
    journal = run / "journal.ndjson"
    journal.write_bytes(journal.read_bytes().replace(b'"Produit"', f'"{NIR}"'.encode()))
    key, chain = load_private_key((keys / KEY).read_bytes()), load_chain((keys / CHAIN).read_bytes())
    with pytest.raises(
        AcceptanceError, match=r"was not signed:\n  journal.ndjson, line 1/software/product: a national"
    ):
        sign(run, key, chain, tmp_path / "file.zip", NOW)
    assert not (tmp_path / "file.zip").exists()
