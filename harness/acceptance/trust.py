"""Whom to believe: a policy, and the path from a signer's certificate to one of its anchors (RFC 5280, section 6).

The path check is our own because the one in ``cryptography`` is for web servers: it knows no Ed25519, and demands host
names. It is small on purpose: what it does not know (name constraints, other critical extensions) it refuses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID

from harness.errors import AcceptanceError

_KNOWN_CRITICAL = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)


@dataclass(frozen=True)
class TrustPolicy:
    """What a verifier demands. A policy without anchors is refused: it would believe anybody."""

    anchors: tuple[x509.Certificate, ...]
    """Certificates that are believed as they are."""
    organization: str | None = None
    """The signer's subject must have this organizationName."""
    max_age: timedelta | None = None
    """The signature must not be older."""
    required_test_sets: tuple[str, ...] = ()
    """Ids of test sets that the run must hold."""

    def __post_init__(self) -> None:
        if not self.anchors:
            raise AcceptanceError("the trust policy is empty: name at least one trust anchor (--trust CA.pem)")


def check_path(chain: Sequence[x509.Certificate], policy: TrustPolicy, signed_at: datetime, now: datetime) -> list[str]:
    """Return the subjects from the signer to the anchor. Raises AcceptanceError with the first rule that fails.

    Each certificate must have been valid at ``signed_at``, and still be valid ``now``: without a time stamp of a third
    party the signer's own clock proves nothing.
    """
    path: list[x509.Certificate] = []
    for position, certificate in enumerate(chain):
        path.append(certificate)
        if certificate in policy.anchors:
            break
        anchor = next((a for a in policy.anchors if _issued(certificate, a)), None)
        if anchor is not None:
            path.append(anchor)
            break
        if position + 1 == len(chain) or not _issued(certificate, chain[position + 1]):
            raise AcceptanceError(
                f"{_name(certificate)} was not issued by a trust anchor, nor by the next certificate of the chain"
            )
    for position, certificate in enumerate(path):
        for moment, what in ((signed_at, "when the file was signed"), (now, "now")):
            _check_validity(certificate, moment, what)
        _check_extensions(certificate, issuer=position > 0, below=position - 1)
    _check_subject(path[0], policy)
    return [_name(certificate) for certificate in path]


def check_age(policy: TrustPolicy, signed_at: datetime, now: datetime) -> None:
    """Raise AcceptanceError when the signature is from the future, or older than the policy allows."""
    if signed_at > now + timedelta(minutes=5):
        raise AcceptanceError(f"signed at {signed_at.isoformat()}, which is yet to come")
    if policy.max_age is not None and now - signed_at > policy.max_age:
        raise AcceptanceError(f"signed at {signed_at.isoformat()}, longer ago than the policy's {policy.max_age}")


def _check_validity(certificate: x509.Certificate, moment: datetime, what: str) -> None:
    if moment < certificate.not_valid_before_utc:
        raise AcceptanceError(f"{_name(certificate)} was not yet valid {what}")
    if moment > certificate.not_valid_after_utc:
        end = certificate.not_valid_after_utc.isoformat()
        raise AcceptanceError(f"{_name(certificate)} had expired {what}: it ended at {end}")


def _check_extensions(certificate: x509.Certificate, *, issuer: bool, below: int) -> None:
    try:
        extensions = certificate.extensions
    except ValueError as problem:
        raise AcceptanceError(f"the certificate's extensions cannot be read: {problem}") from problem
    for extension in extensions:
        if extension.critical and extension.oid not in _KNOWN_CRITICAL:
            raise AcceptanceError(
                f"{_name(certificate)} has a critical extension {extension.oid.dotted_string} that is not known"
            )
    constraints = next((e.value for e in extensions if isinstance(e.value, x509.BasicConstraints)), None)
    usage = next((e.value for e in extensions if isinstance(e.value, x509.KeyUsage)), None)
    if issuer:
        if constraints is None or not constraints.ca:
            raise AcceptanceError(f"{_name(certificate)} issued a certificate but is no certification authority")
        if usage is not None and not usage.key_cert_sign:
            raise AcceptanceError(f"{_name(certificate)} issued a certificate but its key usage does not allow it")
        if constraints.path_length is not None and below > constraints.path_length:
            raise AcceptanceError(
                f"{_name(certificate)} allows {constraints.path_length} authorities below it, found {below}"
            )
    elif usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise AcceptanceError(f"{_name(certificate)} may not sign: its key usage lacks digitalSignature")


def _check_subject(certificate: x509.Certificate, policy: TrustPolicy) -> None:
    if policy.organization is None:
        return
    names = [str(a.value) for a in certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)]
    if policy.organization not in names:
        raise AcceptanceError(f"signed by {_name(certificate)}, not by the organisation {policy.organization!r}")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "a certificate without a subject"
