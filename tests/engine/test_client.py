"""The client bears whatever a candidate does."""

import asyncio
import gzip
import socket
import struct
import tracemalloc
import zlib
from contextlib import suppress

import httpcore
import httpx
import pytest
import respx

from harness.engine.candidate import Candidate
from harness.engine.client import Live, Scope
from harness.engine.exchange import Request

BASE = "http://fhir.example/r4"
SCOPE = Scope("set", "test", "test")


class Stream(httpx.AsyncByteStream):
    """A body as it comes from a socket: not looked at before it is read."""

    def __init__(self, body):
        self._body = body

    async def __aiter__(self):
        yield self._body


def candidate(base=BASE, **limits):
    return Candidate.of(
        {
            "base-url": base,
            "identities": {"default": {"bearer": "canary-token"}},
            "limits": {"connect": 2, "read": 1, "total": 2, **limits},
        }
    )


async def exchange(request, **limits):
    live = Live(candidate(**limits))
    try:
        return await live.send(request, SCOPE)
    finally:
        await live.close()


def send(request=None, **limits):
    return asyncio.run(exchange(request or Request("GET", f"{BASE}/metadata"), **limits))


@respx.mock
def test_what_is_recorded_is_redacted():
    route = respx.post(f"{BASE}/Patient").respond(
        201, json={"echo": "canary-token"}, headers={"Location": f"{BASE}/Patient/1", "Set-Cookie": "sid=1"}
    )
    request = Request("POST", f"{BASE}/Patient", (("Authorization", "Bearer canary-token"),), b'{"a":"canary-token"}')
    made = send(request)
    assert route.calls.last.request.headers["authorization"] == "Bearer canary-token"
    assert made.response.status == 201
    assert made.response.header("location") == f"{BASE}/Patient/1"
    assert made.error is None
    assert made.started.endswith("Z")
    assert "canary-token" not in repr(made)
    assert made.request.body == '{"a":"«redacted:identities.default.bearer»"}'.encode()
    assert "sid=1" not in repr(made)


@respx.mock
def test_redirects_cookies_and_the_environments_proxies_are_not_followed(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    respx.get(f"{BASE}/metadata").respond(302, headers={"Location": "http://evil.example/", "Set-Cookie": "a=b"})

    async def twice():
        live = Live(candidate())
        try:
            await live.send(Request("GET", f"{BASE}/metadata"), SCOPE)
            return await live.send(Request("GET", f"{BASE}/metadata"), SCOPE)
        finally:
            await live.close()

    assert asyncio.run(twice()).response.status == 302
    assert "cookie" not in respx.calls.last.request.headers
    assert len(respx.calls) == 2


@respx.mock
@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (httpcore.ConnectError("refused"), "connect"),
        (httpcore.ConnectTimeout("slow"), "timeout"),
        (httpcore.ReadTimeout("slow"), "timeout"),
        (httpcore.ReadError("reset"), "connection-lost"),
        (httpcore.RemoteProtocolError("garbage"), "protocol"),
        (httpcore.UnsupportedProtocol("gopher"), "request"),
    ],
)
def test_what_stops_an_exchange_has_a_code(problem, code):
    respx.get(f"{BASE}/metadata").mock(side_effect=problem)
    made = send()
    assert (made.response, made.error_code) == (None, code)
    assert made.error


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"Content-Encoding": "gzip"}, gzip.compress(b"0" * 5_000_000), "too-large"),
        ({"Content-Encoding": "deflate"}, zlib.compress(b"0" * 5_000_000), "too-large"),
        ({}, b"0" * 100_001, "too-large"),
        ({"Content-Encoding": "gzip"}, b"this is not gzip", "encoding"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"{}" * 100)[:-12], "encoding"),
        ({"Content-Encoding": "br"}, b"x", "encoding"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"{}") + b"and more", "encoding"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"0" * 60_000) * 2, "too-large"),
        ({"Content-Encoding": "deflate"}, zlib.compress(b"{}") * 2, "encoding"),
    ],
    ids=[
        "gzip bomb",
        "deflate bomb",
        "long",
        "no gzip",
        "cut off",
        "not asked for",
        "more than gzip",
        "long members",
        "more than deflate",
    ],
)
@respx.mock
def test_bodies_over_the_limit_or_broken(headers, body, code):
    respx.get(f"{BASE}/metadata").mock(return_value=httpx.Response(200, headers=headers, stream=Stream(body)))
    assert send(body=100_000).error_code == code


