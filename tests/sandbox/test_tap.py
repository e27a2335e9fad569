"""The tap in front of the sandbox: what it hears, what it lets be answered, what goes by it."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from harness.sandbox.limits import Room
from harness.sandbox.refusing import Reply
from harness.sandbox.server import SandboxServer
from harness.sandbox.tap import Digest, Forward, Headers, Tap

PATIENT = {"resourceType": "Patient", "name": [{"family": "PATIENT-TEST"}]}
TYPE = {"Content-Type": "application/fhir+json"}


class Listener:
    """Keeps what it hears; ``say`` is answered in the sandbox's place."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, bytes | Digest, Reply]] = []
        self.say: Reply | None = None

    async def __call__(self, method: str, url: str, headers: Headers, body: bytes | Digest, forward: Forward) -> Reply:
        reply = self.say or await forward()
        assert ("host", httpx.URL(url).netloc.decode()) in headers
        self.heard.append((method, url, body, reply))
        return reply


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def tapped(listener: Listener) -> Iterator[tuple[httpx.Client, SandboxServer]]:
    with SandboxServer(listener=listener) as server, httpx.Client(base_url=f"{server.base_url}/") as client:
        yield client, server


def test_every_exchange_is_heard_and_answered_as_without(
    tapped: tuple[httpx.Client, SandboxServer], listener: Listener
) -> None:
    client, server = tapped
    made = client.post("Patient", json=PATIENT, headers=TYPE)
    found = client.get("Patient", params={"name": "é"})
    head = client.head(f"Patient/{made.json()['id']}")
    assert (made.status_code, found.json()["type"], head.content) == (201, "searchset", b"")
    assert [(method, url.removeprefix(server.base_url)) for method, url, *_ in listener.heard][:2] == [
        ("POST", "/Patient"),
        ("GET", "/Patient?name=%C3%A9"),
    ]
    assert listener.heard[0][2] == made.request.content
    assert listener.heard[0][3][2] == made.content
    assert int(made.headers["content-length"]) == len(made.content)


def test_the_sandbox_does_not_see_what_is_answered_in_its_place(
    tapped: tuple[httpx.Client, SandboxServer], listener: Listener
) -> None:
    client, _ = tapped
    listener.say = (503, (("Retry-After", "1"), ("Content-Length", "999")), b"later")
    refused = client.post("Patient", json=PATIENT, headers=TYPE)
    assert (refused.status_code, refused.text, refused.headers["retry-after"]) == (503, "later", "1")
    listener.say = (204, (), b"")
    assert client.delete("Patient/1").status_code == 204
    listener.say = None
    assert client.get("Patient").json().get("entry", []) == []


def test_the_page_of_the_tester_is_not_heard(tapped: tuple[httpx.Client, SandboxServer], listener: Listener) -> None:
    client, server = tapped
    assert client.get(server.base_url.replace("/fhir", "/console")).status_code < 500
    assert listener.heard == []


def test_of_what_is_too_long_size_and_digest_are_heard(listener: Listener) -> None:
    async def size(request: Request) -> Response:
        return Response(str(len(await request.body())))

    app = Tap(Starlette(routes=[Route("/", size, methods=["POST"])]), listener, limit=10)
    transport = httpx.ASGITransport(app=app)

    async def post(length: int) -> httpx.Response:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(length):
                yield b"x"

        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.post("/", content=parts())

    kept, refused = asyncio.run(post(10)), asyncio.run(post(11))
    assert kept.text == "10"
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (413, "too-long")
    assert [body for _, _, body, _ in listener.heard] == [b"x" * 10, (11, sha256(b"x" * 11).hexdigest())]


