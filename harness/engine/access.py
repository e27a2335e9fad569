"""Access tokens by OAuth 2.0: client credentials, authorization code with PKCE, refresh (RFC 6749, 7523, 7636)."""

import asyncio
import base64
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from harness.engine.candidate import Candidate
from harness.engine.exchange import Headers, Request, Response
from harness.engine.redaction import Redactor
from harness.engine.sign_in import Show, TokenError, sign_in
from harness.engine.text import inert
from harness.errors import CandidateError, HarnessError, UsageError
from harness.reason import told

Fetch = Callable[[Request], Awaitable[Response]]
"""Sends a request and returns the answer as it came, secrets and all. Raises CandidateError."""

EARLY = 30.0
"""Seconds before its end that a token is renewed."""
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFETIME = 60
_SECONDS = re.compile("0*[1-9][0-9]{0,8}")
"""What a lifetime is read from; any other says nothing."""
_SENDABLE = re.compile(r"[!-~]+(?: +[!-~]+)*")
"""What a token is made of (RFC 6749, appendix A.12), so that a header can hold it."""
_PROOFS = ("client_assertion", "code", "code_verifier", "refresh_token")
"""Members of a request for a token that must stay unknown."""
_ADVICE = {
    "invalid_client": (
        "mend oauth.client-id, and client-secret with client-authentication, or private-key with key-id and audience; "
        "an assertion needs the right time on this machine, too",
        "corriger oauth.client-id, et client-secret avec client-authentication, ou private-key avec key-id et audience "
        "; une assertion demande aussi que cette machine soit à l'heure",
    ),
    "invalid_grant": (
        "the code or the refresh token is not taken, or no more: sign in again, and leave oauth.refresh-token out",
        "le code ou le jeton de rafraîchissement n'est pas accepté, ou ne l'est plus : se connecter de nouveau, "
        "et retirer oauth.refresh-token",
    ),
    "invalid_scope": ("mend oauth.scope", "corriger oauth.scope"),
    "unauthorized_client": (
        "have this grant allowed to the client, or mend oauth.grant",
        "faire ouvrir cette autorisation au client, ou corriger oauth.grant",
    ),
    "address": ("mend oauth.token-url", "corriger oauth.token-url"),
    "trouble": (
        "the authorization server fails: see its log, and try again",
        "le serveur d'autorisation est en échec : voir son journal, et réessayer",
    ),
    "other": ("mend oauth in the candidate file", "corriger oauth dans le fichier du candidat"),
}
"""What to do (English, French), by the error of the token endpoint (RFC 6749, section 5.2) or what else came."""
_ADVICE["unsupported_grant_type"] = _ADVICE["unauthorized_client"]


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
    early: float = EARLY
    """Seconds before that when it is renewed."""

    def due(self, clock: float) -> bool:
        """Tell whether it is time to renew the token."""
        return self.ends is not None and clock >= self.ends - self.early

    def ended(self, clock: float) -> bool:
        """Tell whether the token holds no more."""
        return self.ends is not None and clock >= self.ends


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
    if grant.refresh is not None and (oauth["grant"] != "client-credentials" or "refresh-token" in oauth):
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
        self._refused: dict[str, tuple[float, HarnessError]] = {}
        """When a new token was refused last, and why; by the first one."""
        self._lock = asyncio.Lock()

    async def fresh(self, request: Request) -> Request:
        """Return ``request`` with tokens that have not ended. Raises TokenError."""
        authorization = next((value for name, value in request.headers if name.lower() == "authorization"), "")
        first = self._first.get(authorization.removeprefix("Bearer "))
        if first is None:
            return request
        asked = time.monotonic()
        async with self._lock:
            grant = self._now[first.bearer]
            if grant.due(time.monotonic()):
                grant = self._now[first.bearer] = await self._renewed(first.bearer, grant, asked)
        swap = {first.bearer: grant.bearer, **({first.id_token: grant.id_token or ""} if first.id_token else {})}
        return replace(request, headers=tuple((name, _swapped(value, swap)) for name, value in request.headers))

    async def _renewed(self, name: str, grant: Grant, asked: float) -> Grant:
        """Return what stands in place of ``grant``; itself as long as it holds and nothing better is given.

        What was refused since ``asked`` is not asked for again: others waited meanwhile.
        """
        refused = self._refused.get(name)
        if refused is None or refused[0] < asked:
            try:
                found = await renew(grant, self._oauth(grant), self._fetch)
            except HarnessError as problem:
                refused = self._refused[name] = (time.monotonic(), problem)
            else:
                self._learn_all(found)
                return found
        if grant.ended(time.monotonic()):
            raise refused[1]
        return grant

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
    return await _ask(place, oauth, await sign_in(place, oauth, show), fetch)


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
            f"{name}: no token from {url}: {why}; mend oauth.token-url, or see whether that server is running",
            f"{name} : pas de jeton de {url} : {why.fr} ; corriger oauth.token-url, ou voir si ce serveur marche",
        ) from problem
    body = answer.resource if isinstance(answer.resource, dict) else {}
    bearer = body.get("access_token")
    if answer.status != 200 or not isinstance(bearer, str) or not bearer:
        raise _refused(f"{name}: {url}", f"{name} : {url}", answer, redactor)
    _check_tokens(f"{name}: {url}", f"{name} : {url}", body)
    lifetime = str(body.get("expires_in"))
    known = type(body.get("expires_in")) in (int, str) and _SECONDS.fullmatch(lifetime) is not None
    # A token that nobody can renew is used until its end; one that ends soon, for half of its life.
    renewable = oauth["grant"] == "client-credentials" or "refresh_token" in {**body, **form}
    return Grant(
        place,
        bearer,
        body.get("id_token") if isinstance(body.get("id_token"), str) else None,
        body.get("refresh_token") if isinstance(body.get("refresh_token"), str) else None,
        time.monotonic() + int(lifetime) if known else None,
        min(EARLY, int(lifetime) / 2 if known else EARLY) if renewable else 0,
    )


