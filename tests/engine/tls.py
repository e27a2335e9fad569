"""An authority, its certificates, and a server that speaks TLS as it is told, for tests."""

import asyncio
import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.engine.threaded import Threaded

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
BODY = b'{"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "format": ["json"]}'
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n"


@dataclass(frozen=True)
class Issued:
    """A certificate and its key as PEM files, and the objects."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    cert_file: Path
    key_file: Path


class Authority:
    """Issues certificates below ``folder``; ``ca`` is the file to trust."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._count = 0
        builder = self._builder(self._name, self._key, NOW - 900 * DAY, NOW + 300 * DAY)
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .add_extension(usage, True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = certificate
        self.ca = folder / f"{name.replace(' ', '-').lower()}.pem"
        self.ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, name, key, begins, ends):
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(identifier, False)
            .add_extension(authority, False)
        )

    def issue(self, *hosts: str, ends=None, begins=None, key=None, names=None) -> Issued:
        """Return a certificate for ``hosts`` (names and addresses), for servers and clients alike.

        ``names`` are those of its subjectAltName, when they are others.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        hosts = hosts or ("localhost", "127.0.0.1")
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        alternatives = [
            x509.IPAddress(ipaddress.ip_address(host)) if host[0] in ":0123456789" else x509.DNSName(host)
            for host in (hosts if names is None else names)
        ]
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = (
            self._builder(name, key, begins or NOW - 20 * DAY, ends or NOW + 200 * DAY)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(x509.ExtendedKeyUsage(usages), False)
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), False)
        certificate = builder.sign(self._key, hashes.SHA256())
        self._count += 1
        stem = self._folder / f"{self._name.rfc4514_string().replace(' ', '-')}-{self._count}"
        cert_file, key_file = stem.with_suffix(".crt"), stem.with_suffix(".key")
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return Issued(certificate, key, cert_file, key_file)


def server_context(issued: Issued, client_ca: Path | None = None) -> ssl.SSLContext:
    """Settings of a server that shows ``issued``, and demands a client certificate of ``client_ca``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # Pythons differ in what they allow by default
    context.load_cert_chain(issued.cert_file, issued.key_file)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class TLSServer(Threaded):
    """Answers every request on a loopback port of its own, in a thread. ``seen`` holds the head of each request."""

    def __init__(
        self,
        context: ssl.SSLContext | None,
        *headers: bytes,
        body: bytes = BODY,
        status: bytes = b"200 OK",
        host: str = "127.0.0.1",
    ) -> None:
        self.context = context
        self.seen: list[bytes] = []
        self._head = HEADERS.replace(b"200 OK", status) % len(body) + b"".join(line + b"\r\n" for line in headers)
        self._body = body
        self._named = f"[{host}]" if ":" in host else "localhost"
        super().__init__(host, ssl=context, ssl_shutdown_timeout=1 if context else None)
        self._loop.set_exception_handler(lambda *_: None)  # a handshake that fails is what is tested

    @property
    def url(self) -> str:
        """The address: by name, or that of IPv6."""
        return f"{'https' if self.context else 'http'}://{self._named}:{self.port}"

    async def _serve(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.seen.append(head)
            writer.write(self._head + b"Connection: close\r\n\r\n" + self._body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
