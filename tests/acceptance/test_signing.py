"""The arithmetic of signatures on published examples and hostile values, and canonical JSON on those of RFC 8785."""

import base64
import json
import struct
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from harness.acceptance.signing import check_arithmetic
from harness.errors import AcceptanceError


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text))


# RFC 7515, appendix A.3: ES256.
RFC7515_KEY = ec.EllipticCurvePublicNumbers(
    _number("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
    _number("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    ec.SECP256R1(),
).public_key()
RFC7515_PAYLOAD = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
RFC7515_ES256 = (
    b"eyJhbGciOiJFUzI1NiJ9..DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
# RFC 8037, appendix A.4: Ed25519.
RFC8037_KEY = ed25519.Ed25519PublicKey.from_public_bytes(_bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
RFC8037_PAYLOAD = b"Example of Ed25519 signing"
RFC8037_EDDSA = (
    b"eyJhbGciOiJFZERTQSJ9..hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)


@pytest.mark.parametrize(
    ("signature", "payload", "key"),
    [(RFC7515_ES256, RFC7515_PAYLOAD, RFC7515_KEY), (RFC8037_EDDSA, RFC8037_PAYLOAD, RFC8037_KEY)],
    ids=["RFC 7515 A.3", "RFC 8037 A.4"],
)
def test_published_examples_hold_and_no_other_payload_does(signature: bytes, payload: bytes, key: Any) -> None:
    check_arithmetic(signature, payload, key)
    with pytest.raises(AcceptanceError, match="does not match"):
        check_arithmetic(signature, payload + b" ", key)


# RFC 7515, A.1 (HMAC), A.2 (RS256, its header) and A.5 (none) are algorithms that this format does not allow.
REFUSED = {
    "RFC 7515 A.1": b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9..dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "RFC 7515 A.2": b"eyJhbGciOiJSUzI1NiJ9..cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7",
    "RFC 7515 A.5": b"eyJhbGciOiJub25lIn0..",
    "RFC 7515 A.4": b"eyJhbGciOiJFUzUxMiJ9..AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZq",
    "crit, RFC 7515 E": _encoded(b'{"alg":"ES256","crit":["http://example.invalid/UNDEFINED"]}') + b"..AAAA",
    "b64, RFC 7797": _encoded(b'{"alg":"ES256","b64":false,"crit":["b64"]}') + b"..AAAA",
    "EdDSA header, EC key": RFC8037_EDDSA,
}


@pytest.mark.parametrize("signature", REFUSED.values(), ids=REFUSED.keys())
def test_what_the_format_does_not_allow_is_refused(signature: bytes) -> None:
    with pytest.raises(AcceptanceError):
        check_arithmetic(signature, RFC7515_PAYLOAD, RFC7515_KEY)


N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
L = 2**252 + 27742317777372353535851937790883648493
R, S = (int.from_bytes(_bytes(RFC7515_ES256.split(b".")[2].decode())[place]) for place in (slice(32), slice(32, 64)))
ECDSA = {
    "r and s zero": (0, 0),
    "r zero": (0, S),
    "s zero": (R, 0),
    "r one, s one": (1, 1),
    "r is the order": (N, S),
    "s is the order": (R, N),
    "s is one more than the order": (R, N + 1),
    "r is one less than the order": (N - 1, S),
    "r is the field": (2**256 - 2**224 + 2**192 + 2**96 - 1, S),
    "r changed": (R ^ 1, S),
    "s changed": (R, S ^ 1),
    "swapped": (S, R),
    "r negated": (N - R, S),
    "both negated": (N - R, N - S),
}


@pytest.mark.parametrize(("r", "s"), ECDSA.values(), ids=ECDSA.keys())
def test_values_that_are_no_ecdsa_signature(r: int, s: int) -> None:
    forged = RFC7515_ES256.split(b".")[0] + b".." + _encoded(r.to_bytes(32) + s.to_bytes(32))
    with pytest.raises(AcceptanceError):
        check_arithmetic(forged, RFC7515_PAYLOAD, RFC7515_KEY)


RAW = _bytes(RFC7515_ES256.split(b".")[2].decode())
LENGTHS = {
    "empty": b"",
    "one byte": RAW[:1],
    "a byte less": RAW[:-1],
    "a byte more": RAW + b"\0",
    "zero in front": b"\0" + RAW,
    "DER": utils.encode_dss_signature(R, S),
    "as ES384": b"\0" * 16 + RAW[:32] + b"\0" * 16 + RAW[32:],
    "twice": RAW * 2,
}


@pytest.mark.parametrize("raw", LENGTHS.values(), ids=LENGTHS.keys())
def test_an_ecdsa_signature_has_64_bytes(raw: bytes) -> None:
    with pytest.raises(AcceptanceError):
        check_arithmetic(RFC7515_ES256.split(b".")[0] + b".." + _encoded(raw), RFC7515_PAYLOAD, RFC7515_KEY)


def test_an_ed25519_signature_has_one_spelling() -> None:
    protected, _, encoded = RFC8037_EDDSA.split(b".")
    raw = _bytes(encoded.decode())
    scalar = int.from_bytes(raw[32:], "little") + L
    for forged in (raw[:32] + scalar.to_bytes(32, "little"), raw[:-1], raw + b"\0", bytes(64), raw[32:] + raw[:32]):
        with pytest.raises(AcceptanceError):
            check_arithmetic(protected + b".." + _encoded(forged), RFC8037_PAYLOAD, RFC8037_KEY)


def test_pss_demands_its_own_salt_hash_and_padding() -> None:
    key = rsa.generate_private_key(65537, 2048)
    protected, payload = _encoded(b'{"alg":"PS256"}'), b"payload"
    covered = protected + b"." + _encoded(payload)
    sha256, sha384 = hashes.SHA256(), hashes.SHA384()
    good = key.sign(covered, padding.PSS(padding.MGF1(sha256), 32), sha256)
    check_arithmetic(protected + b".." + _encoded(good), payload, key.public_key())
    bad = [
        key.sign(covered, padding.PSS(padding.MGF1(sha256), 20), sha256),
        key.sign(covered, padding.PSS(padding.MGF1(sha384), 32), sha256),
        key.sign(covered, padding.PSS(padding.MGF1(sha384), 48), sha384),
        key.sign(covered, padding.PKCS1v15(), sha256),
        bytes(256),
        good[:-1],
        b"\0" + good,
    ]
    for forged in bad:
        with pytest.raises(AcceptanceError):
            check_arithmetic(protected + b".." + _encoded(forged), payload, key.public_key())


WEAK = {
    "RSA of 1024 bits": lambda: rsa.generate_private_key(65537, 1024),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
}


@pytest.mark.parametrize("make", WEAK.values(), ids=WEAK.keys())
def test_other_keys_are_refused(make: Any) -> None:
    with pytest.raises(AcceptanceError, match="key must be EC P-256, Ed25519, or RSA of 2048 to 8192 bits"):
        check_arithmetic(RFC7515_ES256, RFC7515_PAYLOAD, make().public_key())


# RFC 8785, appendix B: IEEE 754 double (hexadecimal) to its one spelling.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "spelled"), NUMBERS.items())
def test_numbers_have_the_spelling_of_rfc_8785(bits: str, spelled: str) -> None:
    assert rfc8785.dumps(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() == spelled


@pytest.mark.parametrize("bits", ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])
def test_what_is_no_number_has_no_spelling(bits: str) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        rfc8785.dumps(struct.unpack(">d", bytes.fromhex(bits))[0])


def test_members_have_the_order_of_rfc_8785() -> None:
    """Section 3.2.3: by UTF-16 code units, so that U+1F600 stands before U+FB33."""
    keys = ["€", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "ö"]
    ordered = list(json.loads(rfc8785.dumps(dict.fromkeys(keys, 0))))
    assert ordered == ["\r", "1", "\u0080", "ö", "€", "\U0001f600", "\ufb33"]


def test_texts_have_the_escapes_of_rfc_8785() -> None:
    """Section 3.2.2.2, with the example of section 3.2.2."""
    text = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"
    assert rfc8785.dumps({"string": text}).decode() == '{"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
