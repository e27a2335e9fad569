"""The HTTP face: one Starlette application around services, each under a base path of its own."""

from __future__ import annotations

from asyncio import sleep, timeout
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, request_response
from starlette.types import Receive, Scope, Send

from harness.fhir.definitions import Definitions
from harness.sandbox import codec, negotiation
from harness.sandbox.call import Answer, Call
from harness.sandbox.limits import BODY_SECONDS, Room
from harness.sandbox.openapi import description
from harness.sandbox.policy import Policy
from harness.sandbox.problems import Problem

PREFIX = "/fhir"
MEASURES_PREFIX = "/mes"
_INERT = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
"""What is stored may be a page: no browser runs it as one of ours (W3C Content Security Policy, section 6.3.2)."""
_BODYLESS = frozenset({204, 304})


class Handler(Protocol):
    """What answers below one base path."""

    @property
    def definitions(self) -> Definitions:
        """What its answers are written with."""
        ...

    @property
    def policy(self) -> Policy:
        """Its choices."""
        ...

    def handle(self, call: Call) -> Answer:
        """Answer ``call``; never raises."""
        ...


def create_app(
    services: Mapping[str, Handler], pages: Sequence[BaseRoute] = (), middleware: Sequence[Middleware] = ()
) -> Starlette:
    """The application that serves each of ``services`` under its base path, such as ``/fhir``, and ``pages``."""
    routes = list(pages)
    room = Room()
    for prefix, handler in services.items():
        endpoint = _Endpoint(prefix, handler, room)
        routes += [Route(path, endpoint) for path in (prefix, prefix + "/{path:path}")]
    first = next(iter(services))

    async def elsewhere(request: Request) -> Response:
        problem = Problem(404, "not-found", f"The services are at {', '.join(services)}.")
        return _response(services[first], _call(request, first, b""), Answer(404, resource=problem.outcome()))

    routes.append(Route("/openapi.json", _description(services)))
    app = Starlette(routes=routes, middleware=middleware)
    app.router.default = request_response(elsewhere)
    return app


def _description(services: Mapping[str, Handler]) -> Callable[[Request], Response]:
    """What tells the services, as they declare themselves, in the terms of OpenAPI."""

    @cache
    def made() -> bytes:
        asked = Call("GET", "", "metadata")
        statements = {prefix: handler.handle(asked).resource or {} for prefix, handler in services.items()}
        guarded = {name: services[name].policy.id_token_header for name in (MEASURES_PREFIX,) if name in services}
        return codec.emit(description(statements, guarded))

    def described(_: Request) -> Response:
        return Response(made(), media_type="application/json")

    return described


class _Endpoint:
    """The ASGI application of one service; without the layers that Starlette puts around functions."""

    def __init__(self, prefix: str, handler: Handler, room: Room) -> None:
        self._prefix = prefix
        self._handler = handler
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        with self._room.guest() as take:
            response = await self._answer(Request(scope, receive), take)
        await response(scope, receive, send)

    async def _answer(self, request: Request, take: Callable[[int], None]) -> Response:
        handler = self._handler
        try:
            body = await _body(request, handler.policy.max_body, take)
        except Problem as problem:
            refused = Answer(problem.status, problem.headers, resource=problem.outcome())
            return _response(handler, _call(request, self._prefix, b""), refused)
        except ClientDisconnect:
            return Response(status_code=400)
        call = _call(request, self._prefix, body)
        async with self._room.turn(len(body)):
            answer = await run_in_threadpool(handler.handle, call)
        if answer.delay:
            await sleep(answer.delay)
        return _response(handler, call, answer)


async def _body(request: Request, limit: int, take: Callable[[int], None]) -> bytes:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        told = "This server takes bodies without content encoding."
        raise Problem(415, "not-supported", told, headers={"Accept-Encoding": "identity"})
    parts, size = [], 0
    try:
        async with timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    told = f"The body is larger than the {limit} octets that this server takes."
                    raise Problem(413, "too-long", told)
                take(len(part))
                parts.append(part)
    except TimeoutError:
        told = f"The body did not come within {BODY_SECONDS:g} seconds."
        raise Problem(408, "timeout", told, headers={"Connection": "close"}) from None
    return b"".join(parts)


def _call(request: Request, prefix: str, body: bytes) -> Call:
    return Call(
        method=request.method,
        base=f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}{prefix}",
        path=request.path_params.get("path", "").strip("/"),
        query=tuple(parse_qsl(request.url.query, keep_blank_values=True)),
        headers={name: ", ".join(request.headers.getlist(name)) for name in request.headers},
        body=body,
    )


def _response(handler: Handler, call: Call, answer: Answer) -> Response:
    try:
        form = negotiation.answer_format(call)
    except Problem:
        form = negotiation.DEFAULT  # a refusal has to be told in some format
    try:
        content, media_type = negotiation.render(answer, form, handler.definitions)
    except Problem as problem:
        answer, form = Answer(problem.status, resource=problem.outcome()), negotiation.DEFAULT
        content, media_type = negotiation.render(answer, form, handler.definitions)
    headers = {**_INERT, **answer.headers}
    if answer.status in _BODYLESS:
        return Response(status_code=answer.status, headers=headers)
    if media_type is not None:
        headers["Content-Type"] = media_type
    return Response(content, status_code=answer.status, headers=headers)
