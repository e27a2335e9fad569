"""Forged signatures of an acceptance file, each by name: headers, values, and signers who are not to be believed."""

import base64
import json
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness.acceptance import container, manifest, signing
from tests.acceptance.authorities import NOW, issue
from tests.acceptance.forger import ORDER, Forger, Named


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _split(forger: Forger) -> tuple[dict[str, Any], bytes]:
    protected, _, signature = forger.members[manifest.SIGNATURE].split(b".")
    return json.loads(base64.urlsafe_b64decode(protected + b"===")), base64.urlsafe_b64decode(signature + b"===")


def _with_signature(forger: Forger, signature: bytes) -> bytes:
    return container.pack({**forger.members, manifest.SIGNATURE: signature})


def headers(forger: Forger) -> Named:
    """Header values, each signed properly with the signer's key as ES256 whatever the header says."""
    header, _ = _split(forger)
    der = base64.b64encode(issue("Another").certificate.public_bytes(Encoding.DER)).decode()
    algorithms = ["none", "None", "HS256", "RS256", "PS256", "ES384", "ES512", "ES256K", "EdDSA", "es256", "", None, 1]
    changes: dict[str, dict[str, Any]] = {f"alg-{alg}": {"alg": alg} for alg in algorithms} | {
        "alg-list": {"alg": ["ES256"]},
        "crit": {"crit": ["exp"], "exp": 1},
        "crit-empty": {"crit": []},
        "b64": {"b64": False, "crit": ["b64"]},
        "jwk": {"jwk": {"kty": "EC"}},
        "jku": {"jku": "https://example.org/keys"},
        "x5u": {"x5u": "https://example.org/chain"},
        "kid": {"kid": "../../key"},
        "typ": {"typ": "JWT"},
        "typ-review": {"typ": "fhir-harness-review+jws"},
        "iat-text": {"iat": str(header["iat"])},
        "iat-decimal": {"iat": header["iat"] + 0.5},
        "iat-negative": {"iat": -1},
        "iat-huge": {"iat": 10**30},
        "iat-true": {"iat": True},
        "iat-null": {"iat": None},
        "iat-future": {"iat": header["iat"] + 86_400},
        "iat-before-the-certificate": {"iat": header["iat"] - 864_000},
        "x5c-empty": {"x5c": []},
        "x5c-text": {"x5c": header["x5c"][0]},
        "x5c-null": {"x5c": [None]},
        "x5c-not-base64": {"x5c": ["!"]},
        "x5c-not-a-certificate": {"x5c": ["AAAA"]},
        "x5c-another": {"x5c": [der]},
        "x5c-another-first": {"x5c": [der, *header["x5c"]]},
        "x5c-many": {"x5c": header["x5c"] * 11},
    }  # fmt: skip
    for change, members in changes.items():
        yield change, _with_signature(forger, _signed(forger, json.dumps({**header, **members}).encode()))
    texts = {
        "not-json": b"header",
        "array": b"[]",
        "member-twice": json.dumps(header).encode()[:-1] + b',"alg":"ES256"}',
        "not-utf-8": b'{"alg":"\xff"}',
        "deep": b"[" * 30_000,
        "huge": json.dumps({**header, "typ": "x" * 100_000}).encode(),
    }
    for change, text in texts.items():
        yield change, _with_signature(forger, _signed(forger, text))
    for name in header:
        less = {key: value for key, value in header.items() if key != name}
        yield f"without-{name}", _with_signature(forger, _signed(forger, json.dumps(less).encode()))


def _signed(forger: Forger, header: bytes) -> bytes:
    protected = _encoded(header)
    covered = protected + b"." + _encoded(forger.members[manifest.NAME])
    key = forger.signer.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = utils.decode_dss_signature(key.sign(covered, ec.ECDSA(hashes.SHA256())))
    return protected + b".." + _encoded(r.to_bytes(32) + min(s, ORDER - s).to_bytes(32))


