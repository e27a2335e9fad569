"""Access tokens and ID tokens: opaque ones kept as digests, and JWTs signed with a key of this sandbox (RFC 7519)."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from harness.errors import HarnessError
from harness.sandbox.measures.population import Solution

ISSUER = "https://pairing.sandbox.invalid"
LIFETIME = 12 * 3600
"""Seconds that a token lasts: longer than any test session."""
_ALGORITHM = "ES256"
PAIRING_ALGORITHM = "RS256"
"""What OpenID Connect asks every provider to offer, and clients to expect unless they agreed on something else."""
_ROOM = 100_000
"""Access tokens kept before those that ended are swept out and, if that is not enough, the older half."""


class InvalidToken(HarnessError):
    """A token that proves nothing."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What an access token stands for: a solution, a patient, and the second since the epoch when it ends.

    ``idpe`` is empty for a solution that acts for itself; ``pairing`` names the consent that the token came from.
    """

    solution: str
    idpe: str
    expires: float
    pairing: str = ""


def new_key() -> ECKey:
    """A new signing key (P-256)."""
    return ECKey.generate_key("P-256", parameters={"use": "sig", "kid": secrets.token_hex(8)})


def digest(token: str) -> str:
    """What is kept of ``token``: enough to know it again, and nothing that opens a door."""
    return hashlib.sha256(token.encode()).hexdigest()


class TokenOffice:
    """Issues tokens and checks them. ``clock`` gives seconds since the epoch."""

    def __init__(self, issuer: str = ISSUER, clock: Callable[[], float] = time.time) -> None:
        self.issuer = issuer
        self.clock = clock
        self._key = new_key()
        self._pairing_key: RSAKey | None = None
        self._grants: dict[str, Grant] = {}
        self._lock = threading.Lock()

    def jwks(self) -> dict[str, Any]:
        """The public keys that check the ID tokens, as a JWK Set (RFC 7517)."""
        return {"keys": [key.as_dict(private=False) for key in (self.pairing_key(), self._key)]}

    def pairing_key(self) -> RSAKey:
        """The key that signs the ID tokens of pairings; made when it is first asked for, since that takes a while."""
        with self._lock:
            if self._pairing_key is None:
                kid = secrets.token_hex(8)
                self._pairing_key = RSAKey.generate_key(2048, parameters={"use": "sig", "kid": kid})
            return self._pairing_key

    def access_token(self, solution: Solution, idpe: str, lifetime: float = LIFETIME) -> str:
        """Issue an opaque token for ``solution`` to act on the patient ``idpe``; only its digest is kept."""
        token = secrets.token_urlsafe(32)
        self.admit(token, Grant(solution.oid, idpe, self.clock() + lifetime))
        return token

    def admit(self, token: str, grant: Grant) -> None:
        """Let ``token`` stand for ``grant``; only its digest is kept."""
        with self._lock:
            if len(self._grants) >= _ROOM:
                now = self.clock()
                alive = [(name, kept) for name, kept in self._grants.items() if kept.expires > now]
                self._grants = dict(alive if len(alive) < _ROOM else alive[_ROOM // 2 :])
            self._grants[digest(token)] = grant

    def end(self, pairing: str) -> None:
        """End every access token of ``pairing``."""
        with self._lock:
            self._grants = {name: kept for name, kept in self._grants.items() if kept.pairing != pairing}

    def revoke(self, token: str) -> None:
        """End ``token``, known or not (RFC 7009)."""
        with self._lock:
            self._grants.pop(digest(token), None)

    def grant(self, token: str) -> Grant:
        """What ``token`` stands for. Raises InvalidToken when it is unknown, revoked or expired."""
        with self._lock:
            found = self._grants.get(digest(token))
        if found is None:
            raise InvalidToken("the access token is not known here")
        if found.expires <= self.clock():
            raise InvalidToken("the access token has expired")
        return found

    def id_token(
        self, solution: Solution, idpe: str, lifetime: float = LIFETIME, *, key: ECKey | None = None, **other: Any
    ) -> str:
        """Issue an ID token; ``key`` signs in place of the sandbox's, ``other`` claims replace the usual ones."""
        now = int(self.clock())
        claims = {
            "iss": self.issuer,
            "aud": solution.client_id,
            "sub": idpe,
            "idPe": idpe,
            "solutionOid": solution.oid,
            "iat": now - 1,
            "exp": int(now + lifetime),
            **other,
        }
        signing = key or self._key
        return jwt.encode({"alg": _ALGORITHM, "kid": signing.kid}, claims, signing)

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of an ID token. Raises InvalidToken for a bad form, signature, issuer or time."""
        try:
            keys = KeySet([key for key in (self._key, self._pairing_key) if key is not None])
            found = jwt.decode(token, keys, algorithms=[_ALGORITHM, PAIRING_ALGORITHM]).claims
            wanted = jwt.JWTClaimsRegistry(
                now=int(self.clock()),
                iss={"essential": True, "value": self.issuer},
                exp={"essential": True},
                aud={"essential": True},
                idPe={"essential": True},
                solutionOid={"essential": True},
            )
            wanted.validate(found)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise InvalidToken(f"the ID token cannot be trusted: {error}") from None
        return dict(found)
