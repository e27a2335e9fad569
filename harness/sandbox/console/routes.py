"""The page for testers over HTTP. What changes something is posted, from this page alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from harness.sandbox.authorization.server import AuthorizationServer
from harness.sandbox.console.report import as_page, people, session
from harness.sandbox.console.stream import events
from harness.sandbox.console.traffic import Exchange, Traffic
from harness.sandbox.console.view import Row, View, readable
from harness.sandbox.measures.population import ASSIGN_AUTH, SOLUTION, Direction
from harness.sandbox.pages.door import Door
from harness.sandbox.pages.forms import FIELD, Form, Guard, read_form
from harness.sandbox.pages.languages import language
from harness.sandbox.pages.refusal import Refusal
from harness.sandbox.pages.rendering import harden, page, render

PREFIX = "/console"
STREAMS = 50
"""How many browsers may listen at once."""
_DIGITS = 15
"""Of a number of an exchange: more than will ever come."""
_Endpoint = Callable[[Request], Awaitable[Response]]
Action = Callable[[Form], str | None]


class Console:
    """The page of the sandbox at ``address``; ``reset`` forgets every resource of its services."""

    def __init__(
        self,
        address: str,
        authorization: AuthorizationServer,
        traffic: Traffic,
        view: View,
        *,
        guard: Guard,
        door: Door,
        reset: Callable[[], None],
        facts: tuple[tuple[str, str], ...],
    ) -> None:
        self._address = address
        self._authorization = authorization
        self._traffic = traffic
        self._view = view
        self._guard = guard
        self._door = door
        self._reset = reset
        self._facts = facts
        self._listening = 0

    def routes(self) -> list[BaseRoute]:
        """What Starlette routes here."""
        actions: dict[str, Action] = {
            "consent": self._consent,
            "unpair": self._unpair,
            "secret": self._secret,
            "clear": self._clear,
            "reset": self._reset_all,
        }
        posted = [Route(f"{PREFIX}/{name}", self._posted(act), methods=["POST"]) for name, act in actions.items()]
        return [
            Route(PREFIX, self._guarded(self.show), methods=["GET"]),
            *posted,
            Route(f"{PREFIX}/events", self._guarded(self.events), methods=["GET"]),
            Route(f"{PREFIX}/report.json", self._guarded(self.report_json), methods=["GET"]),
            Route(f"{PREFIX}/report.html", self._guarded(self.report_html), methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        """The page."""
        return await self._page(request)

    async def events(self, request: Request) -> Response:
        """Requests as they come; a browser that comes back says which one it saw last."""
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return Response(status_code=403)  # another site's page, which could read nothing, but take up the room
        if self._listening >= STREAMS:
            return Response(status_code=503, headers={"Retry-After": "30"})
        last = (request.headers.get("last-event-id") or request.query_params.get("after", "0"))[:_DIGITS]
        lang = language(request)

        def show(exchange: Exchange) -> str:
            return render("console/row.html.j2", lang, row=self._view.row(exchange), readable=readable)

        async def counted() -> Any:
            self._listening += 1
            try:
                async for text in events(self._traffic, int(last) if last.isdecimal() else 0, show):
                    yield text
            finally:
                self._listening -= 1

        answer = StreamingResponse(counted(), media_type="text/event-stream")
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Accel-Buffering"] = "no"
        return answer

    async def report_json(self, _: Request) -> Response:
        """The report for machines."""
        content = orjson.dumps(await self._session(), option=orjson.OPT_INDENT_2 | orjson.OPT_OMIT_MICROSECONDS)
        return _download(content, "application/json", "sandbox-report.json")

    async def report_html(self, request: Request) -> Response:
        """The report for people."""
        content = await run_in_threadpool(as_page, await self._session(), language(request))
        return _download(content.encode("utf-8", "replace"), "text/html; charset=utf-8", "sandbox-report.html")

    async def _session(self) -> dict[str, Any]:
        return session(self._address, self._authorization, await self._rows())

    async def _rows(self) -> list[Row]:
        kept = self._traffic.after(0)
        return await run_in_threadpool(lambda: [self._view.row(exchange) for exchange in kept])

    async def _page(self, request: Request, told: str | None = None) -> Response:
        cookie, lang = self._guard.cookie(request), language(request)
        rows = await self._rows()
        content = await run_in_threadpool(
            render,
            "console/page.html.j2",
            lang,
            address=self._address,
            facts=self._facts,
            system=ASSIGN_AUTH,
            client=SOLUTION,
            people=people(self._authorization),
            rows=list(reversed(rows)),
            last=rows[-1]["number"] if rows else 0,
            readable=readable,
            told=told,
            done=request.query_params.get("done", ""),
            csrf=(FIELD, self._guard.seal(cookie)),
        )
        answer = page(content)
        self._guard.set(answer, cookie)
        return answer

    def _posted(self, act: Action) -> _Endpoint:
        """An endpoint that acts on a form of this page, then shows the page: anew, or with what it says once."""

        async def endpoint(request: Request) -> Response:
            form = await read_form(request)
            self._guard.check(request, form)
            told = await run_in_threadpool(act, form)
            if told is not None:
                return await self._page(request, told)
            done = request.url.path.rpartition("/")[2]
            return RedirectResponse(f"{PREFIX}?lang={language(request)}&done={done}", 303)

        return self._guarded(endpoint)

    def _consent(self, form: Form) -> None:
        direction = form.get("direction")
        if form.get("patient") not in self._authorization.registry.patients or direction not in {"read", "write"}:
            raise Refusal(
                400,
                fr="Choisissez un patient et un sens qui sont sur la page.",
                en="Choose a patient and a direction that are on the page.",
            )
        given = form.get("given") == "yes"
        self._authorization.registry.decide(form.get("patient"), cast("Direction", direction), given=given)

    def _unpair(self, form: Form) -> None:
        self._authorization.vault.unpair(form.get("pairing"))

    def _secret(self, _: Form) -> str:
        return self._authorization.clients[SOLUTION.client_id].new_secret()

    def _clear(self, _: Form) -> None:
        self._traffic.clear()

    def _reset_all(self, _: Form) -> None:
        self._reset()
        self._authorization.registry.reset()
        for pairing in self._authorization.vault.pairings():
            self._authorization.vault.unpair(pairing.id)

    def _guarded(self, endpoint: _Endpoint) -> _Endpoint:
        """``endpoint``, for those who may enter, and whose failures people read."""

        async def guarded(request: Request) -> Response:
            try:
                return self._door.enter(request) or await endpoint(request)
            except Refusal as refusal:
                lang = language(request)
                return page(render("pages/failure.html.j2", lang, reason=refusal.reason[lang]), refusal.status)

        return guarded


def _download(content: bytes, media_type: str, name: str) -> Response:
    answer = Response(content, media_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    harden(answer)
    return answer
