"""Hierarchies of certificates for tests, like those of a health authority: root, intermediate, organisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID, ObjectIdentifier

from harness.acceptance.signing import PrivateKey

NOW = datetime.now(UTC)
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: PrivateKey


def issue(
    common_name: str,
    issuer: Holder | None = None,
    *,
    ca: bool = True,
    path_length: int | None = None,
    usages: Sequence[str] | None = None,
    organization: str = "Autorité de test",
    unit: str | None = None,
    start: timedelta = timedelta(days=-2),
    end: timedelta = timedelta(days=2),
    key: PrivateKey | None = None,
    extended: Sequence[str] = (),
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    subject: x509.Name | None = None,
) -> Holder:
    """Return a new holder, issued by ``issuer``, or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    attributes = [(NameOID.COUNTRY_NAME, "FR"), (NameOID.ORGANIZATION_NAME, organization)]
    attributes += [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)] if unit else []
    own = subject or x509.Name(
        [x509.NameAttribute(*pair) for pair in [*attributes, (NameOID.COMMON_NAME, common_name)]]
    )
    usages = usages if usages is not None else (["key_cert_sign", "crl_sign"] if ca else ["digital_signature"])
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(issuer.certificate.subject if issuer else own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + start)
        .not_valid_after(NOW + end)
        .add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
        .add_extension(x509.KeyUsage(**{usage: usage in usages for usage in _USAGES}), critical=True)
    )
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ObjectIdentifier(oid) for oid in extended]), False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signer = issuer.key if issuer else key
    return Holder(builder.sign(signer, _hash(signer)), key)


def revoke(
    issuer: Holder,
    revoked: Sequence[x509.Certificate] = (),
    *,
    signer: Holder | None = None,
    end: timedelta = timedelta(days=1),
) -> x509.CertificateRevocationList:
    """Return a revocation list in the name of ``issuer``, signed by it or by ``signer``."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(NOW - timedelta(days=2))
        .next_update(NOW + end)
    )
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(NOW - timedelta(days=1)).build())
    key = (signer or issuer).key
    return builder.sign(key, _hash(key))


def _hash(key: PrivateKey) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