def test_who_hangs_up_is_told_to_the_listener() -> None:
    ended: list[str] = []

    async def waits(method: str, url: str, headers: Headers, body: bytes | Digest, forward: Forward) -> Reply:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(method)
        return 200, (), b""

    async def hang_up() -> list[Message]:
        came: Iterator[Message] = iter([{"type": "http.request", "body": b""}, {"type": "http.disconnect"}])
        sent: list[Message] = []

        async def receive() -> Message:
            await asyncio.sleep(0)
            return next(came)

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "scheme": "http", "headers": []}
        await Tap(Starlette(), waits)(scope, receive, send)
        return sent

    assert asyncio.run(hang_up()) == []
    assert ended == ["GET"]


def test_a_request_that_would_take_events_is_heard_too(
    tapped: tuple[httpx.Client, SandboxServer], listener: Listener
) -> None:
    client, _ = tapped
    client.get("Patient", headers={"Accept": "text/event-stream, application/fhir+json"})
    assert [method for method, *_ in listener.heard] == ["GET"]


def test_a_compressed_body_is_heard_as_it_is_meant(
    tapped: tuple[httpx.Client, SandboxServer], listener: Listener
) -> None:
    client, _ = tapped
    sent = json.dumps(PATIENT).encode()
    refused = client.post("Patient", content=gzip.compress(sent), headers={**TYPE, "Content-Encoding": "gzip"})
    client.post("Patient", content=b"\x1f\x8bbroken", headers={**TYPE, "Content-Encoding": "gzip"})
    assert (refused.status_code, refused.headers["accept-encoding"]) == (415, "identity")
    assert [body for _, _, body, _ in listener.heard] == [sent, b"\x1f\x8bbroken"]


async def post(app: Tap, host: str = "here", body: bytes = b"{}", more: bool = False) -> list[Message]:
    """What is answered to a POST; with ``more``, whose body does not end."""
    came: list[Message] = [{"type": "http.request", "body": body, "more_body": more}]
    sent: list[Message] = []

    async def receive() -> Message:
        if not came:
            await asyncio.Event().wait()
        return came.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", host.encode("latin-1"))]
    await app({"type": "http", "method": "POST", "path": "/a", "scheme": "http", "headers": headers}, receive, send)
    return sent


@pytest.mark.parametrize("host", ["[::1", "[x]:y", "a b", "evil.example/fhir", "a:0", "a:123456", "é", "", "user@a"])
def test_a_host_that_is_none_makes_no_address(host: str, listener: Listener) -> None:
    heard: list[str] = []

    async def listen(method: str, url: str, headers: Headers, body: bytes | Digest, forward: Forward) -> Reply:
        heard.append(url)
        assert ("host", host) in headers
        return 200, (), b""

    asyncio.run(post(Tap(Starlette(), listen), host))
    asyncio.run(post(Tap(Starlette(), listener), "[::1]:8080"))
    assert heard == ["http://sandbox.invalid/a"]
    assert listener.heard[0][1] == "http://[::1]:8080/a"


def test_all_bodies_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.sandbox.tap.Room", lambda: Room(15))
    heard: list[bytes | Digest] = []

    async def go() -> list[Message]:
        there, leave = asyncio.Event(), asyncio.Event()

        async def listen(method: str, url: str, headers: Headers, body: bytes | Digest, forward: Forward) -> Reply:
            heard.append(body)
            if len(heard) == 1:
                there.set()
                await leave.wait()
            return await forward() if isinstance(body, tuple) else (200, (), b"")

        app = Tap(Starlette(), listen)
        first = asyncio.create_task(post(app, body=b"x" * 10))
        await there.wait()
        second = await post(app, body=b"y" * 10)
        leave.set()
        await first
        await post(app, body=b"z" * 10)
        return second

    refused = asyncio.run(go())
    assert heard == [b"x" * 10, (10, sha256(b"y" * 10).hexdigest()), b"z" * 10]
    assert refused[0]["status"] == 503
    assert json.loads(refused[1]["body"])["issue"][0]["code"] == "throttled"


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, listener: Listener) -> None:
    monkeypatch.setattr("harness.sandbox.tap.BODY_SECONDS", 0.01)
    refused = asyncio.run(post(Tap(Starlette(), listener), more=True))
    assert refused[0]["status"] == 408
    assert listener.heard == []