@respx.mock
def test_no_body_takes_all_that_a_run_may_record():
    respx.get(f"{BASE}/long").respond(200, content=b"x" * 100_000)
    respx.get(f"{BASE}/short").respond(200, content=b"x" * 60_000)

    async def several():
        live = Live(candidate(recorded=500_000))
        try:
            return [await live.send(Request("GET", f"{BASE}/{name}"), SCOPE) for name in ["long"] * 5 + ["short"] * 3]
        finally:
            await live.close()

    made = asyncio.run(several())
    assert [one.error_code for one in made] == [None] * 4 + ["too-large"] + [None] * 3
    assert "limits.recorded" in made[4].error


@respx.mock
@pytest.mark.parametrize("members", [(b'{"resourceType": "Patient"}',), (b'{"resourceType"', b': "Patient"}')])
def test_a_compressed_body_is_recorded_decoded(members):
    stream = Stream(b"".join(map(gzip.compress, members)))
    respx.get(f"{BASE}/metadata").mock(
        return_value=httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream)
    )
    assert send().response.resource == {"resourceType": "Patient"}


@respx.mock
def test_a_bomb_that_comes_in_one_piece_is_not_unpacked_whole():
    bomb = gzip.compress(bytes(50_000_000))
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Stream(bomb))
    respx.get(f"{BASE}/metadata").mock(return_value=answer)
    tracemalloc.start()
    try:
        assert send(body=100_000).error_code == "too-large"
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def raw_server(answer, **limits):
    """Serve one connection with ``answer(reader, writer)`` and send a request to it."""

    async def scenario():
        async def serve(reader, writer):
            try:
                await reader.readuntil(b"\r\n\r\n")
                await answer(writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        live = Live(candidate(base, **{"total": 0.4, "read": 0.25, "body": 100_000, **limits}))
        try:
            return await live.send(Request("GET", f"{base}/metadata"), SCOPE)
        finally:
            await live.close()
            server.close()

    return asyncio.run(scenario())


async def endless(writer, chunk):
    while True:
        writer.write(chunk)
        await writer.drain()
        await asyncio.sleep(0)


async def never(writer, before=b""):
    writer.write(before)
    await writer.drain()
    await asyncio.Event().wait()


async def dripping(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def once(writer, data):
    writer.write(data)
    await writer.drain()


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        (never, {"timeout"}),
        (lambda w: never(w, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), {"timeout"}),
        (dripping, {"timeout", "protocol"}),
        (lambda w: once(w, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), {"protocol", "connection-lost"}),
        (lambda w: once(w, b"SMTP ready\r\n\r\n"), {"protocol"}),
        (lambda w: once(w, b""), {"protocol", "connection-lost"}),
        (lambda w: once(w, b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n"), {"protocol", "connection-lost"}),
    ],
    ids=["silent", "slow body", "slow headers", "short body", "other protocol", "nothing", "large headers"],
)
def test_hostile_servers(answer, codes):
    made = raw_server(answer)
    assert made.response is None
    assert made.error_code in codes
    assert made.elapsed < 2


def test_an_endless_body_is_cut_off():
    async def answer(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await endless(writer, b"400\r\n" + b"a" * 1024 + b"\r\n")

    assert raw_server(answer).error_code == "too-large"


@pytest.mark.parametrize("value", ["sécret-é\n", "secret-e\x0b", " secret-e", "secret-€", "secret\r\nX: e"])
def test_a_header_that_cannot_go_out_is_told_without_its_value(value):
    made = send(Request("GET", f"{BASE}/Patient", (("X-Api-Key", value),)))
    assert (made.response, made.error_code) == (None, "request")
    assert "X-Api-Key" in made.error
    assert "X-Api-Key" in made.error_fr
    assert "cret" not in made.error + made.error_fr


def test_nobody_listens():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        made = send(Request("GET", f"http://127.0.0.1:{bound.getsockname()[1]}/metadata"))
    assert made.error_code == "connect"


def test_no_such_host(monkeypatch):
    def resolve(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert send(Request("GET", "http://no-such-host.invalid/metadata")).error_code == "dns"


def test_http_where_tls_is_spoken():
    async def scenario():
        async def serve(reader, writer):
            await reader.read(100)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        base = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        live = Live(candidate(base))
        try:
            return await live.send(Request("GET", base), SCOPE)
        finally:
            await live.close()
            server.close()

    assert asyncio.run(scenario()).error_code == "tls"


def test_a_connection_that_is_closed_before_tls_is_set_up():
    async def scenario():
        async def serve(reader, writer):
            await reader.readexactly(1)
            reset = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            writer.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        base = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        live = Live(candidate(base))
        try:
            return await live.send(Request("GET", base), SCOPE)
        finally:
            await live.close()
            server.close()

    made = asyncio.run(scenario())
    assert made.error_code == "connect"
    assert made.error.endswith("it was closed while it was being set up")
    assert made.error_fr.endswith("elle a été fermée pendant son établissement")


def one_after_the_other(parts, method="GET", times=3, share=9):
    """Exchanges, ``share`` of one test, with a server that answers by ``parts``, and how many connections they took."""
    opened = []

    async def answer(reader, writer):
        opened.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def go():
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            live = Live(candidate(base))
            made = []
            for number in range(times):
                scope = Scope("set", f"test-{number // share}", "test")
                made.append(await live.send(Request(method, f"{base}/Patient"), scope))
                if (number + 1) % share == 0:
                    await live.finish(scope)
            await live.close()
            await asyncio.wait(opened)
            return made

    return asyncio.run(go()), len(opened)


SECOND = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "head", "body"),
    [
        ("GET", "204 No Content\r\nContent-Length: 8", "leftover"),
        ("GET", "304 Not Modified\r\nContent-Length: 8", "leftover"),
        ("GET", "204 No Content", SECOND),
        ("GET", "304 Not Modified", SECOND),
        ("GET", "200 OK\r\nContent-Length: 2", "{}leftover"),
        ("GET", "200 OK\r\nContent-Length: 2", "{}" + SECOND),
        ("GET", "103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2", "{}" + SECOND),
        ("GET", "200 OK\r\nContent-Length: 0", SECOND),
        ("HEAD", "200 OK\r\nContent-Length: 2", "{}"),
        ("HEAD", "200 OK\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + SECOND),
        ("GET", "200 OK\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n\r\n"),
        ("GET", "200 OK\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n" + SECOND),
        ("GET", "200 OK\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n00;x=y\r\nX: y\r\n\r\n" + SECOND),
    ],
)
def test_what_follows_an_answer_is_not_the_next_answer(method, head, body):
    status = head.rpartition("HTTP/1.1 ")[2][:3]
    made, _ = one_after_the_other([f"HTTP/1.1 {head}\r\n\r\n{body}".encode()], method)
    assert [(one.error, one.response and one.response.status) for one in made] == [(None, int(status))] * 3


@pytest.mark.parametrize(
    "parts",
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Le", b"ngth: 2\r\n\r", b"\n{", b"}"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{", b"}\r\n0\r", b"\n\r", b"\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n00;x=y\r\nX: y\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{}\n\n\r\n0\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0", b" \r\n\r\n"),
    ],
    ids=["length", "pieces", "trailer", "empty lines", "space"],
)
def test_a_connection_serves_one_answer_after_the_other(parts):
    made, connections = one_after_the_other(parts, times=5)
    assert [one.response.body.strip() for one in made] == [b"{}"] * 5
    assert connections == 1


@pytest.mark.parametrize(
    ("idle", "status", "connections"),
    [(0.0, "201 Created", 3), (60.0, "201 Created", 1), (60.0, "422 Unprocessable", 3)],
)
def test_what_cannot_be_sent_twice_goes_over_no_connection_that_may_be_closed(monkeypatch, idle, status, connections):
    monkeypatch.setattr("harness.engine.client._JUST_NOW", idle)
    made, opened = one_after_the_other([f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()], "POST")
    assert [one.response.status for one in made] == [int(status[:3])] * 3
    assert opened == connections


def test_no_connection_goes_from_one_test_to_the_next():
    made, connections = one_after_the_other([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"], times=6, share=2)
    assert [one.response.body for one in made] == [b"{}"] * 6
    assert connections == 3


@pytest.mark.parametrize(
    ("came", "en", "fr"),
    [
        (b'{"resourceType": "Patient"}', "27 bytes of its head came", "27 octets de l'en-tête sont venus"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "2 bytes of its body came", "2 octets du corps sont venus"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "nothing came for 0.05 s", "rien n'est venu pendant 0.05 s"),
    ],
)
def test_an_answer_that_stops_says_how_far_it_came(came, en, fr):
    made = raw_server(lambda writer: never(writer, came), read=0.05, total=60)
    assert made.error_code == "timeout"
    assert en in made.error
    assert fr in made.error_fr
