"""The relay in front of a real service: addresses both ways, what stays here, what is refused."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from harness.sandbox.refusing import Reply
from harness.sandbox.relay import RelayServer
from harness.sandbox.tap import Digest, Forward, Headers


class Real(BaseHTTPRequestHandler):
    """A service that says what it was sent, compressed, with addresses of its own."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        base = f"http://{self.headers['host']}/r4"
        said = {"path": self.path, "headers": dict(self.headers), "body": body.decode(), "next": f"{base}/x?page=2"}
        content = gzip.compress(json.dumps(said).encode())
        self.send_response(201)
        self.send_header("Location", f"{base}/Patient/1/_history/1")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        base = f"http://{self.headers['host']}/r4"
        document = self.path.endswith("Binary/1")
        content = b"%PDF " + base.encode() if document else json.dumps({"path": self.path, "at": base}).encode()
        content = content if document else content.replace(b"/", rb"\/")
        self.send_response(200)
        self.send_header("Content-Type", "application/pdf" if document else "application/fhir+json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def real() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Real) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/r4"
        server.shutdown()
        thread.join()


def test_a_relay_changes_addresses_both_ways(real: str) -> None:
    heard: list[str] = []

    async def listener(method: str, url: str, headers: Headers, body: bytes | Digest, forward: Forward) -> Reply:
        heard.append(url)
        return await forward()

    with RelayServer({"/fhir": real}, drop=("X-Own",), listener=listener) as relay:
        here = f"{relay.address}/fhir"
        headers = {"X-Own": "secret", "X-Base": here, "Authorization": "Bearer t"}
        headers |= {"Connection": "keep-alive, X-Hop", "X-Hop": "of this connection alone"}
        answer = httpx.post(f"{here}/Patient?of={here}", content=f"see {here}/Patient/2", headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (201, f"{here}/Patient/1/_history/1")
    told = {name.lower(): value for name, value in answer.json()["headers"].items()}
    assert not {"x-own", "x-hop"} & told.keys()
    assert (told["authorization"], told["x-base"]) == ("Bearer t", here)  # given back with the address of this side
    assert answer.json()["path"] == f"/r4/Patient?of={here}"
    assert answer.json()["body"] == f"see {here}/Patient/2"
    assert answer.json()["next"] == f"{here}/x?page=2"
    assert heard == [f"{here}/Patient?of={here}"]


@pytest.mark.parametrize(
    ("path", "status"), [("/fhir/%2e%2e/admin", 400), ("/fhir/a%2F..%2fb", 400), ("/fhirx", 404), ("/elsewhere", 404)]
)
def test_a_relay_stays_within_the_service(real: str, path: str, status: int) -> None:
    with RelayServer({"/fhir": real}) as relay:
        refused = httpx.get(relay.address + path)
    assert (refused.status_code, refused.json()["resourceType"]) == (status, "OperationOutcome")


def where(relay: RelayServer) -> tuple[str, int]:
    url = httpx.URL(relay.address)
    return url.host, url.port or 0


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/Patient/",
        "/Patient//1",
        "/Patient/a%2Fb",
        "/Patient/%C3%A9?name=a%20b+c",
        "/$x?a=%7c&a=|&&b",
        "/a;b=1",
    ],
)
def test_path_and_query_go_on_octet_for_octet(real: str, path: str) -> None:
    with RelayServer({"/fhir": real}) as relay, socket.create_connection(where(relay)) as sent:
        sent.sendall(f"GET /fhir{path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: sent.recv(65536), b""))
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["path"] == f"/r4{path}"


def test_what_is_compressed_is_changed_inside(real: str) -> None:
    with RelayServer({"/fhir": real}) as relay:
        here = f"{relay.address}/fhir"
        content = gzip.compress(f"see {here}/Patient/2".encode())
        answer = httpx.post(f"{here}/Patient", content=content, headers={"Content-Encoding": "gzip"})
        broken = httpx.post(f"{here}/Patient", content=b"no gzip", headers={"Content-Encoding": "GZIP"})
    assert answer.json()["body"] == f"see {here}/Patient/2"
    assert int(answer.json()["headers"]["Content-Length"]) != len(content)
    assert broken.json()["body"] == "no gzip"


def test_the_answer_to_head_tells_the_length_of_what_get_answers(real: str) -> None:
    with RelayServer({"/fhir": real}) as relay:
        head, got = (httpx.request(method, f"{relay.address}/fhir/Binary/1") for method in ("HEAD", "GET"))
    assert (head.content, head.headers["content-length"]) == (b"", str(len(got.content)))


def test_the_octets_of_a_document_stay(real: str) -> None:
    with RelayServer({"/fhir": real}) as relay:
        assert httpx.get(f"{relay.address}/fhir/Binary/1").content == b"%PDF " + real.encode()
        assert httpx.get(f"{relay.address}/fhir/Patient").json()["at"] == f"{relay.address}/fhir"


def test_a_relay_says_that_the_service_is_gone() -> None:
    with RelayServer({"/fhir": "http://127.0.0.1:1"}) as relay:
        answer = httpx.get(f"{relay.address}/fhir/metadata")
    assert (answer.status_code, answer.json()["resourceType"]) == (502, "OperationOutcome")
