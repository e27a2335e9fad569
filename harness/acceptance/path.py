"""The path from a signer's certificate to a trust anchor, and revocation lists (RFC 5280, sections 5 and 6).

The path check is our own because the one in ``cryptography`` is for web servers: it knows no Ed25519, and demands host
names. It is small on purpose: what it does not know (name constraints, other critical extensions) it refuses.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtensionOID

from harness.acceptance.signing import RSA_BITS
from harness.errors import AcceptanceError

_KNOWN_CRITICAL = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)
_WEAK_HASHES = frozenset({"md2", "md4", "md5", "sha1"})


def build_path(chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Return the certificates from the signer to an anchor. Raises AcceptanceError when ``chain`` leads to none.

    Each certificate of ``chain`` must have been issued by the next one, or by an anchor, where the path ends.
    """
    path: list[x509.Certificate] = []
    for position, certificate in enumerate(chain):
        path.append(certificate)
        if certificate in anchors:
            return tuple(path)
        anchor = next((a for a in anchors if issued(certificate, a)), None)
        if anchor is not None:
            return (*path, anchor)
        if position + 1 == len(chain) or not issued(certificate, chain[position + 1]):
            raise AcceptanceError(
                f"{name_of(certificate)} was not issued by a trust anchor, nor by the next certificate of the chain"
            )
    raise AcceptanceError("the signature carries no certificate")


def check_certificates(path: Sequence[x509.Certificate], moments: Sequence[tuple[datetime, str]]) -> None:
    """Raise AcceptanceError with the first rule that a certificate of ``path`` breaks, the signer's first.

    Each must be valid at every one of ``moments`` (instant, and how to say it); the keys must be strong, the issuers
    authorities that may have so many others below them, the signer's key one for signing.
    """
    for position, certificate in enumerate(path):
        with _readable(certificate):
            for moment, what in moments:
                _check_validity(certificate, moment, what)
            _check_strength(certificate, anchor=position == len(path) - 1)
            _check_extensions(certificate, issuer=position > 0, below=position - 1)


def check_revocation(
    path: Sequence[x509.Certificate],
    lists: Sequence[x509.CertificateRevocationList],
    now: datetime,
    *,
    required: bool,
) -> str:
    """Return what the lists say of ``path`` when none of its certificates is revoked. Raises AcceptanceError otherwise.

    A list must be signed by the issuer of the certificate and be valid ``now``. The anchor is believed as it is.
    ``required``: each certificate but the anchor must be covered by a list.
    """
    covered = 0
    for certificate, issuer in pairwise(path):
        issuers_lists = [found for found in lists if found.issuer == issuer.subject]
        for found in issuers_lists:
            with _readable(issuer):
                _check_list(found, issuer, now)
                entry = found.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if entry is not None:
                raise AcceptanceError(
                    f"{name_of(certificate)} was revoked on {entry.revocation_date_utc.isoformat()} by its issuer"
                )
        covered += bool(issuers_lists)
        if required and not issuers_lists:
            raise AcceptanceError(
                f"no revocation list of {name_of(issuer)} was given, so whether {name_of(certificate)} is revoked is "
                "not known; add its list to the policy's crls"
            )
    if not lists:
        return "no revocation list was given: revocation was not looked at"
    return f"not revoked, by the lists of {covered} of {len(path) - 1} issuers"


def issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether ``issuer`` signed ``certificate``, by name and key."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def name_of(certificate: x509.Certificate) -> str:
    """Return the subject for messages."""
    try:
        return certificate.subject.rfc4514_string() or "a certificate without a subject"
    except ValueError:
        return "a certificate whose subject cannot be read"


@contextmanager
def _readable(certificate: x509.Certificate) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as problem:
        raise AcceptanceError(f"{name_of(certificate)}: the certificate cannot be read: {problem}") from problem
    except x509.UnsupportedGeneralNameType as problem:
        raise AcceptanceError(f"{name_of(certificate)}: a kind of name is not known: {problem}") from problem


def _check_validity(certificate: x509.Certificate, moment: datetime, what: str) -> None:
    if moment < certificate.not_valid_before_utc:
        raise AcceptanceError(f"{name_of(certificate)} was not yet valid {what}")
    if moment > certificate.not_valid_after_utc:
        end = certificate.not_valid_after_utc.isoformat()
        raise AcceptanceError(f"{name_of(certificate)} had expired {what}: it ended at {end}")


def _check_strength(certificate: x509.Certificate, *, anchor: bool) -> None:
    """An anchor's own signature is not relied on, so its hash may be an old one."""
    key = certificate.public_key()
    strong = isinstance(key, ed25519.Ed25519PublicKey) or (
        (isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS)
        or (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size >= 256)
    )
    if not strong:
        raise AcceptanceError(
            f"{name_of(certificate)} has a weak key: use EC from P-256, Ed25519, or RSA from 2048 bits"
        )
    algorithm = certificate.signature_hash_algorithm
    if not anchor and algorithm is not None and algorithm.name in _WEAK_HASHES:
        raise AcceptanceError(f"{name_of(certificate)} was issued with the weak hash {algorithm.name}")


def _check_extensions(certificate: x509.Certificate, *, issuer: bool, below: int) -> None:
    extensions = certificate.extensions
    for extension in extensions:
        if extension.critical and extension.oid not in _KNOWN_CRITICAL:
            raise AcceptanceError(
                f"{name_of(certificate)} has a critical extension {extension.oid.dotted_string} that is not known"
            )
    constraints = next((e.value for e in extensions if isinstance(e.value, x509.BasicConstraints)), None)
    usage = next((e.value for e in extensions if isinstance(e.value, x509.KeyUsage)), None)
    if issuer:
        if constraints is None or not constraints.ca:
            raise AcceptanceError(f"{name_of(certificate)} issued a certificate but is no certification authority")
        if usage is not None and not usage.key_cert_sign:
            raise AcceptanceError(f"{name_of(certificate)} issued a certificate but its key usage does not allow it")
        if constraints.path_length is not None and below > constraints.path_length:
            raise AcceptanceError(
                f"{name_of(certificate)} allows {constraints.path_length} authorities below it, found {below}"
            )


def _check_list(found: x509.CertificateRevocationList, issuer: x509.Certificate, now: datetime) -> None:
    where = f"the revocation list of {name_of(issuer)}"
    key = issuer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
        raise AcceptanceError(f"{where} is signed with a kind of key that is not known")
    if not found.is_signature_valid(key):
        raise AcceptanceError(f"{where} does not carry its signature")
    usage = next((e.value for e in issuer.extensions if isinstance(e.value, x509.KeyUsage)), None)
    if usage is not None and not usage.crl_sign:
        raise AcceptanceError(f"{where} is signed by a key that may not sign lists")
    if any(extension.critical for extension in found.extensions):
        raise AcceptanceError(f"{where} has a critical extension (a partial or indirect list); give the whole one")
    if found.last_update_utc > now:
        raise AcceptanceError(f"{where} is from the future")
    if found.next_update_utc is None or found.next_update_utc < now:
        raise AcceptanceError(f"{where} is out of date; get the present one")
