"""Hostile clients, octet by octet: each is told what is wrong in FHIR's words, and the next one is served as before."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection

import httpx
import pytest

from harness.sandbox.assembly import make_service
from harness.sandbox.limits import PromptProtocol, Room
from harness.sandbox.policy import Policy
from harness.sandbox.problems import Problem
from harness.sandbox.server import SandboxServer

GET = b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CLOSE = b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(make_service(policy=Policy(validate=False))) as running:
        yield running


def connect(server: SandboxServer) -> socket.socket:
    url = httpx.URL(server.base_url)
    return socket.create_connection((url.host, url.port or 80), timeout=60)


def said(server: SandboxServer, request: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to ``request``, whose connection is closed by the server."""
    with connect(server) as connection:
        connection.sendall(request)
        answer = b""
        while part := _some(connection):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def _some(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:  # what was sent after the refusal was not read
        return b""


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "structure"),
        (b"no HTTP at all\r\n\r\n", 400, "structure"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "structure"),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "structure"),
        (GET + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "structure"),
        (GET + b"Content-Length: -1\r\n\r\n", 400, "structure"),
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "structure"),
        (CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", 400, "structure"),
        (CHUNKED + b"ffffffffffffffffff\r\n{}\r\n", 400, "structure"),
        (GET + b"Bad Name: x\r\n\r\n", 400, "structure"),
        (GET + b"X-A: a\0b\r\n\r\n", 400, "structure"),
        (b"GET /fhir/Patient\xe9 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "structure"),
        (GET + b"X-Long: " + 70_000 * b"x", 431, "too-long"),
        (GET + 9_000 * b"X-Many: x\r\n", 431, "too-long"),
        (b"GET /fhir/Patient?" + 70_000 * b"a", 431, "too-long"),
        (CHUNKED + b"2;" + 90_000 * b"x", 431, "too-long"),
        (CHUNKED + b"0\r\nTrailer: " + 90_000 * b"x", 431, "too-long"),
    ],
    ids=lambda value: value[:24].hex() if isinstance(value, bytes) else str(value),
)
def test_what_is_no_request_is_told_so(server: SandboxServer, request_: bytes, status: int, code: str) -> None:
    found, body = said(server, request_)
    assert (found, json.loads(body)["issue"][0]["code"]) == (status, code)
    assert httpx.get(f"{server.base_url}/metadata").status_code == 200


def test_many_small_chunks_and_requests_in_a_row_are_no_attack(server: SandboxServer) -> None:
    patient = b'{"resourceType": "Patient"}' + 30_000 * b" "
    chunks = b"".join(b"1\r\n%c\r\n" % octet for octet in patient)
    status, body = said(server, CHUNKED + chunks + b"0\r\n\r\n" + 500 * (GET + b"\r\n") + GET + CLOSE)
    assert status == 201
    assert body.count(b"HTTP/1.1 200") == 501


def test_an_upgrade_is_not_followed(server: SandboxServer, capfd: pytest.CaptureFixture[str]) -> None:
    upgrade = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    assert said(server, GET + upgrade + b"Connection: upgrade, close\r\n\r\n")[0] == 200
    assert capfd.readouterr().err == ""


def test_beyond_the_most_connections_one_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PromptProtocol, "most", 3)
    with SandboxServer(make_service(policy=Policy(validate=False))) as server:
        url = httpx.URL(server.base_url)
        with ExitStack() as stack:
            held = [stack.enter_context(closing(HTTPConnection(url.host, url.port))) for _ in range(3)]
            for connection in held:  # each is served, so all of them are open
                assert status_of(connection) == 200
            status, body = said(server, b"")
            assert (status, json.loads(body)["issue"][0]["code"]) == (503, "throttled")
            assert status_of(held[0]) == 200


def status_of(connection: HTTPConnection) -> int:
    """Ask on an open connection, which stays open, and read the whole answer."""
    connection.request("GET", "/fhir/Patient")
    with connection.getresponse() as answer:
        answer.read()
        return answer.status


