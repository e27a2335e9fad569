"""Access tokens by OAuth 2.0: client credentials, authorization code with PKCE, refresh (RFC 6749, 7523, 7636)."""

import asyncio
import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from harness.engine.candidate import Candidate
from harness.engine.exchange import Headers, Request, Response
from harness.engine.redaction import Redactor
from harness.engine.text import inert
from harness.errors import CandidateError, UsageError
from harness.reason import told

Fetch = Callable[[Request], Awaitable[Response]]
"""Sends a request and returns the answer as it came, secrets and all. Raises CandidateError."""

Show = Callable[[str], None]
"""Shows a person the address where they sign in."""

EARLY = 30.0
"""Seconds before its end that a token is renewed."""
PATIENCE = 300.0
"""Seconds that a person has to sign in."""
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFETIME = 60
_SECONDS = re.compile("[0-9]{1,9}")
"""What a lifetime is read from; any other says nothing."""
_PROOFS = ("client_assertion", "code", "code_verifier", "refresh_token")
"""Members of a request for a token that must stay unknown."""
_PAGE = b"<!doctype html><meta charset=utf-8><title>fhir-harness</title><p>%b</p>"


class TokenError(CandidateError):
    """No access token could be obtained: what the authorization server said, and what to mend."""


@dataclass(frozen=True)
class Grant:
    """The tokens of one identity."""

    place: tuple[str, ...]
    """Where the identity stands in the candidate file."""
    bearer: str = field(repr=False)
    id_token: str | None = field(default=None, repr=False)
    refresh: str | None = field(default=None, repr=False)
    ends: float | None = None
    """Reading of the monotonic clock at which the token ends; None when the server does not say."""

    def due(self, clock: float) -> bool:
        """Tell whether it is time to renew the token."""
        return self.ends is not None and clock >= self.ends - EARLY


