"""The HTTP face: one Starlette application around a :class:`~harness.sandbox.service.Service`."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from harness.sandbox import negotiation
from harness.sandbox.call import Answer, Call
from harness.sandbox.problems import Problem
from harness.sandbox.service import Service

PREFIX = "/fhir"
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_BODYLESS = frozenset({204, 304})


def create_app(service: Service) -> Starlette:
    """The application that serves ``service`` under ``/fhir``."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await _body(request, service.policy.max_body)
        except Problem as problem:
            call = _call(request, b"")
            return _response(service, call, Answer(problem.status, problem.headers, resource=problem.outcome()))
        except ClientDisconnect:
            return Response(status_code=400)
        call = _call(request, body)
        answer = await run_in_threadpool(service.handle, call)
        return _response(service, call, answer)

    async def elsewhere(request: Request) -> Response:
        problem = Problem(404, "not-found", f"The FHIR service is at {PREFIX}.")
        return _response(service, _call(request, b""), Answer(problem.status, resource=problem.outcome()))

    return Starlette(
        routes=[
            Route(PREFIX, endpoint, methods=_METHODS),
            Route(PREFIX + "/{path:path}", endpoint, methods=_METHODS),
            Route("/{path:path}", elsewhere, methods=_METHODS),
        ]
    )


async def _body(request: Request, limit: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise Problem(413, "too-long", f"The body is larger than the {limit} octets that this server takes.")
        parts.append(part)
    return b"".join(parts)


def _call(request: Request, body: bytes) -> Call:
    return Call(
        method=request.method,
        base=f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}{PREFIX}",
        path=request.path_params.get("path", "").strip("/"),
        query=tuple(parse_qsl(request.url.query, keep_blank_values=True)),
        headers={name: ", ".join(request.headers.getlist(name)) for name in request.headers},
        body=body,
    )


def _response(service: Service, call: Call, answer: Answer) -> Response:
    try:
        form = negotiation.answer_format(call)
    except Problem:
        form = negotiation.DEFAULT  # a refusal has to be told in some format
    content, media_type = negotiation.render(answer, form, service.definitions)
    headers = dict(answer.headers)
    if answer.status in _BODYLESS:
        return Response(status_code=answer.status, headers=headers)
    if media_type is not None:
        headers["Content-Type"] = media_type
    return Response(content, status_code=answer.status, headers=headers)
