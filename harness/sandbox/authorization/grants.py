"""The grants that are offered, as extensions of Authlib's: what each of them reads from the vault and keeps in it."""

from __future__ import annotations

import time
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request, TokenMixin
from authlib.oauth2.rfc6749 import grants as oauth
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode, OpenIDToken
from joserfc.jwk import RSAKey

from harness.sandbox.authorization.clients import KEY_METHOD, Client
from harness.sandbox.authorization.vault import CODE_LIFETIME, Code, Pairing, Refresh, Vault
from harness.sandbox.measures.tokens import PAIRING_ALGORITHM, Grant, InvalidToken

PROOFS = ("client_secret_basic", "client_secret_post", KEY_METHOD)
METHODS = (*PROOFS, "none")
ID_TOKEN_LIFETIME = 3600
"""Seconds that an ID token lasts; each refresh brings a new one."""


class AuthorizationCode(oauth.AuthorizationCodeGrant):
    """The authorization code grant (RFC 6749, section 4.1); the "user" of Authlib is a pairing."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Keep what was asked for with the code."""
        asked, vault = request.payload.data, self.server.vault
        kept = Code(
            client_id=request.client.get_client_id(),
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            pairing=request.user,
            nonce=asked.get("nonce"),
            code_challenge=asked["code_challenge"],
            code_challenge_method=asked["code_challenge_method"],
            expires=vault.office.clock() + CODE_LIFETIME,
        )
        vault.keep_code(code, kept)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Find the code, which is spent with that, whatever else may be wrong with the request."""
        found: Code | None = self.server.vault.spend_code(code, client)
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing to do: it was spent when it was shown, and is remembered in case it is shown again."""

    def authenticate_user(self, authorization_code: Code) -> Pairing:
        """The pairing of the code."""
        return authorization_code.pairing


class Rotation(oauth.RefreshTokenGrant):
    """The refresh token grant (RFC 6749, section 6): each use gives a new refresh token, and ends the old one."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Refresh | None:
        """Find what the token stands for; Authlib compares the client."""
        found: Refresh | None = self.server.vault.refresh(refresh_token)
        return found

    def authenticate_user(self, refresh_token: Refresh) -> Pairing:
        """The pairing of the token."""
        return refresh_token.pairing

    def revoke_old_credential(self, refresh_token: Refresh) -> None:
        """Spend the token that was shown."""
        self.server.vault.spend_refresh(refresh_token)


class ClientCredentials(oauth.ClientCredentialsGrant):
    """The client credentials grant (RFC 6749, section 4.4), for a solution that acts for itself."""

    TOKEN_ENDPOINT_AUTH_METHODS = PROOFS


class ProofKey(CodeChallenge):
    """PKCE with S256 alone, for every client (RFC 7636; RFC 9700, section 2.1.1)."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: AuthorizationCode, redirect_uri: str) -> None:
        """Raises InvalidRequestError without a challenge, or with another method than S256."""
        asked = grant.request.payload.data
        if not asked.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge': PKCE is required here.")
        if asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("'code_challenge_method' has to be S256.")
        super().validate_code_challenge(grant, redirect_uri)


class _Claims:
    """What the ID token says, for both grants that give one."""

    DEFAULT_EXPIRES_IN = ID_TOKEN_LIFETIME

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def resolve_client_private_key(self, client: Client) -> RSAKey:  # noqa: ARG002
        """The key of the sandbox."""
        return self._vault.office.pairing_key()

    def get_client_algorithm(self, client: Client) -> str:  # noqa: ARG002
        """The algorithm that goes with the key."""
        return PAIRING_ALGORITHM

    def get_encode_header(self, client: Client) -> dict[str, Any]:  # noqa: ARG002
        """The header names the key, so that the JWK Set can hold several."""
        return {"alg": PAIRING_ALGORITHM, "kid": self._vault.office.pairing_key().kid}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        """Issuer and audience. ``iat`` is a second early: clocks of others may be behind ours."""
        return {"iss": self._vault.office.issuer, "aud": [client.get_client_id()], "iat": int(time.time()) - 1}

    def generate_user_info(self, user: Pairing, scope: str) -> dict[str, Any]:  # noqa: ARG002
        """The patient, as the measures API knows them, and the solution that they are paired with."""
        return {"sub": user.idpe, "idPe": user.idpe, "solutionOid": user.client.solution.oid}


class CodeClaims(_Claims, OpenIDCode):
    """The ID token that comes with the first access token (OpenID Connect Core, section 3.1.3.3)."""

    require_nonce = False

    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        """True when the same client used ``nonce`` a short while ago."""
        return self._vault.knows_nonce(request.payload.client_id, nonce)


class RefreshClaims(_Claims, OpenIDToken):
    """The ID token that comes with a refresh (OpenID Connect Core, section 12.2)."""

    def get_compatible_claims(self, request: OAuth2Request) -> dict[str, Any]:
        """The usual claims, with the time of the original authentication."""
        found: dict[str, Any] = super().get_compatible_claims(request)
        return {**found, "auth_time": int(request.user.since)}


class _Access(TokenMixin):
    """An access token, shown to be revoked."""

    def __init__(self, text: str, grant: Grant) -> None:
        self.text = text
        self._grant = grant

    def check_client(self, client: Client) -> bool:
        """True when it was issued to ``client``."""
        return self._grant.solution == client.solution.oid


class Revocation(RevocationEndpoint):
    """Revocation (RFC 7009). A revoked refresh token takes its pairing with it, so the access tokens too."""

    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Refresh | _Access | None:  # noqa: ARG002
        """Find a token of either kind: a wrong hint does no harm."""
        found: Refresh | None = self.server.vault.refresh(token_string)
        if found is not None:
            return found
        try:
            return _Access(token_string, self.server.vault.office.grant(token_string))
        except InvalidToken:
            return None

    def revoke_token(self, token: Refresh | _Access, request: OAuth2Request) -> None:  # noqa: ARG002
        """End the token."""
        if isinstance(token, Refresh):
            self.server.vault.unpair(token.pairing.id)
        else:
            self.server.vault.office.revoke(token.text)
