"""What is kept of the requests that come, and what is not."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.console import traffic
from harness.sandbox.console.stream import event, events
from harness.sandbox.console.traffic import HIDDEN, Body, Traffic, shown_headers, shown_pairs
from harness.sandbox.console.watch import Watch


def exchange(**changes):
    return {
        "at": 0.0,
        "elapsed": 0.0,
        "service": "mes",
        "method": "GET",
        "target": "/mes/Observation",
        "status": 200,
        **changes,
    }


def test_the_oldest_make_room(monkeypatch):
    monkeypatch.setattr(traffic, "_KEPT", 3)
    kept = Traffic()
    for _ in range(5):
        kept.record(**exchange())
    assert [one.number for one in kept.after(0)] == [3, 4, 5]
    assert [one.number for one in kept.after(4)] == [5]
    assert [one.number for one in kept.after(99)] == [3, 4, 5], "a number of a sandbox that ran before"


def test_bodies_have_a_budget(monkeypatch):
    monkeypatch.setattr(traffic, "_BUDGET", 100)
    kept = Traffic()
    for length in (60, 50, 30):
        kept.record(**exchange(body=Body(b"x" * length, length)))
    assert [one.number for one in kept.after(0)] == [2, 3]
    kept.clear()
    kept.record(**exchange(body=Body(b"x" * 90, 90)))
    assert [one.number for one in kept.after(0)] == [4]


def test_only_known_headers_are_shown():
    found = shown_headers(
        (("accept", "a/b"), ("authorization", "Bearer abc"), ("x-id-token", "e.y.j"), ("cookie", "c"))
    )
    assert found == (("accept", "a/b"), ("authorization", HIDDEN), ("x-id-token", HIDDEN), ("cookie", HIDDEN))


@pytest.mark.parametrize(
    ("query", "guarded", "shown"),
    [
        ("code=29463-7&x=%7C", False, "code=29463-7&x=%7C"),
        ("access_token=abc&code=1", False, f"access_token={HIDDEN}&code=1"),
        ("code=abc&client_id=c", True, f"code={HIDDEN}&client_id=c"),
        ("Client_Secret=abc", True, f"Client_Secret={HIDDEN}"),
    ],
)
def test_secrets_of_queries_and_forms_are_hidden(query, guarded, shown):
    assert shown_pairs(query, guarded=guarded) == shown


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_an_event_carries_its_data_whole(text):
    made = event(7, text)
    head, _, rest = made.partition("id: 7\n")
    assert head == "event: request\n"
    assert made.endswith("\n\n")
    lines = rest.removesuffix("\n\n").split("\n")
    assert all(line.startswith("data: ") for line in lines)
    assert "\n".join(line.removeprefix("data: ") for line in lines) == text.strip().replace("\r", "")


def test_a_listener_gets_what_was_there_and_what_comes():
    async def go():
        kept = Traffic()
        kept.record(**exchange(target="/first"))
        stream = events(kept, 0, lambda one: one.target)
        got = [await anext(stream), await anext(stream), await anext(stream)]
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        kept.record(**exchange(target="/second"))
        got.append(await waiting)
        rest = asyncio.ensure_future(collect(stream))
        kept.close()
        return got, await rest

    async def collect(stream):
        return [text async for text in stream]

    got, rest = asyncio.run(go())
    assert [text.split("\n")[0] for text in got] == ["retry: 1000", "event: request", ": ", "event: request"]
    assert "data: /second\n" in got[-1]
    assert set(rest) <= {": \n\n"}


def watched(app, path="/mes/x", headers=(), body=b"", guarded=("/oauth/token",)):
    kept = Traffic()
    watch = Watch(app, kept, lambda token: (token or None, None), ("/mes",), guarded)
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"a=1", "headers": headers}
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(watch(scope, receive, send))
    return kept.after(0), sent


def answering(content):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 201, "headers": [(b"ETag", b'W/"1"')]})
        await send({"type": "http.response.body", "body": content})

    return app


def test_what_passes_is_seen_and_not_changed():
    headers = [(b"authorization", b"bearer token-1"), (b"accept", b"a/b")]
    (seen,), sent = watched(answering(b"{}"), headers=headers, body=b"hello")
    assert (seen.method, seen.target, seen.status, seen.body.text, seen.answer.text) == (
        *("POST", "/mes/x?a=1", 201),
        *("hello", "{}"),
    )
    assert (seen.solution, seen.service) == ("token-1", "mes")
    assert seen.answer_headers == (("etag", 'W/"1"'),)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


def test_what_a_client_has_whole_was_recorded_before():
    kept = Traffic()
    recorded = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        recorded.append(len(kept.after(0)))

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    scope = {"type": "http", "method": "GET", "path": "/mes/x", "headers": []}
    asyncio.run(Watch(app, kept, lambda token: (None, None), ("/mes",), ())(scope, receive, send))
    assert recorded == [0, 0, 1]
    assert [one.answer.text for one in kept.after(0)] == ["ab"]


def test_a_large_body_is_cut():
    (seen,), _ = watched(answering(b""), body=b"x" * (traffic.KEPT_BODY + 1))
    assert (len(seen.body.content), seen.body.length, seen.body.whole) == (
        traffic.KEPT_BODY,
        traffic.KEPT_BODY + 1,
        False,
    )


def test_where_tokens_are_given_nothing_secret_is_kept():
    form = b"grant_type=refresh_token&refresh_token=secret-1&client_id=c"
    told = b'{"access_token":"secret-2","token_type":"Bearer","id_token":"secret-3"}'
    (seen,), sent = watched(answering(told), path="/oauth/token", body=form)
    assert "secret" not in repr(seen)
    assert "grant_type=refresh_token" in seen.body.text
    assert sent[-1]["body"] == told
    (seen,), _ = watched(answering(b"secret-4"), path="/oauth/token", body=b"x=1")
    assert seen.answer == Body(b"", 8)


@pytest.mark.parametrize("path", ["/mesures", "/console", "/oauth/authorize", "/"])
def test_the_rest_is_not_seen(path):
    assert watched(answering(b""), path=path)[0] == ()


def test_a_request_that_fails_is_seen():
    async def app(scope, receive, send):
        raise RuntimeError("broken")

    kept = Traffic()
    watch = Watch(app, kept, lambda token: (None, None), ("/mes",), ())
    scope = {"type": "http", "method": "GET", "path": "/mes", "headers": []}
    with pytest.raises(RuntimeError):
        asyncio.run(watch(scope, None, None))
    assert [one.status for one in kept.after(0)] == [500]
