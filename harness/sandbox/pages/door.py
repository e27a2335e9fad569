"""Who may see the pages: who names this machine by its address and, beyond loopback, holds a key."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from harness.sandbox.pages.refusal import Refusal

PARAMETER = "key"
_COOKIE = "fhir-harness-key"


class Door:
    """Lets requests in by the name that they call this machine, and by ``key`` where there is one.

    A page of another site can make its own name point here (DNS rebinding), and would then count as ours for the
    browser. So the name has to be an address, ``localhost``, or one of ``names``.
    """

    def __init__(self, names: Iterable[str] = (), *, locked: bool = False) -> None:
        self._names = {"localhost", *(name.lower() for name in names)}
        self.key = secrets.token_urlsafe(18) if locked else None

    def named(self, request: Request) -> None:
        """Raises Refusal (421) for a request to a name that is not known to be ours."""
        host = _name(request.headers.get("host", ""))
        if host not in self._names and not _is_address(host):
            raise Refusal(
                421,
                fr=f"Le bac à sable ne répond pas au nom « {host} ». Utilisez son adresse, ou --public-url.",
                en=f"The sandbox does not answer to the name '{host}'. Use its address, or --public-url.",
            )

    def enter(self, request: Request) -> Response | None:
        """None when the request may go on, or the answer that hands out the cookie for the key in its address.

        Raises Refusal: 421 as :meth:`named`, 403 without the key.
        """
        self.named(request)
        if self.key is None or _same(request.cookies.get(_COOKIE, ""), self.key):
            return None
        if request.method == "GET" and _same(request.query_params.get(PARAMETER, ""), self.key):
            answer = RedirectResponse(request.url.path, 303)
            answer.set_cookie(_COOKIE, self.key, httponly=True, samesite="lax", path="/")
            return answer
        raise Refusal(
            403,
            fr="Cette page demande sa clé : ouvrez l'adresse entière que le bac à sable a affichée.",
            en="This page needs its key: open the whole address that the sandbox printed.",
        )


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
