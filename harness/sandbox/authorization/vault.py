"""What is kept of codes and refresh tokens: their digests, what they stand for, and the pairing they come from."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from authlib.oauth2.rfc6749 import TokenMixin
from authlib.oidc.core import AuthorizationCodeMixin

from harness.sandbox.authorization.clients import Client
from harness.sandbox.measures.tokens import Grant, TokenOffice, digest

CODE_LIFETIME = 60
"""Seconds in which a code has to be used."""
PAIRING_LIFETIME = 7 * 24 * 3600
"""Seconds that a pairing lasts, and with it its refresh tokens."""
_ROOM = 10_000
"""How many of each are kept; beyond, the oldest go."""


class _Ending(Protocol):
    @property
    def expires(self) -> float: ...


_E = TypeVar("_E", bound=_Ending)


@dataclass(frozen=True, slots=True)
class Pairing:
    """One consent that a patient gave to a solution; every token that came from it ends with it.

    Times are seconds since the epoch.
    """

    id: str
    client: Client
    idpe: str
    since: float
    expires: float


@dataclass(frozen=True)
class Code(AuthorizationCodeMixin):
    """What an authorization code stands for."""

    client_id: str
    redirect_uri: str
    scope: str
    pairing: Pairing
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    expires: float
    spent: bool = False

    def get_redirect_uri(self) -> str:
        """Where the code was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What was granted."""
        return self.scope

    def get_nonce(self) -> str | None:
        """The value that ties the ID token to the request."""
        return self.nonce

    def get_auth_time(self) -> int:
        """When the patient said yes."""
        return int(self.pairing.since)


@dataclass(frozen=True)
class Refresh(TokenMixin):
    """What a refresh token stands for; ``name`` is its digest."""

    name: str
    scope: str
    pairing: Pairing
    spent: bool = False

    @property
    def expires(self) -> float:
        """It lasts as long as the pairing."""
        return self.pairing.expires

    def check_client(self, client: Client) -> bool:
        """True when it was issued to ``client``."""
        return self.pairing.client is client

    def get_scope(self) -> str:
        """What was granted."""
        return self.scope


class Vault:
    """The codes and refresh tokens of one authorization server; ``office`` keeps the access tokens.

    A code serves once and a refresh token serves once. Who shows either a second time may have stolen it, so the whole
    pairing ends (RFC 6749, section 4.1.2; RFC 9700, section 4.14.2).
    """

    def __init__(self, office: TokenOffice) -> None:
        self.office = office
        self._codes: Mapping[str, Code] = {}
        self._refresh: Mapping[str, Refresh] = {}
        self._pairings: Mapping[str, Pairing] = {}
        self._lock = threading.RLock()

    def pair(self, client: Client, idpe: str) -> Pairing:
        """Begin a pairing between ``client`` and the patient ``idpe``."""
        now = self.office.clock()
        made = Pairing(secrets.token_hex(8), client, idpe, now, now + PAIRING_LIFETIME)
        with self._lock:
            self._pairings = self._with(self._pairings, made.id, made)
        return made

    def pairings(self) -> tuple[Pairing, ...]:
        """The pairings that hold, the oldest first."""
        now = self.office.clock()
        with self._lock:
            return tuple(pairing for pairing in self._pairings.values() if pairing.expires > now)

    def unpair(self, pairing: str) -> None:
        """End ``pairing``, known or not, and every token that came from it."""
        with self._lock:
            self._pairings = {name: one for name, one in self._pairings.items() if name != pairing}
            self._codes = {name: one for name, one in self._codes.items() if one.pairing.id != pairing}
            self._refresh = {name: one for name, one in self._refresh.items() if one.pairing.id != pairing}
        self.office.end(pairing)

    def keep_code(self, text: str, code: Code) -> None:
        """Keep ``code`` under its text."""
        with self._lock:
            self._codes = self._with(self._codes, digest(text), code)

    def spend_code(self, text: str, client: Client) -> Code | None:
        """The code of this text, which serves no other time; None when it is not one that ``client`` may use now."""
        name = digest(text)
        with self._lock:
            found = self._codes.get(name)
            if found is None or found.expires <= self.office.clock() or found.pairing.client is not client:
                return None
            if found.spent:
                self.unpair(found.pairing.id)
                return None
            self._codes = {**self._codes, name: replace(found, spent=True)}
            return found

    def knows_nonce(self, client_id: str, nonce: str) -> bool:
        """True when ``client_id`` used ``nonce`` for a code that is still kept."""
        with self._lock:
            return any(code.client_id == client_id and code.nonce == nonce for code in self._codes.values())

    def keep_refresh(self, text: str, scope: str, pairing: Pairing) -> None:
        """Keep a refresh token."""
        with self._lock:
            self._refresh = self._with(self._refresh, digest(text), Refresh(digest(text), scope, pairing))

    def refresh(self, text: str) -> Refresh | None:
        """The refresh token of this text; None when it is unknown, has ended or was spent."""
        with self._lock:
            found = self._refresh.get(digest(text))
            if found is None or found.expires <= self.office.clock():
                return None
            if found.spent:
                self.unpair(found.pairing.id)
                return None
            return found

    def spend_refresh(self, kept: Refresh) -> None:
        """Let ``kept`` serve no other time."""
        with self._lock:
            if kept.name in self._refresh:
                self._refresh = {**self._refresh, kept.name: replace(kept, spent=True)}

    def keep_access(self, text: str, client: Client, lifetime: float, pairing: Pairing | None) -> None:
        """Keep an access token, for the patient of ``pairing`` or, without one, for the solution itself."""
        idpe, name = (pairing.idpe, pairing.id) if pairing is not None else ("", "")
        self.office.admit(text, Grant(client.solution.oid, idpe, self.office.clock() + lifetime, name))

    def _with(self, kept: Mapping[str, _E], name: str, new: _E) -> Mapping[str, _E]:
        """``kept`` and ``new``, without what has ended, nor more than there is room for."""
        now = self.office.clock()
        holding = [(key, one) for key, one in kept.items() if one.expires > now]
        return dict([*holding, (name, new)][-_ROOM:])