def signatures(forger: Forger) -> Named:
    whole = forger.members[manifest.SIGNATURE]
    protected, _, encoded = whole.split(b".")
    header, raw = _split(forger)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    key = forger.signer.certificate.public_key()
    values: dict[str, bytes] = {
        "empty": b"",
        "mirrored": raw[:32] + (ORDER - s).to_bytes(32),
        "r-zero": bytes(32) + raw[32:],
        "s-zero": raw[:32] + bytes(32),
        "both-zero": bytes(64),
        "both-one": (1).to_bytes(32) + (1).to_bytes(32),
        "r-order": ORDER.to_bytes(32) + raw[32:],
        "s-order": raw[:32] + ORDER.to_bytes(32),
        "r-plus-order": ((r + ORDER) % 2**256).to_bytes(32) + raw[32:],
        "all-ones": b"\xff" * 64,
        "swapped": raw[32:] + raw[:32],
        "short": raw[:-1],
        "long": raw + b"\0",
        "leading-zero": b"\0" + raw,
        "half": raw[:32],
        "der": utils.encode_dss_signature(r, s),
        "other-runs": base64.urlsafe_b64decode(forger.other[manifest.SIGNATURE].split(b".")[2] + b"==="),
    }
    for change, value in values.items():
        yield change, _with_signature(forger, protected + b".." + _encoded(value))
    public = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    hs256 = _encoded(json.dumps({**header, "alg": "HS256"}).encode())
    mac = hmac.HMAC(public, hashes.SHA256())
    mac.update(hs256 + b"." + _encoded(forger.members[manifest.NAME]))
    payload = _encoded(forger.members[manifest.NAME])
    spellings = {
        "hmac-with-the-public-key": hs256 + b".." + _encoded(mac.finalize()),
        "padded": whole + b"==",
        "spaces": whole + b" ",
        "line-end": whole + b"\n",
        "standard-alphabet": protected + b".." + base64.b64encode(raw),
        "bits-after-the-end": whole[:-1] + bytes([whole[-1] + 1]),
        "payload-attached": protected + b"." + payload + b"." + encoded,
        "four-parts": whole + b".",
        "two-parts": protected + b"." + encoded,
        "json": json.dumps({"protected": protected.decode(), "payload": "", "signature": encoded.decode()}).encode(),
        "other-file's": forger.other[manifest.SIGNATURE],
        "huge": protected + b".." + b"A" * 1_000_000,
        "not-ascii": "é..é".encode(),
    }
    for change, signature in spellings.items():
        yield change, _with_signature(forger, signature)


def trust(forger: Forger) -> Named:
    """The right contents under a signature that holds, of somebody who is not to be believed."""
    root, name = forger.root, forger.signer.certificate.subject
    stranger = issue("AC", subject=root.certificate.subject)
    old, new = timedelta(days=-1), timedelta(days=1)
    signers = {
        "self-signed": issue("Signer", ca=False, subject=name),
        "another-authority": issue("Signer", ca=False, subject=name),
        "authority-of-the-same-name": issue("Signer", stranger, ca=False, subject=name),
        "expired": issue("Signer", root, ca=False, end=old),
        "not-yet-valid": issue("Signer", root, ca=False, start=new),
        "not-for-signing": issue("Signer", root, ca=False, usages=["key_encipherment"]),
        "issued-by-the-signer": issue("Signer", forger.signer, ca=False),
    }
    for change, signer in signers.items():
        yield change, forger.resigned(forger.members, signer=signer)
    swapped = {**forger.members, manifest.NAME: forger.other[manifest.NAME]}
    yield "manifest-of-another-run", container.pack(swapped)
    swapped[manifest.SIGNATURE] = forger.other[manifest.SIGNATURE]
    yield "manifest-and-signature-of-another-run", container.pack(swapped)
    review = signing.sign_payload(
        forger.members[manifest.NAME], forger.signer.key, [forger.signer.certificate], NOW, "fhir-harness-review+jws"
    )
    yield "signed-as-a-review", _with_signature(forger, review)
