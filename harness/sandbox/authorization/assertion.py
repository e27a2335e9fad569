"""Clients that prove who they are with a key of their own: ``private_key_jwt`` (RFC 7523; OpenID Connect Core, 9)."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from harness.errors import UsageError
from harness.sandbox.authorization.clients import KEY_METHOD, Client, Key
from harness.sandbox.measures.tokens import digest

_ROOM = 10_000
"""Identifiers of assertions that are remembered, so that none serves twice."""


class Assertion(JWTBearerClientAssertion):
    """Checks the assertion of a client that has a key; ``audiences`` are the names that this server goes by."""

    CLIENT_AUTH_METHOD = KEY_METHOD

    def __init__(self, audiences: Collection[str]) -> None:
        super().__init__()
        self._audiences = list(audiences)
        self._used: dict[str, None] = {}
        self._lock = threading.Lock()

    def get_audiences(self) -> list[str]:
        """Whom an assertion may be made for."""
        return self._audiences

    def validate_jti(self, claims: jwt.Claims, jti: object) -> bool:
        """False for an assertion that was shown before."""
        name = digest(f"{claims['sub']} {jti}")
        with self._lock:
            if name in self._used:
                return False
            if len(self._used) >= _ROOM:
                del self._used[next(iter(self._used))]
            self._used[name] = None
            return True

    def resolve_client_public_key(self, client: Client) -> Key:
        """The key of ``client``. Raises InvalidClientError when it has none."""
        if client.key is None:
            raise InvalidClientError(description="This client has no key here: start the sandbox with --client-key.")
        return client.key


def public_key(path: Path) -> Key:
    """Read the public key of a client, PEM, RSA or EC. Raises UsageError for what is none, or is a private one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--client-key {path}: cannot be read ({error.strerror}).") from None
    for kind in (ECKey, RSAKey):
        try:
            found: Key = kind.import_key(data)
        except (JoseError, ValueError, TypeError):
            continue
        if found.is_private:
            raise UsageError(
                f"--client-key {path}: this is the private key; give the public one, keep this to yourself."
            )
        return found
    raise UsageError(f"--client-key {path}: not a public key in PEM, RSA or EC.")
