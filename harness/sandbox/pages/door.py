"""Who may see the pages: who names this machine by its address and, beyond loopback, holds a key."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from harness.sandbox.pages.refusal import Refusal

PARAMETER = "key"
_HOST = re.compile(r"([\w.-]+|\[[\dA-Fa-f:.]+\])(?::\d*)?", re.ASCII)
"""A Host header: a name or an address, and perhaps a port (RFC 9110, section 7.2)."""
_COOKIE = "fhir-harness-key"


class Door:
    """Lets requests in by the name that they call this machine, and by ``key`` where there is one.

    A page of another site can make its own name point here (DNS rebinding), and would then count as ours for the
    browser. So the name has to be an address, one of ``names``, or one that nobody can have in the public DNS: without
    a dot (as containers call each other), below ``localhost`` (RFC 6761, section 6.3), or below ``internal``, which
    ICANN keeps for private use.
    """

    def __init__(self, names: Iterable[str] = (), *, locked: bool = False) -> None:
        self._names = {name.lower() for name in names}
        self.key = secrets.token_urlsafe(18) if locked else None

    def named(self, host: str) -> None:
        """Raises Refusal (421) for a request whose Host header holds a name that is not known to be ours."""
        name = _name(host)
        if name not in self._names and not _is_private(name) and not _is_address(name):
            raise Refusal(
                421,
                fr=f"Le bac à sable ne répond pas au nom « {name} ». Utilisez son adresse, ou --public-url.",
                en=f"The sandbox does not answer to the name '{name}'. Use its address, or --public-url.",
            )

    def enter(self, request: Request) -> Response | None:
        """None when the request may go on, or the answer that hands out the cookie for the key in its address.

        Raises Refusal: 421 as :meth:`named`, 403 without the key.
        """
        self.named(request.headers.get("host", ""))
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
    found = _HOST.fullmatch(host)
    return found[1].strip("[]").lower() if found else ""


def _is_private(name: str) -> bool:
    return bool(name) and ("." not in name or name.endswith((".localhost", ".internal")))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
