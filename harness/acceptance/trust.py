"""Whom to believe: a policy, and what it demands of a signer and of a run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from harness.acceptance.installed import Installed, Standing
from harness.acceptance.path import build_path, check_certificates, name_of
from harness.engine.events import DefinitionSource, TestSetSource
from harness.errors import AcceptanceError

KEY_USAGES: Mapping[str, str] = {
    "digitalSignature": "digital_signature",
    "contentCommitment": "content_commitment",
    "nonRepudiation": "content_commitment",
}
"""Names of RFC 5280, section 4.2.1.3 (the last is X.509's older name of the second), to those of ``cryptography``."""

SUBJECT_ATTRIBUTES: Mapping[str, x509.ObjectIdentifier] = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "L": NameOID.LOCALITY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
}

_TEST_SET = re.compile(r"(?P<id>[\w.-]+)(?:@(?P<version>[\w.+-]+))?(?:#(?P<digest>[0-9a-f]{16,64}))?")
_DEFINITION = re.compile(r"(?P<name>[\w.-]+)(?:@(?P<version>[\w.+-]+))?(?::(?P<origin>official|restated))?")


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
    """``id``, ``id@version`` or ``id@version#sha256`` (16 digits or more) of test sets that the run must hold whole."""
    required_definitions: tuple[str, ...] = ()
    """``name``, ``name@version``, each with ``:official`` or ``:restated``: packages that must have judged."""
    subject: Mapping[str, str] = field(default_factory=dict)
    """Attribute (:data:`SUBJECT_ATTRIBUTES`) to the value that the signer's subject must have."""
    key_usages: tuple[str, ...] = ("digitalSignature", "contentCommitment")
    """The signer's key usage, where its certificate says one, must hold one of these (:data:`KEY_USAGES`)."""
    extended_key_usages: tuple[str, ...] = ()
    """When given, the signer's certificate must have one of these OIDs as extended key usage."""
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    """Revocation lists to look into."""
    crls_required: bool = False
    """Every certificate below the anchor must be covered by a list."""

    def __post_init__(self) -> None:
        if not self.anchors:
            raise AcceptanceError(
                "the trust policy is empty: name at least one trust anchor (--trust CA.pem, or anchors: in a policy)"
            )
        for required in self.required_test_sets:
            _parsed(_TEST_SET, required, "test set", "id, id@version or id@version#sha256")
        for required in self.required_definitions:
            _parsed(_DEFINITION, required, "definitions", "name, name@version, name:official or name@version:restated")
        for usage in self.key_usages:
            if usage not in KEY_USAGES:
                raise AcceptanceError(f"{usage!r} is no key usage for signing: use one of {', '.join(KEY_USAGES)}")
        for attribute in self.subject:
            if attribute not in SUBJECT_ATTRIBUTES:
                known = ", ".join(SUBJECT_ATTRIBUTES)
                raise AcceptanceError(f"{attribute!r} is no attribute of a subject: use one of {known}")


def check_path(
    chain: Sequence[x509.Certificate], policy: TrustPolicy, signed_at: datetime, now: datetime
) -> tuple[x509.Certificate, ...]:
    """Return the certificates from the signer to the anchor. Raises AcceptanceError with the first rule that fails.

    Each certificate must have been valid at ``signed_at``, and still be valid ``now``: the signer's own clock proves
    nothing.
    """
    found = build_path(chain, policy.anchors)
    check_certificates(found, [(signed_at, "when the file was signed"), (now, "now")])
    return found


