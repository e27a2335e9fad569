"""A person signs in with a browser: the authorization code grant with PKCE (RFC 7636), and its callback here.

The callback listens on the loopback interface alone (RFC 8252, section 7.3).
"""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlencode, urlsplit

from harness.engine.text import inert
from harness.errors import CandidateError, UsageError

Show = Callable[[str], None]
"""Shows a person the address where they sign in."""

PATIENCE = 300.0
"""Seconds that a person has to sign in."""
_PAGE = "<!doctype html><meta charset=utf-8><title>fhir-harness</title><p>{}</p><p lang=fr>{}</p>"
_TAKEN = "You can close this window.", "Vous pouvez fermer cette fenêtre."
_OTHER = "This is not the answer that was waited for.", "Ce n'est pas la réponse attendue."


class TokenError(CandidateError):
    """No access token could be obtained: what the authorization server said, and what to mend."""


async def sign_in(place: tuple[str, ...], oauth: Mapping[str, Any], show: Show) -> dict[str, str]:
    """Let a person sign in, and return the form that turns the code into tokens (RFC 6749, section 4.1.3).

    ``place`` is that of the identity in the candidate file, ``oauth`` its section. Raises TokenError; UsageError when
    the callback cannot be listened for.
    """
    name = ".".join(place)
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    callback = _Callback(urlsplit(oauth.get("redirect-uri", "http://127.0.0.1/callback")), state)
    back = await callback.open(name)
    try:
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
        async with asyncio.timeout(oauth.get("patience", PATIENCE)):
            found = await callback.answered
    except TimeoutError as problem:
        raise TokenError(
            f"{name}: nobody signed in in time; run again and open the address",
            f"{name} : personne ne s'est connecté à temps ; relancer et ouvrir l'adresse",
        ) from problem
    finally:
        callback.close()
    if "code" not in found:
        said = inert(" ".join(part for key in ("error", "error_description") for part in found.get(key, [])))
        raise TokenError(
            f"{name}: the sign-in was refused: {said or 'no code came back'}; sign in again, or mend oauth.scope",
            f"{name} : la connexion a été refusée : {said or 'aucun code en retour'} ; "
            "se connecter de nouveau, ou corriger oauth.scope",
        )
    return {
        "grant_type": "authorization_code",
        "code": found["code"][0],
        "redirect_uri": back,
        "code_verifier": verifier,
    }


@dataclass
class _Callback:
    """Listens at ``wanted``, on a free port where that names none, for the one answer that has ``state``."""

    wanted: SplitResult
    state: str
    answered: asyncio.Future[dict[str, list[str]]] = field(init=False)
    """The parameters of the answer."""

    async def open(self, name: str) -> str:
        """Return the address to come back to. Raises UsageError when something else listens there."""
        self.answered = asyncio.get_running_loop().create_future()
        self._open: set[asyncio.StreamWriter] = set()
        port = self.wanted.port or 0
        try:
            self._server = await asyncio.start_server(self._take, "127.0.0.1", port)
        except OSError as problem:
            raise UsageError(
                f"{name}.oauth.redirect-uri: port {port} of this machine cannot be listened on; end what uses it, or "
                "have another redirect-uri registered",
                f"{name}.oauth.redirect-uri : impossible d'écouter sur le port {port} de cette machine ; arrêter ce "
                "qui l'occupe, ou faire enregistrer une autre redirect-uri",
            ) from problem
        port = self._server.sockets[0].getsockname()[1]
        return self.wanted._replace(netloc=f"{self.wanted.hostname}:{port}").geturl()

    def close(self) -> None:
        """Listen no more; connections that a browser opened ahead and never used are not waited for."""
        self._server.close()
        for writer in self._open:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            line = (await reader.readuntil(b"\r\n")).decode("latin-1").split(" ")
            target = urlsplit(line[1]) if len(line) > 1 else urlsplit("")
            query = parse_qs(target.query)
            ours = target.path == (self.wanted.path or "/") and query.get("state") == [self.state]
            body = _PAGE.format(*(_TAKEN if ours else _OTHER)).encode()
            head = f"HTTP/1.1 {'200 OK' if ours else '400 Bad Request'}\r\nContent-Type: text/html\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
            await writer.drain()
            if ours and not self.answered.done():
                self.answered.set_result(query)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()
