"""JWS over what is signed (RFC 7515, detached as in its appendix F) with the certificate chain in ``x5c``.

Three algorithms and no other: ES256, EdDSA (Ed25519, RFC 8037), PS256. ``none``, HMAC and unknown ``crit`` are refused.
"""

import base64
import binascii
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.utils import CryptographyDeprecationWarning
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, OKPKey, RSAKey

from harness.errors import AcceptanceError

ALGORITHMS = ("ES256", "EdDSA", "PS256")
TYPE = "fhir-harness-acceptance+jws"
MAX_CHAIN = 10
MAX_BYTES = 64 * 1024
"""Of a whole signature: it is read before anything is known about who made it."""
RSA_BITS = range(2048, 8193)
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HEADER_MEMBERS = frozenset({"alg", "typ", "iat", "x5c"})

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
Jwk = ECKey | OKPKey | RSAKey


class _Registry(jws.JWSRegistry):
    max_header_length = MAX_BYTES
    max_payload_length = 4 * 1024 * 1024
    max_signature_length = 1024

    def get_alg(self, name: str) -> JWSAlgModel:
        """Return one of the three. No warning about EdDSA: the curve is fixed here, which is what RFC 9864 asks for."""
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not allowed")
        return self.algorithms[name]


_REGISTRY = _Registry(strict_check_header=False)


@dataclass(frozen=True)
class Signature:
    """A signature whose arithmetic holds; whether its chain is trusted is another question (``trust``)."""

    algorithm: str
    signed_at: datetime
    """As the signer claims, UTC."""
    chain: tuple[x509.Certificate, ...]
    """The signer's certificate first, each next one its issuer."""


def load_private_key(pem: bytes, password: bytes | None = None, *, name: str | Path = "") -> PrivateKey:
    """Return the private key in ``pem``: EC P-256, Ed25519 or RSA of 2048 to 8192 bits.

    Raises AcceptanceError; its message begins with ``name``, the file's, where there is one.
    """
    place = f"{name}: " if name else ""
    try:
        key = load_pem_private_key(pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise AcceptanceError(
            f"{place}no private key can be read; give a PEM file without a password (-----BEGIN PRIVATE KEY-----)"
        ) from problem
    match key:
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()) | ed25519.Ed25519PrivateKey():
            return key
        case rsa.RSAPrivateKey() if key.key_size in RSA_BITS:
            return key
    raise AcceptanceError(f"{place}the private key must be EC P-256, Ed25519, or RSA of 2048 to 8192 bits")


