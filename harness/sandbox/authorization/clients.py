"""The clients of the authorization server: the solutions that are registered with the sandbox."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import ClientMixin
from joserfc.jwk import ECKey, RSAKey

from harness.sandbox.measures.population import Solution
from harness.sandbox.measures.tokens import digest

SCOPES = ("openid", "offline_access")
"""What is understood of ``scope``; the rest is left aside (OpenID Connect Core, section 3.1.2.1)."""
KEY_METHOD = "private_key_jwt"
Key = ECKey | RSAKey
GRANTS = ("authorization_code", "refresh_token", "client_credentials")
_LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})


class Client(ClientMixin):
    """A solution as a client: public, with PKCE, or confidential once it has a secret or a public ``key``.

    ``redirect_uris`` are compared whole. Redirection to a loopback address is always allowed, on any port: that is how
    an application on the tester's own machine gets its answer (RFC 8252, section 7.3).
    """

    def __init__(self, solution: Solution, redirect_uris: Collection[str] = ()) -> None:
        self.solution = solution
        self._redirect_uris = frozenset(redirect_uris)
        self._secret: str | None = None
        """Digest of the client secret."""
        self.key: Key | None = None

    def new_secret(self) -> str:
        """Give this client a secret, in place of the one it had; only its digest is kept."""
        made = secrets.token_urlsafe(24)
        self._secret = digest(made)
        return made

    def get_client_id(self) -> str:
        """The identifier it was registered with."""
        return self.solution.client_id

    def get_default_redirect_uri(self) -> str | None:
        """None: a request has to say where its answer goes."""
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        """What is granted of ``scope``: what is understood of it."""
        return " ".join(name for name in dict.fromkeys((scope or "").split()) if name in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """True when an answer may go to ``redirect_uri``."""
        if redirect_uri in self._redirect_uris:
            return True
        if "#" in redirect_uri or not (redirect_uri.isascii() and redirect_uri.isprintable()):
            return False  # RFC 6749, section 3.1.2; and what cannot stand in a Location
        try:
            parts = urlsplit(redirect_uri)
            host = parts.netloc.removesuffix(f":{parts.port}") if parts.port is not None else parts.netloc
        except ValueError:
            return False
        return parts.scheme == "http" and host in _LOOPBACK

    def check_client_secret(self, client_secret: str) -> bool:
        """True for the secret of this client."""
        return self._secret is not None and hmac.compare_digest(self._secret, digest(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        """True when this client may prove itself by ``method``; without secret and key, there is nothing but PKCE."""
        return method == "none" or (self.key if method == KEY_METHOD else self._secret) is not None

    def check_response_type(self, response_type: str) -> bool:
        """True for ``code``: the implicit grant is not offered (RFC 9700, section 2.1.2)."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """True for the grants that are offered."""
        return grant_type in GRANTS