def posted(server: SandboxServer, path: str, body: bytes, media_type: str) -> tuple[int, str]:
    """Status of the answer to ``body``, and the code of its first issue."""
    answer = httpx.post(f"{server.base_url}/{path}", content=body, headers={"Content-Type": media_type}, timeout=60)
    return answer.status_code, answer.json().get("issue", [{"code": ""}])[0]["code"]


JSON, XML, FORM = "application/fhir+json", "application/fhir+xml", "application/x-www-form-urlencoded"
ELEMENT = b'<Patient xmlns="http://hl7.org/fhir"'


@pytest.mark.parametrize(
    ("path", "body", "media_type", "expected"),
    [
        ("Patient/_search", b"name=a&" * 5_000, FORM, (400, "too-costly")),
        ("Patient/_search", b"&" * 5_000, FORM, (400, "too-costly")),
        ("Patient", b'{"resourceType":"Patient","x":[' + b"1," * 300_000 + b"1]}", JSON, (413, "too-costly")),
        ("Patient", b"[" * 300_000, JSON, (413, "too-costly")),
        (
            "Patient",
            ELEMENT + b"".join(b' a%d="1"' % number for number in range(20_000)) + b"/>",
            XML,
            (400, "structure"),
        ),
        (
            "Patient",
            ELEMENT + b"".join(b' a%d=""' % number for number in range(310_000)) + b"/>",
            XML,
            (400, "structure"),
        ),
        ("Patient", ELEMENT + b">" + b"<a/>" * 310_000 + b"</Patient>", XML, (400, "structure")),
    ],
    ids=["fields", "ampersands", "values", "depth", "attributes", "many attributes", "tags"],
)
def test_a_body_that_costs_much_is_refused_at_once(
    server: SandboxServer, path: str, body: bytes, media_type: str, expected: tuple[int, str]
) -> None:
    assert posted(server, path, body, media_type) == expected


def test_texts_full_of_marks_are_no_values(server: SandboxServer) -> None:
    text = json.dumps({"resourceType": "Basic", "code": {"text": '[{,\\"' * 150_000}})
    assert posted(server, "Basic", text.encode(), JSON) == (201, "")


@pytest.mark.parametrize(
    "query",
    ["value-quantity=1e309", "value-quantity=1e999999999", "value-quantity=-1e-999999999", "_count=" + 5_000 * "9"],
)
def test_a_number_beyond_all_bounds_is_refused(server: SandboxServer, query: str) -> None:
    answer = httpx.get(f"{server.base_url}/Observation?{query}")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "value")


def test_a_number_beyond_all_bounds_can_be_stored(server: SandboxServer) -> None:
    for number in ("1e309", "1e999999999", "-1e-999999999", "1" * 400):
        body = '{"resourceType": "Observation", "valueQuantity": {"value": NUMBER}}'.replace("NUMBER", number)
        assert posted(server, "Observation", body.encode(), JSON)[0] == 201


def test_links_have_an_end(server: SandboxServer) -> None:
    answer = httpx.get(f"{server.base_url}/Patient?{'_has:Observation:patient:' * 300}code=a")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "too-costly")


def test_large_bodies_share_their_room() -> None:
    room = Room(100)
    with room.guest() as one, room.guest() as other:
        one(60)
        with pytest.raises(Problem) as refused:
            other(60)
        assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "2"})
        other(40)
    with room.guest() as one:
        one(100)


def test_heavy_bodies_are_worked_on_two_at_a_time() -> None:
    async def third_waits() -> tuple[bool, bool]:
        room = Room()
        async with room.turn(10**6), room.turn(10**6), room.turn(10):
            third = asyncio.ensure_future(room.turn(10**6).__aenter__())
            await asyncio.sleep(0)
            waits = not third.done()
        await third
        return waits, third.done()

    assert asyncio.run(third_waits()) == (True, True)
