"""The authorization server over HTTP: its endpoints, and the page on which a patient says yes or no."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from harness.sandbox.authorization.server import Ask, AuthorizationServer
from harness.sandbox.pages.door import Door
from harness.sandbox.pages.forms import FIELD, Form, Guard, read_form
from harness.sandbox.pages.languages import language
from harness.sandbox.pages.refusal import Refusal
from harness.sandbox.pages.rendering import page, render

PREFIX = "/oauth"
_Endpoint = Callable[[Request], Awaitable[Response]]


class AuthorizationPages:
    """The endpoints of ``server``, below :data:`PREFIX`."""

    def __init__(self, server: AuthorizationServer, guard: Guard, door: Door) -> None:
        self._server = server
        self._guard = guard
        self._door = door

    def routes(self) -> list[BaseRoute]:
        """What Starlette routes here."""
        well_known = "/.well-known/oauth-authorization-server"
        return [
            Route(f"{PREFIX}/authorize", self._page(self.authorize), methods=["GET"]),
            Route(f"{PREFIX}/authorize", self._page(self.posted), methods=["POST"]),
            Route(f"{PREFIX}/decision", self._page(self.decide), methods=["POST"]),
            Route(f"{PREFIX}/token", _machine(self._server.token), methods=["POST"]),
            Route(f"{PREFIX}/revoke", _machine(self._server.revoke), methods=["POST"]),
            Route(f"{PREFIX}/jwks", self.jwks, methods=["GET"]),
            Route(f"{PREFIX}/.well-known/openid-configuration", self.discovery, methods=["GET"]),
            Route(f"{well_known}{PREFIX}", self.discovery, methods=["GET"]),
        ]

    async def discovery(self, _: Request) -> Response:
        """What clients need to know."""
        return JSONResponse(self._server.discovery())

    async def jwks(self, _: Request) -> Response:
        """The keys that check ID tokens."""
        return JSONResponse(self._server.vault.office.jwks())

    async def authorize(self, request: Request) -> Response:
        """Show the consent page, or tell what is wrong with the request (RFC 6749, section 4.1.1)."""
        ask = _ask(request)
        grant = self._server.asked(ask)
        cookie = self._guard.cookie(request)
        pairs = [(name, value) for name, value in ask.query if name != "lang"]
        hint, patients = request.query_params.get("login_hint", ""), self._server.registry.patients
        content = render(
            "authorization/consent.html.j2",
            language(request),
            solution=grant.client.solution,
            patients=list(patients.values()),
            chosen=hint if hint in patients else next(iter(patients)),
            action=f"{PREFIX}/decision?{urlencode(pairs)}",
            here=f"{PREFIX}/authorize?{urlencode(pairs)}",
            csrf=(FIELD, self._guard.seal(cookie)),
            back=_origin(grant.redirect_uri),
        )
        answer = page(content, form_targets=_origin(grant.redirect_uri))
        self._guard.set(answer, cookie)
        return answer

    async def posted(self, request: Request) -> Response:
        """Take an authorization request that was posted (OpenID Connect Core, section 3.1.2.1) to the page."""
        form = await read_form(request)
        return RedirectResponse(f"{PREFIX}/authorize?{urlencode(form.pairs)}", 303)

    async def decide(self, request: Request) -> Response:
        """Note what the patient consents to, and send the browser back with a code, or with a refusal."""
        form = await read_form(request)
        self._guard.check(request, form)
        ask = _ask(request)
        grant = self._server.asked(ask)
        if form.get("decision") != "allow":
            return self._server.decided(ask, grant, None)
        idpe = form.get("patient")
        if idpe not in self._server.registry.patients:
            raise Refusal(
                400, fr="Choisissez un des patients de la page.", en="Choose one of the patients on the page."
            )
        for direction in ("read", "write"):
            self._server.registry.decide(idpe, direction, given=form.get(direction) == "yes")
        return self._server.decided(ask, grant, self._server.vault.pair(grant.client, idpe))

    def _page(self, endpoint: _Endpoint) -> _Endpoint:
        """``endpoint``, whose failures people read."""

        async def guarded(request: Request) -> Response:
            try:
                self._door.named(request.headers.get("host", ""))
                return await endpoint(request)
            except OAuth2Error as error:
                if error.redirect_uri:
                    return self._server.refused(error)
                return _failure(request, 400, f"{error.error}: {error.description}")
            except Refusal as refusal:
                return _failure(request, refusal.status, refusal.reason[language(request)])

        return guarded


def _machine(answer: Callable[[Ask], Response]) -> _Endpoint:
    """An endpoint whose failures programs read (RFC 6749, section 5.2)."""

    async def endpoint(request: Request) -> Response:
        try:
            form = await read_form(request)
        except Refusal as refusal:
            told = {"error": "invalid_request", "error_description": str(refusal)}
            return JSONResponse(told, refusal.status, headers={"Cache-Control": "no-store"})
        return answer(_ask(request, form))

    return endpoint


def _ask(request: Request, form: Form | None = None) -> Ask:
    query = tuple(request.query_params.multi_items()) if form is None else ()
    return Ask("GET" if form is None else "POST", request.headers, query, form.pairs if form is not None else ())


def _failure(request: Request, status: int, reason: str) -> Response:
    return page(render("pages/failure.html.j2", language(request), reason=reason), status)


def _origin(uri: str) -> str:
    """What Content-Security-Policy and people call the place behind ``uri``."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
