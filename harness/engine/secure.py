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
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.errors import UsageError

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
            raise UsageError(f"{self.ca}: not a PEM file of certificates: {problem}; mend tls.ca") from problem
        context.options |= ssl.OP_NO_RENEGOTIATION
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
            where = f"{certificate} with {key}" if key else certificate
            raise UsageError(
                f"{where}: the client's certificate cannot be used: {problem}; mend tls.certificate, key and password"
            ) from problem

    def _load_pkcs12(self, context: ssl.SSLContext, path: str) -> None:
        try:
            found = pkcs12.load_pkcs12(Path(path).read_bytes(), (self.password or "").encode())
        except (OSError, ValueError) as problem:
            raise UsageError(f"{path}: the PKCS#12 file cannot be used: {problem}; mend tls.pkcs12") from problem
        if found.key is None or found.cert is None:
            raise UsageError(f"{path}: holds no private key with its certificate; mend tls.pkcs12")
        chain = [found.cert, *found.additional_certs]
        pem = b"".join(one.certificate.public_bytes(Encoding.PEM) for one in chain)
        pem += found.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            _load_pem(context, pem)
        except (OSError, ssl.SSLError) as problem:
            raise UsageError(f"{path}: its certificate cannot be used: {problem}; mend tls.pkcs12") from problem


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
