"""HAR 1.2: every exchange, for browsers' network panels and whatever else reads such files."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from harness import __version__
from harness.engine.awaiting import COMMAND
from harness.engine.codec import encode, pieces
from harness.engine.events import StepFinished
from harness.engine.exchange import Exchange, Headers, header
from harness.engine.results import RunResult

_UNKNOWN = -1


def render(run: RunResult) -> Iterator[bytes]:
    """Yield the run as a HAR file, entry by entry: a page a test, an entry an exchange."""
    pages, made = [], []
    for name, title, started, steps in _pages(run):
        of_page = [
            (name, step, exchange)
            for step in steps
            for exchange in step.exchanges
            if exchange.request.method != COMMAND
        ]
        if of_page:
            timings = {"onContentLoad": _UNKNOWN, "onLoad": _UNKNOWN}
            pages.append({"id": name, "title": title, "startedDateTime": started, "pageTimings": timings})
            made += of_page
    made.sort(key=lambda one: one[2].started)
    creator = {"name": "fhir-harness", "version": __version__}
    entries = (_entry(*one) for one in made)
    yield from pieces({"log": {"version": "1.2", "creator": creator, "pages": pages, "entries": entries}}, ())
    yield b"\n"


def _pages(run: RunResult) -> Iterator[tuple[str, str, str, list[StepFinished]]]:
    for source in run.started.test_sets:
        found = run.sets.get(source.id)
        if found is None:
            continue
        yield f"{source.id}#setup", f"{source.id}: set-up", run.started.started, found.setup
        for test in found.tests.values():
            title = test.started.title.get("en") or test.started.test
            yield f"{source.id}/{test.started.test}", title, test.started.now, test.steps
        yield f"{source.id}#cleanup", f"{source.id}: clean-up", run.started.started, found.cleanup


def _entry(page: str, step: StepFinished, exchange: Exchange) -> dict[str, Any]:
    milliseconds = exchange.elapsed * 1000
    return {
        "pageref": page,
        "startedDateTime": exchange.started,
        "time": milliseconds,
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": step.summary,
    }


def _request(exchange: Exchange) -> dict[str, Any]:
    request = exchange.request
    query = parse_qsl(request.url.partition("#")[0].partition("?")[2], keep_blank_values=True)
    found: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "httpVersion": exchange.response.http_version if exchange.response else "HTTP/1.1",
        "cookies": [],
        "headers": _headers(request.headers),
        "queryString": [{"name": name, "value": value} for name, value in query],
        "headersSize": _UNKNOWN,
        "bodySize": len(request.body),
    }
    if request.body:
        found["postData"] = {"mimeType": header(request.headers, "content-type") or "", **_body(request.body)}
    return found


def _response(exchange: Exchange) -> dict[str, Any]:
    answer = exchange.response
    content: dict[str, Any] = {"size": 0, "mimeType": ""}
    if answer is not None:
        content = {"size": len(answer.body), "mimeType": answer.header("content-type") or "", **_body(answer.body)}
    return {
        "status": answer.status if answer else 0,
        "statusText": "" if answer else exchange.error or "",
        "httpVersion": answer.http_version if answer else "",
        "cookies": [],
        "headers": _headers(answer.headers) if answer else [],
        "content": content,
        "redirectURL": (answer.header("location") or "") if answer else "",
        "headersSize": _UNKNOWN,
        "bodySize": len(answer.body) if answer else _UNKNOWN,
    }


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _body(body: bytes) -> dict[str, str]:
    shown = encode(body)
    return {"text": shown["text"]} if "text" in shown else {"text": shown["base64"], "encoding": "base64"}
