"""A refusal as a whole HTTP answer, where no application is asked."""

from __future__ import annotations

from starlette.types import Send

from harness.sandbox import codec
from harness.sandbox.problems import Problem

Reply = tuple[int, tuple[tuple[str, str], ...], bytes]
"""Status, headers and body of an answer."""


def reply(problem: Problem) -> Reply:
    """The answer that tells ``problem``, as an OperationOutcome in JSON."""
    headers = (("Content-Type", "application/fhir+json; charset=utf-8"), *problem.headers.items())
    return problem.status, headers, codec.emit(problem.outcome())


async def refuse(problem: Problem, send: Send) -> None:
    """Answer with ``problem`` (ASGI 3)."""
    status, headers, body = reply(problem)
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
