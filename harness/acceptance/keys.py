"""Development keys: an authority, and a signer's key and certificate. For trying things; not for a real submission."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from harness.errors import AcceptanceError

KEY, CHAIN, ANCHOR = "key.pem", "chain.pem", "ca.pem"


def new_keys(folder: Path, organization: str, valid_for: timedelta = timedelta(days=365)) -> None:
    """Write ``key.pem`` (EC P-256, readable by its owner only), ``chain.pem`` and ``ca.pem`` (the trust anchor).

    The authority's own key is forgotten, so no other certificate can come from it. Raises AcceptanceError when one of
    the files exists.
    """
    now = datetime.now(UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = _name(organization, f"{organization} development authority")
    authority = (
        _builder(authority_name, authority_name, authority_key.public_key(), now, valid_for)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign=False), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _builder(_name(organization, f"{organization} signer"), authority_name, key.public_key(), now, valid_for)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / KEY, private, 0o600)
        _write(folder / CHAIN, certificate.public_bytes(Encoding.PEM), 0o644)
        _write(folder / ANCHOR, authority.public_bytes(Encoding.PEM), 0o644)
    except FileExistsError as problem:
        raise AcceptanceError(f"{problem.filename}: exists already; choose another --out") from problem
    except OSError as problem:
        raise AcceptanceError(f"{folder}: cannot be written: {problem.strerror}; choose another --out") from problem


def _name(organization: str, common_name: str) -> x509.Name:
    attributes = [(NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common_name)]
    try:
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    except ValueError as problem:
        raise AcceptanceError(f"{organization!r} cannot be the name in a certificate: {problem}") from problem


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, valid_for: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + valid_for)
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not sign,
        crl_sign=not sign,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
