"""The authorization server: Authlib's, with the clients, the vault and the messages of this sandbox."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer as OAuthServer
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.grants import BaseGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from starlette.responses import JSONResponse, Response

from harness.sandbox.authorization import grants
from harness.sandbox.authorization.assertion import Assertion
from harness.sandbox.authorization.clients import GRANTS, KEY_METHOD, SCOPES, Client
from harness.sandbox.authorization.vault import Pairing, Vault
from harness.sandbox.measures.population import Registry
from harness.sandbox.measures.tokens import PAIRING_ALGORITHM, TokenOffice

ACCESS_LIFETIME = 900
"""Seconds that an access token lasts: short, so that a session of tests meets a refresh."""
_CANONICAL = "https://sandbox.invalid"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to this server, free of any web framework; ``query`` and ``form`` keep the order of the request."""

    method: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Sequence[tuple[str, str]] = ()
    form: Sequence[tuple[str, str]] = ()


class _Payload(OAuth2Payload):
    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._data = dict(reversed(pairs))
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._lists[name].append(value)

    @property
    def data(self) -> dict[str, str]:
        """The first value of each parameter."""
        return self._data

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        """All values of each parameter."""
        return self._lists


class _Request(OAuth2Request):
    def __init__(self, ask: Ask) -> None:
        # Authlib refuses plain HTTP. A sandbox serves it on loopback and test networks, so the address is left out.
        super().__init__(ask.method, _CANONICAL, headers=ask.headers)
        self._ask = ask
        self.payload = _Payload([*ask.query, *ask.form])

    @property
    def args(self) -> dict[str, str]:
        return dict(reversed(self._ask.query))

    @property
    def form(self) -> dict[str, str]:
        return dict(reversed(self._ask.form))


class AuthorizationServer(OAuthServer):
    """Pairs the solutions of ``registry`` with its patients; the tokens go to ``office``, where the measures API looks.

    ``redirect_uris`` are addresses, beyond loopback, to which every client may have its answers sent.
    """

    def __init__(self, registry: Registry, office: TokenOffice, redirect_uris: Iterable[str] = ()) -> None:
        super().__init__()
        self.registry = registry
        self.vault = Vault(office)
        allowed = tuple(redirect_uris)
        self.clients = {one.client_id: Client(one, allowed) for one in registry.solutions.values()}
        self.register_token_generator("default", BearerTokenGenerator(_token, _token, ACCESS_LIFETIME))
        self.register_client_auth_method("none", _public)
        self.register_client_auth_method(KEY_METHOD, Assertion([self.issuer, f"{self.issuer}/token"]))
        self.register_grant(grants.AuthorizationCode, [grants.ProofKey(), grants.CodeClaims(self.vault)])
        self.register_grant(grants.Rotation, [grants.RefreshClaims(self.vault)])
        self.register_grant(grants.ClientCredentials)
        self.register_endpoint(grants.Revocation)

    @property
    def issuer(self) -> str:
        """The address that names this server."""
        return self.vault.office.issuer

    def discovery(self) -> dict[str, Any]:
        """What clients need to know (OpenID Connect Discovery, section 3; RFC 8414)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "jwks_uri": f"{self.issuer}/jwks",
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": list(GRANTS),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [PAIRING_ALGORITHM],
            "token_endpoint_auth_methods_supported": list(grants.METHODS),
            "token_endpoint_auth_signing_alg_values_supported": ["ES256", "RS256"],
            "revocation_endpoint_auth_methods_supported": list(grants.METHODS),
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "idPe", "solutionOid"],
            "ui_locales_supported": ["fr", "en"],
        }

    def asked(self, ask: Ask) -> BaseGrant:
        """The authorization request in ``ask``, checked. Raises OAuth2Error."""
        with _told():
            return self.get_consent_grant(ask)

    def decided(self, ask: Ask, grant: BaseGrant, pairing: Pairing | None) -> Response:
        """The redirection that ends an authorization: with a code for ``pairing``, or a refusal without one."""
        answer: Response = self.create_authorization_response(ask, grant_user=pairing, grant=grant)
        return answer

    def refused(self, error: OAuth2Error) -> Response:
        """What tells the client what was wrong with its request: a redirection where it named a good place for one."""
        return self.handle_response(*error())

    def token(self, ask: Ask) -> Response:
        """The answer of the token endpoint."""
        return self._machine(ask, self.create_token_response)

    def revoke(self, ask: Ask) -> Response:
        """The answer of the revocation endpoint."""
        return self._machine(ask, partial(self.create_endpoint_response, "revocation"))

    def _machine(self, ask: Ask, answer: Callable[[Ask], Response]) -> Response:
        try:
            with _told():
                return answer(ask)
        except OAuth2Error as error:
            return self.refused(error)

    def query_client(self, client_id: str) -> Client | None:
        """The client that is registered under ``client_id``."""
        return self.clients.get(client_id)

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Keep the digests of what was issued."""
        self.vault.keep_access(token["access_token"], request.client, token["expires_in"], request.user)
        if "refresh_token" in token:
            self.vault.keep_refresh(token["refresh_token"], token.get("scope", ""), request.user)

    def create_oauth2_request(self, request: Ask | OAuth2Request) -> OAuth2Request:
        """What Authlib works on."""
        return request if isinstance(request, OAuth2Request) else _Request(request)

    def handle_response(self, status: int, body: Any, headers: Iterable[tuple[str, str]]) -> Response:
        """The answer, for Starlette; a redirection is one that a browser follows with GET (RFC 9700, section 4.12)."""
        found = {**dict(headers), "Cache-Control": "no-store"}
        if isinstance(body, dict):
            return JSONResponse(body, status, headers={k: v for k, v in found.items() if k != "Content-Type"})
        return Response(body, 303 if status == 302 else status, headers=found)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


@contextmanager
def _told() -> Iterator[None]:
    """Turn what Authlib raises for values that cannot be decoded, or quoted in a message, into an OAuth2Error."""
    try:
        yield
    except ValueError:
        raise InvalidRequestError("A parameter holds characters that are not allowed there.") from None


def _token(**_: Any) -> str:
    return secrets.token_urlsafe(32)


def _public(query_client: Any, request: OAuth2Request) -> Client | None:
    """The client of a request that proves nothing; one that tries to, and fails, is not taken for a public one."""
    asked = request.payload.data
    if request.headers.get("Authorization") or asked.get("client_secret") or asked.get("client_assertion"):
        return None
    found: Client | None = query_client(asked.get("client_id", ""))
    return found