def load_chain(pem: bytes, *, name: str | Path = "") -> tuple[x509.Certificate, ...]:
    """Return the certificates in ``pem``, in their order.

    Raises AcceptanceError when there is none; its message begins with ``name``, the file's, where there is one.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except (ValueError, x509.InvalidVersion) as problem:
        place = f"{name}: " if name else ""
        raise AcceptanceError(
            f"{place}no certificate can be read; give a PEM file (-----BEGIN CERTIFICATE-----)"
        ) from problem


def sign_payload(
    payload: bytes, key: PrivateKey, chain: Sequence[x509.Certificate], signed_at: datetime, kind: str = TYPE
) -> bytes:
    """Return the detached compact JWS over ``payload``.

    ``chain`` begins with the certificate of ``key``; ``signed_at`` goes into ``iat`` (whole seconds); ``kind`` into
    ``typ``, so that a signature under one kind of document is none under another. Raises AcceptanceError when key and
    certificate do not belong together.
    """
    if not chain or _spki(chain[0].public_key()) != _spki(key.public_key()):
        raise AcceptanceError(
            "the first certificate of the chain is not the private key's; put the signer's certificate first"
        )
    header = {
        "alg": _algorithm(key.public_key()),
        "typ": kind,
        "iat": int(signed_at.timestamp()),
        "x5c": [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode("ascii") for certificate in chain],
    }
    compact = jws.serialize_compact(header, payload, _jwk(key), registry=_REGISTRY)
    protected, _, signature = compact.encode("ascii").split(b".")
    if header["alg"] == "ES256":
        signature = _encode(_lower(_decode(signature)))
    return b"..".join([protected, signature])


def check_signature(signature: bytes, payload: bytes, kind: str = TYPE) -> Signature:
    """Return what the detached JWS ``signature`` says of itself, once it verifies over ``payload`` with its own chain.

    Raises AcceptanceError, with what is wrong, in every other case.
    """
    header, chain = _read_header(signature, kind)
    check_arithmetic(signature, payload, chain[0].public_key())
    value = _decode(_split(signature)[1])
    if header["alg"] == "ES256" and _lower(value) != value:
        raise AcceptanceError("the signature's s is above half of the group's order: it is the mirror of what was made")
    return Signature(header["alg"], datetime.fromtimestamp(header["iat"], UTC), chain)


def check_arithmetic(signature: bytes, payload: bytes, public_key: Any) -> None:
    """Raise AcceptanceError unless the detached compact JWS ``signature`` is that of ``public_key`` over ``payload``.

    The key alone decides on the algorithm; the header may only agree.
    """
    parts = _split(signature)
    header = _json(parts[0])
    algorithm = _algorithm(public_key)
    if header.get("alg") not in ALGORITHMS:
        raise AcceptanceError(f"the signature's algorithm is not one of {', '.join(ALGORITHMS)}")
    if header["alg"] != algorithm:
        raise AcceptanceError(f"the signature's algorithm {header['alg']!r} does not belong to its certificate's key")
    if "crit" in header or "b64" in header:
        raise AcceptanceError("the signature's header holds crit or b64, which this format does not know")
    try:
        jws.deserialize_compact(signature, _jwk(public_key), registry=_REGISTRY, payload=payload)
    except (JoseError, ValueError, TypeError) as problem:
        raise AcceptanceError(f"the signature does not match what it should cover: {problem}") from problem


def _split(signature: bytes) -> tuple[bytes, bytes]:
    """Return header and signature of a detached compact JWS, still encoded."""
    if len(signature) > MAX_BYTES:
        raise AcceptanceError(f"the signature is longer than {MAX_BYTES} bytes")
    parts = signature.split(b".")
    if len(parts) != 3 or parts[1] or not parts[0] or not parts[2]:
        raise AcceptanceError("the signature is not a detached compact JWS (header..signature)")
    try:
        _decode(parts[2])
    except ValueError as problem:
        raise AcceptanceError(f"the signature cannot be read: {problem}") from problem
    return parts[0], parts[2]


def _json(encoded: bytes) -> dict[str, Any]:
    try:
        header = json.loads(_decode(encoded).decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as problem:
        raise AcceptanceError(f"the signature's header cannot be read: {problem}") from problem
    if not isinstance(header, dict):
        raise AcceptanceError("the signature's header is no JSON object")
    return header


def _read_header(signature: bytes, kind: str) -> tuple[dict[str, Any], tuple[x509.Certificate, ...]]:
    header = _json(_split(signature)[0])
    if header.get("alg") not in ALGORITHMS:
        raise AcceptanceError(f"the signature's algorithm is not one of {', '.join(ALGORITHMS)}")
    if set(header) != _HEADER_MEMBERS or header["typ"] != kind or type(header["iat"]) is not int:
        raise AcceptanceError(f"the signature's header must hold exactly alg, typ {kind!r}, iat and x5c")
    if not 0 <= header["iat"] < 2**33:
        raise AcceptanceError("the signature's iat is not a time of this era")
    encoded = header["x5c"]
    if not isinstance(encoded, list) or not 1 <= len(encoded) <= MAX_CHAIN:
        raise AcceptanceError(f"the signature's x5c must hold 1 to {MAX_CHAIN} certificates")
    try:
        with warnings.catch_warnings():  # that the library tells of a certificate's oddities: the chain is judged below
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            chain = tuple(x509.load_der_x509_certificate(base64.b64decode(item, validate=True)) for item in encoded)
            for certificate in chain:
                certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as problem:
        raise AcceptanceError(f"a certificate in the signature's x5c cannot be read: {problem}") from problem
    return header, chain


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a header member stands twice")
    return members


def _decode(part: bytes) -> bytes:
    """Decode base64url as RFC 7515 has it: no padding, and one possible spelling for given bytes."""
    try:
        data = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except binascii.Error as problem:
        raise ValueError(f"not base64url: {problem}") from problem
    if _encode(data) != part:
        raise ValueError("not canonical base64url")
    return data


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _lower(signature: bytes) -> bytes:
    """Of the two ECDSA signatures (r, s) and (r, n - s) that both verify, return the one with the smaller s."""
    s = int.from_bytes(signature[32:])
    return signature[:32] + min(s, _P256_ORDER - s).to_bytes(32)


def _algorithm(key: Any) -> str:
    match key:
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return "ES256"
        case ed25519.Ed25519PublicKey():
            return "EdDSA"
        case rsa.RSAPublicKey() if key.key_size in RSA_BITS:
            return "PS256"
    raise AcceptanceError("the certificate's key must be EC P-256, Ed25519, or RSA of 2048 to 8192 bits")


def _jwk(key: Any) -> Jwk:
    match key:
        case ec.EllipticCurvePrivateKey() | ec.EllipticCurvePublicKey():
            return ECKey(key, key)
        case ed25519.Ed25519PrivateKey() | ed25519.Ed25519PublicKey():
            return OKPKey(key, key)
        case _:
            return RSAKey(key, key)


def _spki(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded
