"""How the candidate's TLS is spoken: whom to trust, and the certificate that the harness shows."""

import os
import ssl
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12KeyAndCertificates
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.errors import UsageError
from harness.reason import Reason, told

FILES = ("ca", "certificate", "key", "pkcs12")
"""Members that are paths, relative to the candidate file."""


@dataclass(frozen=True)
class Tls:
    """How the server's certificate is checked, and what is shown when the server asks for one."""

    verify: bool = True
    ca: str | None = None
    """PEM file of the trusted authorities; None for those of the system."""
    certificate: str | None = None
    """PEM file of the client's certificate and its chain."""
    key: str | None = None
    """PEM file of its private key; None when it is in the same file."""
    pkcs12: str | None = None
    """PKCS#12 file of certificate, chain and key, in place of the two."""
    password: str | None = field(default=None, repr=False)

    def context(self, *, shown: bool = True) -> ssl.SSLContext:
        """Return the TLS settings; with ``shown`` false, without the client's certificate.

        Raises UsageError when a file cannot be used.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as problem:
            raise UsageError(
                f"{self.ca}: not a PEM file of certificates: {_system(problem)}; mend tls.ca",
                f"{self.ca} : pas un fichier PEM de certificats : {_system(problem)} ; corriger tls.ca",
            ) from problem
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.hostname_checks_common_name = False  # RFC 9110, section 4.3.4: it must not be used
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if shown and self.certificate is not None:
            self._load(context, self.certificate, self.key)
        elif shown and self.pkcs12 is not None:
            self._load_pkcs12(context, self.pkcs12)
        return context

    def _load(self, context: ssl.SSLContext, certificate: str, key: str | None) -> None:
        try:
            # Without a password OpenSSL would ask for one on the terminal: an empty one makes it fail instead.
            context.load_cert_chain(certificate, key, self.password or "")
        except (OSError, ssl.SSLError) as problem:
            why = _why(certificate, key or certificate, self.password) or told(problem)
            raise UsageError(
                f"the client's certificate cannot be used: {why}; mend tls.certificate, key and password",
                f"le certificat du client est inutilisable : {why.fr} ; corriger tls.certificate, key et password",
            ) from problem

    def _load_pkcs12(self, context: ssl.SSLContext, path: str) -> None:
        found = self._opened(path)
        if found.key is None or found.cert is None:
            raise UsageError(
                f"{path}: holds no private key with its certificate; mend tls.pkcs12",
                f"{path} : ne contient pas de clé privée avec son certificat ; corriger tls.pkcs12",
            )
        chain = [found.cert, *found.additional_certs]
        pem = b"".join(one.certificate.public_bytes(Encoding.PEM) for one in chain)
        pem += found.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            _load_pem(context, pem)
        except (OSError, ssl.SSLError) as problem:
            raise UsageError(
                f"{path}: its certificate cannot be used: {problem}; mend tls.pkcs12",
                f"{path} : son certificat est inutilisable : {problem} ; corriger tls.pkcs12",
            ) from problem

    def _opened(self, path: str) -> PKCS12KeyAndCertificates:
        try:
            return pkcs12.load_pkcs12(Path(path).read_bytes(), (self.password or "").encode())
        except (OSError, ValueError) as problem:
            said = _system(problem)
            raise UsageError(
                f"{path}: the PKCS#12 file cannot be used: {said}; mend tls.pkcs12, or tls.password",
                f"{path} : le fichier PKCS#12 est inutilisable : {said} ; corriger tls.pkcs12, ou tls.password",
            ) from problem

    def own(self) -> x509.Certificate | None:
        """Return the client's certificate, or None without one. Raises UsageError, ValueError when none can be read."""
        if self.certificate is not None:
            return x509.load_pem_x509_certificate(Path(self.certificate).read_bytes())
        found = None if self.pkcs12 is None else self._opened(self.pkcs12).cert
        return None if found is None else found.certificate


def _system(problem: Exception) -> str:
    """Return what the system says of a file; the message has its name already."""
    return problem.strerror or str(problem) if isinstance(problem, OSError) else str(problem)


def _why(certificate: str, key: str, password: str | None) -> Reason | None:
    """Return what is wrong with PEM files that OpenSSL does not take, nor says why; None when nothing is found."""
    for path in (certificate, key):
        try:
            data = Path(path).read_bytes()
        except OSError as problem:
            return Reason(f"{path}: {problem.strerror}", f"{path} : {problem.strerror}")
    try:
        public = x509.load_pem_x509_certificate(Path(certificate).read_bytes()).public_key()
    except ValueError:
        return Reason(
            f"{certificate} holds no certificate in PEM", f"{certificate} ne contient pas de certificat en PEM"
        )
    try:
        private = load_pem_private_key(data, password.encode() if password and b"ENCRYPTED" in data else None)
    except TypeError:
        return Reason(f"{key} is encrypted, and tls.password is missing", f"{key} est chiffré, et tls.password manque")
    except ValueError:
        if password and b"ENCRYPTED" in data:
            return Reason(f"tls.password does not open {key}", f"tls.password n'ouvre pas {key}")
        return Reason(f"{key} holds no private key in PEM", f"{key} ne contient pas de clé privée en PEM")
    if private.public_key() != public:
        return Reason(
            f"the key of {key} is not that of the certificate in {certificate}",
            f"la clé de {key} n'est pas celle du certificat de {certificate}",
        )
    return None


def show_stranger(context: ssl.SSLContext) -> None:
    """Show a certificate that is valid, was made just now, and that no authority has issued."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fhir-harness, of no authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _load_pem(context, certificate.public_bytes(Encoding.PEM) + pem)


def _load_pem(context: ssl.SSLContext, pem: bytes) -> None:
    # The ssl module reads certificates from files alone; this one is ours only, and gone at once.
    handle, name = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(pem)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
