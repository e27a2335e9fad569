"""Forms: read within bounds, and posted only from a page of this sandbox (no cross-site request forgery)."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from harness.sandbox.pages.refusal import Refusal

COOKIE = "fhir-harness-page"
FIELD = "csrf"
MAX_FORM = 64 * 1024
"""Octets that a form may have."""
_MAX_FIELDS = 100
_OURS = re.compile(r"[\w-]{32}", re.ASCII)
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in their order."""

    pairs: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """The first value of ``name``, or ""."""
        return next((value for key, value in self.pairs if key == name), "")


async def read_form(request: Request) -> Form:
    """Read a form. Raises Refusal: 413 for one that is too large, 415 for another format, 400 for too many fields."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Refusal(415, fr=f"Envoyez les paramètres en {_FORM}.", en=f"Send the parameters as {_FORM}.")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_FORM:
            raise Refusal(
                413,
                fr=f"Le formulaire dépasse {MAX_FORM} octets.",
                en=f"The form is larger than {MAX_FORM} octets.",
            )
        parts.append(part)
    try:
        text = b"".join(parts).decode("utf-8", "replace")
        return Form(tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)))
    except ValueError:
        raise Refusal(
            400,
            fr=f"Le formulaire a plus de {_MAX_FIELDS} champs.",
            en=f"The form has more than {_MAX_FIELDS} fields.",
        ) from None


class Guard:
    """Ties each form to the browser that it was shown to: a cookie that no other site can read, and its seal.

    A state-changing request needs the cookie, the seal of it in the form, and no sign of another site
    (``Sec-Fetch-Site``, ``Origin``).
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def seal(self, cookie: str) -> str:
        """The value that goes into forms for the browser that holds ``cookie``."""
        return hmac.new(self._key, cookie.encode(), sha256).hexdigest()

    def cookie(self, request: Request) -> str:
        """The cookie of this browser, or a new one."""
        found = request.cookies.get(COOKIE, "")
        return found if _OURS.fullmatch(found) else secrets.token_urlsafe(24)

    def set(self, response: Response, cookie: str) -> None:
        """Let the browser keep ``cookie``, for this site alone."""
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="lax", path="/")

    def check(self, request: Request, form: Form) -> None:
        """Raises Refusal (403) for a form that was not posted from a page of this sandbox."""
        cookie = request.cookies.get(COOKIE, "")
        sealed = hmac.compare_digest(self.seal(cookie).encode(), form.get(FIELD).encode("utf-8", "replace"))
        if not cookie or not sealed or not _same_site(request.headers):
            raise Refusal(
                403,
                fr="Ce formulaire ne vient pas d'une page de ce bac à sable, ou date d'avant lui : rechargez la page.",
                en="This form does not come from a page of this sandbox, or is older than it: reload the page.",
            )


def _same_site(headers: Mapping[str, str]) -> bool:
    site = headers.get("sec-fetch-site", "same-origin")
    origin = headers.get("origin")
    ours = origin is None or origin.partition("://")[2] == headers.get("host")
    return ours and site in {"same-origin", "none"}
