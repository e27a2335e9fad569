"""The relay in front of a real service: addresses both ways, what stays here, what is refused."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from harness.sandbox.relay import RelayServer
from harness.sandbox.tap import Forward, Headers, Reply


class Real(BaseHTTPRequestHandler):
    """A service that says what it was sent, compressed, with addresses of its own."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        base = f"http://{self.headers['host']}/r4"
        said = {"path": self.path, "headers": dict(self.headers), "body": body.decode(), "next": f"{base}/x?page=2"}
        content = gzip.compress(json.dumps(said).encode())
        self.send_response(201)
        self.send_header("Location", f"{base}/Patient/1/_history/1")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

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

    async def listener(method: str, url: str, headers: Headers, body: bytes, forward: Forward) -> Reply:
        heard.append(url)
        return await forward()

    with RelayServer({"/fhir": real}, drop=("X-Own",), listener=listener) as relay:
        here = f"{relay.address}/fhir"
        headers = {"X-Own": "secret", "X-Base": here, "Authorization": "Bearer t"}
        answer = httpx.post(f"{here}/Patient?of={here}", content=f"see {here}/Patient/2", headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (201, f"{here}/Patient/1/_history/1")
    told = {name.lower(): value for name, value in answer.json()["headers"].items()}
    assert "x-own" not in told
    assert (told["authorization"], told["x-base"]) == ("Bearer t", here)  # given back with the address of this side
    assert answer.json()["path"] == f"/r4/Patient?of={here}"
    assert answer.json()["body"] == f"see {here}/Patient/2"
    assert answer.json()["next"] == f"{here}/x?page=2"
    assert heard == [f"{here}/Patient?of={here}"]


@pytest.mark.parametrize(("path", "status"), [("/fhir/%2e%2e/admin", 400), ("/elsewhere", 404)])
def test_a_relay_stays_within_the_service(real: str, path: str, status: int) -> None:
    with RelayServer({"/fhir": real}) as relay:
        assert httpx.get(relay.address + path).status_code == status


def test_a_relay_says_that_the_service_is_gone() -> None:
    with RelayServer({"/fhir": "http://127.0.0.1:1"}) as relay:
        answer = httpx.get(f"{relay.address}/fhir/metadata")
    assert (answer.status_code, answer.json()["resourceType"]) == (502, "OperationOutcome")
