"""Somebody in front of a browser who says yes or no on the consent page, and the application that sent them there."""

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from harness.sandbox.measures.population import PATIENTS, SOLUTION

CALLBACK = "http://127.0.0.1:7777/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def field(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


def decide(
    page: httpx.Response, decision: str = "allow", who: str = "default", **more: str
) -> tuple[str, dict[str, str]]:
    """Where the form of ``page`` goes, and what it says."""
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None, page.text
    form = {"csrf": field(page.text, "csrf"), "patient": PATIENTS[who].idpe, "decision": decision, **more}
    return action[1].replace("&amp;", "&"), form


class Person:
    """A browser on the consent page."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.http = httpx.Client(headers={"Accept-Language": "en"})

    def open(self, **changes: str | None) -> httpx.Response:
        """Ask for authorization as an application would (None: without that parameter)."""
        asked = {
            "response_type": "code",
            "client_id": SOLUTION.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "state": "s-1",
            "nonce": "n-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return self.http.get(f"{self.issuer}/authorize", params={k: v for k, v in asked.items() if v is not None})

    def decide(
        self, page: httpx.Response, decision: str = "allow", who: str = "default", **more: str
    ) -> httpx.Response:
        """Post the form of ``page``."""
        target, form = decide(page, decision, who, **more)
        return self.http.post(page.url.join(target), data=form)

    def answer(self, response: httpx.Response) -> dict[str, str]:
        """The parameters with which the browser is sent back."""
        assert response.status_code == 303, response.text
        assert response.headers["location"].startswith(CALLBACK)
        return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}

    def token(self, auth: Any = None, **form: str) -> httpx.Response:
        """Ask the token endpoint; a client without ``auth`` is public."""
        sent = form if auth else {"client_id": SOLUTION.client_id, **form}
        return self.http.post(f"{self.issuer}/token", data=sent, auth=auth)

    def redeem(self, code: str, **changes: str) -> httpx.Response:
        """Turn a code into tokens."""
        form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER, **changes}
        return self.token(grant_type="authorization_code", **form)

    def paired(self, who: str = "default", **consents: str) -> dict[str, Any]:
        """The tokens of a new pairing."""
        given = consents or {"read": "yes", "write": "yes"}
        code = self.answer(self.decide(self.open(nonce=None), who=who, **given))
        found = self.redeem(code["code"])
        assert found.status_code == 200, found.text
        told: dict[str, Any] = found.json()
        return told