def wanted(content: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield place and content of each identity of a candidate file that has ``oauth`` and no token yet."""
    tables: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [(("identities",), content.get("identities", {}))]
    for name, endpoint in content.get("endpoints", {}).items():
        tables.append((("endpoints", name, "identities"), endpoint.get("identities", {})))
    for place, identities in tables:
        for name, identity in identities.items():
            if "oauth" in identity and "bearer" not in identity:
                yield (*place, name), identity


async def obtain(candidate: Candidate, fetch: Fetch, show: Show) -> tuple[Candidate, tuple[Grant, ...]]:
    """Return ``candidate`` with the tokens of every identity that has ``oauth``, and these tokens.

    Raises TokenError, UsageError.
    """
    grants = []
    content: Any = json.loads(json.dumps(candidate.content))
    for place, identity in list(wanted(candidate.content)):
        grant = await _first(place, identity["oauth"], fetch, show)
        grants.append(grant)
        holder = content
        for name in place:
            holder = holder[name]
        holder["bearer"] = grant.bearer
        if grant.id_token and "id-token-header" in identity["oauth"]:
            holder["id-token"] = {"header": identity["oauth"]["id-token-header"], "value": grant.id_token}
    if not grants:
        return candidate, ()
    found = Candidate.of(content)
    known = {f"{'.'.join(one.place)}.oauth.refresh-token": one.refresh for one in grants if one.refresh}
    return replace(found, secrets={**candidate.secrets, **known, **found.secrets}, salt=candidate.salt), tuple(grants)


async def renew(grant: Grant, oauth: Mapping[str, Any], fetch: Fetch) -> Grant:
    """Return new tokens in place of ``grant``. Raises TokenError when only a person could sign in again."""
    if grant.refresh is not None:
        form = {"grant_type": "refresh_token", "refresh_token": grant.refresh}
        found = await _ask(grant.place, oauth, form, fetch)
        return replace(found, refresh=found.refresh or grant.refresh, id_token=found.id_token or grant.id_token)
    if oauth["grant"] == "client-credentials":
        return await _ask(grant.place, oauth, _client_credentials(oauth), fetch)
    place = ".".join(grant.place)
    raise TokenError(
        f"the access token of {place} has ended, and there is no refresh token; run again",
        f"le jeton d'accès de {place} a expiré, et il n'y a pas de jeton de rafraîchissement ; relancer",
    )


class Tokens:
    """The tokens of a run: each request goes out with the one that holds now, whichever it was made with."""

    def __init__(
        self,
        candidate: Candidate,
        grants: Iterable[Grant],
        fetch: Fetch,
        learn: Callable[[Mapping[str, str]], None],
    ) -> None:
        self._content = candidate.content
        self._fetch = fetch
        self._learn = learn
        self._first = {grant.bearer: grant for grant in grants}
        """By the access token that the run began with."""
        self._now = dict(self._first)
        self._lock = asyncio.Lock()

    async def fresh(self, request: Request) -> Request:
        """Return ``request`` with tokens that have not ended. Raises TokenError."""
        authorization = next((value for name, value in request.headers if name.lower() == "authorization"), "")
        first = self._first.get(authorization.removeprefix("Bearer "))
        if first is None:
            return request
        async with self._lock:
            grant = self._now[first.bearer]
            if grant.due(time.monotonic()):
                grant = self._now[first.bearer] = await renew(grant, self._oauth(grant), self._fetch)
                self._learn_all(grant)
        swap = {first.bearer: grant.bearer, **({first.id_token: grant.id_token or ""} if first.id_token else {})}
        return replace(request, headers=tuple((name, _swapped(value, swap)) for name, value in request.headers))

    def _oauth(self, grant: Grant) -> Mapping[str, Any]:
        holder: Any = self._content
        for name in grant.place:
            holder = holder[name]
        found: Mapping[str, Any] = holder["oauth"]
        return found

    def _learn_all(self, grant: Grant) -> None:
        place = ".".join(grant.place)
        found = {f"{place}.bearer": grant.bearer}
        if grant.id_token:
            found[f"{place}.id-token.value"] = grant.id_token
        if grant.refresh:
            found[f"{place}.oauth.refresh-token"] = grant.refresh
        self._learn(found)


def _swapped(value: str, swap: Mapping[str, str]) -> str:
    scheme, space, token = value.rpartition(" ")
    return f"{scheme}{space}{swap[token]}" if token in swap else value


async def _first(place: tuple[str, ...], oauth: Mapping[str, Any], fetch: Fetch, show: Show) -> Grant:
    if "refresh-token" in oauth:
        form = {"grant_type": "refresh_token", "refresh_token": oauth["refresh-token"]}
        found = await _ask(place, oauth, form, fetch)
        return replace(found, refresh=found.refresh or oauth["refresh-token"])
    if oauth["grant"] == "client-credentials":
        return await _ask(place, oauth, _client_credentials(oauth), fetch)
    return await _ask(place, oauth, await _sign_in(place, oauth, show), fetch)


def _client_credentials(oauth: Mapping[str, Any]) -> dict[str, str]:
    return {"grant_type": "client_credentials", **({"scope": oauth["scope"]} if "scope" in oauth else {})}


async def _ask(place: tuple[str, ...], oauth: Mapping[str, Any], form: dict[str, str], fetch: Fetch) -> Grant:
    """Ask the token endpoint (RFC 6749, sections 4.1.3, 4.4.2, 6)."""
    url, proof = oauth["token-url"], ""
    headers: Headers = (("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded"))
    if "private-key" in oauth:
        form |= {"client_assertion_type": _ASSERTION, "client_assertion": _assertion(oauth)}
    elif oauth.get("client-authentication") == "client_secret_post":
        form |= {"client_id": oauth["client-id"], "client_secret": oauth["client-secret"]}
    elif "client-secret" in oauth:
        # Each part is form-encoded before the two are joined (RFC 6749, section 2.3.1).
        pair = "&".join(urlencode({"": part})[1:] for part in (oauth["client-id"], oauth["client-secret"]))
        proof = base64.b64encode(pair.replace("&", ":").encode()).decode()
        headers += (("Authorization", f"Basic {proof}"),)
    else:
        form |= {"client_id": oauth["client-id"]}
    # What an answer may throw back, in the words that it was sent in.
    told_of = {**{key: form[key] for key in _PROOFS if key in form}, "client-secret": oauth.get("client-secret", "")}
    redactor = Redactor({**told_of, "authorization": proof})
    name = ".".join(place)
    try:
        answer = await fetch(Request("POST", url, headers, urlencode(form).encode()))
    except CandidateError as problem:
        why = redactor.reason(told(problem))
        raise TokenError(
            f"{name}: no token from {url}: {why}; mend oauth.token-url",
            f"{name} : pas de jeton de {url} : {why.fr} ; corriger oauth.token-url",
        ) from problem
    body = answer.resource if isinstance(answer.resource, dict) else {}
    bearer = body.get("access_token")
    if answer.status != 200 or not isinstance(bearer, str) or not bearer:
        said = " ".join(str(body[key]) for key in ("error", "error_description") if key in body)
        shown = inert(redactor.text(said))
        raise TokenError(
            f"{name}: {url} answered {answer.status} {shown or 'without an access token'}: "
            "mend oauth in the candidate file",
            f"{name} : {url} a répondu {answer.status} {shown or 'sans access_token'} : "
            "corriger oauth dans le fichier du candidat",
        )
    kind = str(body.get("token_type", "Bearer"))
    if kind.lower() != "bearer":  # RFC 6749, section 7.1: a token of an unknown type must not be used
        shown = inert(kind, 40)
        raise TokenError(
            f"{name}: {url} gave a token of the type {shown}; only Bearer is understood",
            f"{name} : {url} a donné un jeton de type {shown} ; seul Bearer est compris",
        )
    lifetime = body.get("expires_in")
    known = isinstance(lifetime, (int, str)) and _SECONDS.fullmatch(str(lifetime)) is not None
    return Grant(
        place,
        bearer,
        body.get("id_token") if isinstance(body.get("id_token"), str) else None,
        body.get("refresh_token") if isinstance(body.get("refresh_token"), str) else None,
        time.monotonic() + int(str(lifetime)) if known else None,
    )


def _assertion(oauth: Mapping[str, Any]) -> str:
    """Return the signed JWT that proves who the client is (RFC 7523, section 3)."""
    now = int(time.time())
    algorithm = oauth.get("algorithm", "RS256")
    header = {"alg": algorithm, "typ": "JWT", **({"kid": oauth["key-id"]} if "key-id" in oauth else {})}
    claims = {
        "iss": oauth["client-id"],
        "sub": oauth["client-id"],
        "aud": oauth.get("audience", oauth["token-url"]),
        "jti": secrets.token_urlsafe(24),
        "iat": now,
        "exp": now + _ASSERTION_LIFETIME,
    }
    path = oauth["private-key"]
    try:
        key = import_key(Path(path).read_bytes(), "EC" if algorithm.startswith("ES") else "RSA")
        return jwt.encode(header, claims, key, algorithms=[algorithm])
    except OSError as problem:
        raise UsageError(f"{path}: cannot be read: {problem.strerror}; mend oauth.private-key") from problem
    except (ValueError, JoseError) as problem:
        kind = "an EC" if algorithm.startswith("ES") else "an RSA"
        raise UsageError(
            f"{path}: not {kind} private key in PEM, as {algorithm} needs; mend oauth.private-key"
        ) from problem


async def _sign_in(place: tuple[str, ...], oauth: Mapping[str, Any], show: Show) -> dict[str, str]:
    """Let a person sign in, and return the form that turns the code into tokens (RFC 7636, RFC 8252 section 7.3)."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    answered: asyncio.Future[dict[str, list[str]]] = asyncio.get_running_loop().create_future()
    wanted_at = urlsplit(oauth.get("redirect-uri", "http://127.0.0.1:0/callback"))

    async def callback(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readuntil(b"\r\n")).decode("latin-1").split(" ")
            target = urlsplit(line[1]) if len(line) > 1 else urlsplit("")
            query = parse_qs(target.query)
            ours = target.path == wanted_at.path and query.get("state") == [state]
            text = b"You can close this window." if ours else b"This is not the answer that was waited for."
            body = _PAGE % text
            head = f"HTTP/1.1 {'200 OK' if ours else '400 Bad Request'}\r\nContent-Type: text/html\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
            await writer.drain()
            if ours and not answered.done():
                answered.set_result(query)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(callback, "127.0.0.1", wanted_at.port or 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        back = wanted_at._replace(netloc=f"{wanted_at.hostname}:{port}").geturl()
        query = {
            "response_type": "code",
            "client_id": oauth["client-id"],
            "redirect_uri": back,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"scope": oauth["scope"]} if "scope" in oauth else {}),
        }
        address = oauth["authorize-url"]
        show(f"{address}{'&' if '?' in address else '?'}{urlencode(query)}")
        try:
            async with asyncio.timeout(oauth.get("patience", PATIENCE)):
                found = await answered
        except TimeoutError as problem:
            raise TokenError(
                f"{'.'.join(place)}: nobody signed in in time; run again and open the address",
                f"{'.'.join(place)} : personne ne s'est connecté à temps ; relancer et ouvrir l'adresse",
            ) from problem
    if "code" not in found:
        said = inert(" ".join(part for key in ("error", "error_description") for part in found.get(key, [])))
        name = ".".join(place)
        raise TokenError(f"{name}: the sign-in was refused: {said}", f"{name} : la connexion a été refusée : {said}")
    return {
        "grant_type": "authorization_code",
        "code": found["code"][0],
        "redirect_uri": back,
        "code_verifier": verifier,
    }