def check_signer(certificate: x509.Certificate, policy: TrustPolicy) -> str:
    """Return the signer's subject. Raises AcceptanceError when it is not whom, or for what, the policy demands."""
    subject = name_of(certificate)
    wanted = {**({"O": policy.organization} if policy.organization is not None else {}), **policy.subject}
    for attribute, value in wanted.items():
        oid = SUBJECT_ATTRIBUTES[attribute]
        if value not in [str(a.value) for a in certificate.subject.get_attributes_for_oid(oid)]:
            what = "the organisation" if attribute == "O" else f"{attribute} ="
            raise AcceptanceError(f"signed by {subject}, not by {what} {value!r}")
    extensions = {extension.oid: extension.value for extension in certificate.extensions}
    usage = extensions.get(ExtensionOID.KEY_USAGE)
    if isinstance(usage, x509.KeyUsage) and not any(getattr(usage, KEY_USAGES[u]) for u in policy.key_usages):
        raise AcceptanceError(f"{subject} may not sign: its key usage has none of {', '.join(policy.key_usages)}")
    extended = extensions.get(ExtensionOID.EXTENDED_KEY_USAGE)
    oids = {oid.dotted_string for oid in extended} if isinstance(extended, x509.ExtendedKeyUsage) else set()
    if policy.extended_key_usages and not oids & set(policy.extended_key_usages):
        raise AcceptanceError(
            f"{subject} may not sign for this: its extended key usage has none of "
            f"{', '.join(policy.extended_key_usages)}"
        )
    return subject


def check_age(policy: TrustPolicy, signed_at: datetime, now: datetime) -> None:
    """Raise AcceptanceError when the signature is from the future, or older than the policy allows."""
    if signed_at > now + timedelta(minutes=5):
        raise AcceptanceError(f"signed at {signed_at.isoformat()}, which is yet to come")
    if policy.max_age is not None and now - signed_at > policy.max_age:
        raise AcceptanceError(f"signed at {signed_at.isoformat()}, longer ago than the policy's {policy.max_age}")


def check_test_sets(policy: TrustPolicy, ran: Sequence[TestSetSource], installed: Installed | None = None) -> str:
    """Return what was demanded and found. Raises AcceptanceError with the first test set that lacks.

    One that is demanded without its digest must be that of the catalogue ``installed`` here (by default the one that
    came along), where this has its id and version: anybody can write another under the same name.
    """
    installed = installed or Installed.here()
    present = {source.id: source for source in ran}
    for required in policy.required_test_sets:
        wanted = _parsed(_TEST_SET, required, "test set", "")
        source = present.get(wanted["id"] or "")
        if source is None:
            raise AcceptanceError(f"the policy demands the test set {required!r}, which was not run")
        if wanted["version"] not in (None, source.version):
            raise AcceptanceError(f"the policy demands the test set {required!r}, but version {source.version} was run")
        if wanted["digest"] is not None and not source.digest.startswith(wanted["digest"]):
            raise AcceptanceError(f"the test set {source.id} that was run has another digest: {source.digest}")
        if wanted["digest"] is None and installed.standing(source) is Standing.ALTERED:
            raise AcceptanceError(
                f"the policy demands the test set {required!r}; what was run under this name is altered: "
                f"not the {source.id} {source.version} of this catalogue"
            )
        if source.left_out:
            left_out = ", ".join(source.left_out[:3])
            raise AcceptanceError(f"the policy demands the whole test set {source.id!r}; the run left out {left_out}")
    return f"{len(policy.required_test_sets)} demanded, {len(present)} ran"


def check_definitions(policy: TrustPolicy, judged: Sequence[DefinitionSource]) -> str:
    """Return what was demanded and found. Raises AcceptanceError with the first definitions that did not judge."""
    for required in policy.required_definitions:
        wanted = _parsed(_DEFINITION, required, "definitions", "")
        named = [source for source in judged if source.name == wanted["name"]]
        if not any(
            wanted["version"] in (None, source.version)
            and wanted["origin"] in (None, "official" if source.official else "restated")
            for source in named
        ):
            found = ", ".join(f"{s.name}@{s.version}:{'official' if s.official else 'restated'}" for s in named)
            instead = f"{found} judged" if found else "they did not judge"
            raise AcceptanceError(f"the policy demands the definitions {required!r}; {instead}")
    return f"{len(policy.required_definitions)} demanded, {len(judged)} judged"


def _parsed(pattern: re.Pattern[str], text: str, what: str, form: str) -> dict[str, str | None]:
    found = pattern.fullmatch(text)
    if found is None:
        raise AcceptanceError(f"the policy's {what} {text!r} cannot be read: write {form}")
    return found.groupdict()