def _refused(begin: str, begin_fr: str, answer: Response, redactor: Redactor) -> TokenError:
    """Return the error that tells what the token endpoint answered in place of a token, and what to mend."""
    body = answer.resource if isinstance(answer.resource, dict) else {}
    said = " ".join(str(body[key]) for key in ("error", "error_description") if key in body)
    shown = inert(redactor.text(said))
    moved = inert(redactor.url(answer.header("location") or ""))
    if 300 <= answer.status < 400:
        advice = "address"
    elif answer.status >= 500 or answer.status == 429:
        advice = "trouble"
    elif str(body.get("error")) in _ADVICE:
        advice = str(body["error"])
    else:
        advice = "address" if not body or answer.status in (404, 405, 410) else "other"
    mend, mend_fr = _ADVICE[advice]
    where, where_fr = (f" to {moved}", f" vers {moved}") if moved and advice == "address" else ("", "")
    return TokenError(
        f"{begin} answered {answer.status}{where} {shown or 'without an access token'}: {mend}",
        f"{begin_fr} a répondu {answer.status}{where_fr} {shown or 'sans access_token'} : {mend_fr}",
    )


def _check_tokens(begin: str, begin_fr: str, body: Mapping[str, Any]) -> None:
    """Raise TokenError for a token that cannot be used."""
    kind = str(body.get("token_type", "Bearer"))
    if kind.lower() != "bearer":  # RFC 6749, section 7.1: a token of an unknown type must not be used
        shown = inert(kind, 40)
        raise TokenError(
            f"{begin} gave a token of the type {shown}; only Bearer is understood",
            f"{begin_fr} a donné un jeton de type {shown} ; seul Bearer est compris",
        )
    for name in ("access_token", "id_token"):
        token = body.get(name)
        if isinstance(token, str) and not _SENDABLE.fullmatch(token):
            raise TokenError(
                f"{begin} gave an {name} that no header can hold (RFC 6749, appendix A.12): have the server mend it",
                f"{begin_fr} a donné un {name} qu'aucun en-tête ne peut contenir (RFC 6749, annexe A.12) : "
                "faire corriger le serveur",
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
        raise UsageError(
            f"{path}: cannot be read: {problem.strerror}; mend oauth.private-key",
            f"{path} : illisible : {problem.strerror} ; corriger oauth.private-key",
        ) from problem
    except (ValueError, TypeError, JoseError) as problem:  # a TypeError where a password is wanted
        kind = "EC" if algorithm.startswith("ES") else "RSA"
        raise UsageError(
            f"{path}: not an {kind} private key in PEM, without a password, as {algorithm} needs; "
            "mend oauth.private-key or oauth.algorithm",
            f"{path} : pas une clé privée {kind} en PEM, sans mot de passe, comme {algorithm} la veut ; "
            "corriger oauth.private-key ou oauth.algorithm",
        ) from problem
