"""What one caller may take from the others: requests, time, and the patience of the store."""

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from harness.fhir.definitions import Definitions
from harness.sandbox import app, codec, databases
from harness.sandbox.assembly import make_service
from harness.sandbox.checking import checker
from harness.sandbox.limits import PUBLIC_RATE, PromptProtocol, Throttle, rate_for
from harness.sandbox.policy import Policy
from harness.sandbox.problems import Problem, failure
from harness.sandbox.server import SandboxServer
from harness.sandbox.store import Store
from harness.validation.validator import Validator

RECURSION = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000000) SELECT count(*) FROM c"


class Gate:
    """A throttle before an application that answers 200, with a clock of its own."""

    def __init__(self, rate: float, burst: int | None = None) -> None:
        self.now = 0.0
        self.sent: list[dict[str, Any]] = []
        self._throttle = Throttle(self._app, rate, burst, clock=lambda: self.now)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def ask(self, address: str = "192.0.2.1") -> int:
        """The status of the answer to one request."""

        async def send(message: Any) -> None:
            self.sent.append(dict(message))

        self.sent = []
        asyncio.run(self._throttle({"type": "http", "client": (address, 1)}, send, send))  # type: ignore[arg-type]
        return int(self.sent[0]["status"])


@given(
    pauses=st.lists(st.floats(0, 3), min_size=1, max_size=40),
    rate=st.floats(0.5, 20),
    burst=st.integers(1, 5),
)
def test_no_more_than_the_rate_and_one_burst(pauses: list[float], rate: float, burst: int) -> None:
    gate, passed = Gate(rate, burst), 0
    for pause in pauses:
        gate.now += pause
        passed += gate.ask() == 200
    assert passed <= burst + rate * sum(pauses) + 1e-6
    assert passed >= 1


def test_the_refusal_says_how_long_to_wait_and_waiting_helps() -> None:
    gate = Gate(rate=0.5, burst=2)
    assert [gate.ask() for _ in range(3)] == [200, 200, 429]
    headers = dict(gate.sent[0]["headers"])
    assert headers[b"retry-after"] == b"2"
    assert b'"throttled"' in gate.sent[1]["body"]
    assert gate.ask("192.0.2.2") == 200
    gate.now += 2
    assert gate.ask() == 200


@pytest.mark.parametrize(
    ("host", "asked", "rate"),
    [
        ("127.0.0.1", None, None),
        ("::1", None, None),
        ("localhost", None, None),
        ("0.0.0.0", None, PUBLIC_RATE),
        ("sandbox.example", None, PUBLIC_RATE),
        ("0.0.0.0", 0, None),
        ("127.0.0.1", 5, 5),
    ],
)
def test_the_rate_of_a_place(host: str, asked: float | None, rate: float | None) -> None:
    assert rate_for(host, asked) == rate


def test_a_sandbox_holds_its_callers_to_its_rate() -> None:
    with SandboxServer(make_service(policy=Policy(validate=False)), rate=0.001) as held:
        answers = [httpx.get(f"{held.base_url}/Patient") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["issue"][0]["code"] == "throttled"
    assert int(answers[1].headers["retry-after"]) > 900


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(make_service(policy=Policy(validate=False))) as running:
        yield running


def connect(server: SandboxServer) -> socket.socket:
    """A connection to ``server``."""
    url = httpx.URL(server.base_url)
    return socket.create_connection((url.host, url.port or 80), timeout=30)


def test_it_listens_to_this_machine_alone(server: SandboxServer) -> None:
    assert httpx.URL(server.base_url).host == "127.0.0.1"


@pytest.mark.parametrize("said", [b"", b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_who_does_not_get_to_the_point_is_hung_up_on(
    server: SandboxServer, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(PromptProtocol, "seconds", 0.05)
    with connect(server) as connection:
        connection.sendall(said)
        assert connection.recv(1000) == b""


def test_a_body_that_does_not_come_is_refused(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "BODY_SECONDS", 0.05)
    with connect(server) as connection:
        connection.sendall(b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_statement_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Store()) as store:
        with store.reading() as session:
            assert session.connection.exec_driver_sql(RECURSION).scalar_one() == 1_000_000
        monkeypatch.setattr(databases, "_MOST_SECONDS", -1)
        with pytest.raises(OperationalError, match="interrupted") as ended, store.reading() as session:
            session.connection.exec_driver_sql(RECURSION)
        monkeypatch.undo()
        with store.reading() as session:
            assert session.connection.exec_driver_sql(RECURSION).scalar_one() == 1_000_000
    told = failure(ended.value, validated=True)
    assert (told.status, told.headers) == (503, {"Retry-After": "5"})


PATIENT = {"resourceType": "Patient"}
FHIR = {"Content-Type": "application/fhir+json"}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/Patient?" + "&".join(["name=" + ",".join(["a"] * 300)] * 3), "too-costly"),
        ("/Patient?name=" + ",".join(["a"] * 500), "too-costly"),
        ("/Patient?" + "&".join(["name=a"] * 61), "too-costly"),
        ("/Observation?subject.organization.partof.partof.partof.name=a", "too-costly"),
    ],
)
def test_a_search_that_asks_too_much_is_refused(server: SandboxServer, path: str, code: str) -> None:
    answer = httpx.get(server.base_url + path)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, code)


def test_a_body_of_too_many_values_is_refused_and_a_long_document_is_not(server: SandboxServer) -> None:
    many = {**PATIENT, "name": [{"family": "a"}] * (codec.MAX_VALUES // 2)}
    answer = httpx.post(f"{server.base_url}/Patient", json=many, headers=FHIR, timeout=60)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (413, "too-costly")
    document = {"resourceType": "Binary", "contentType": "text/plain", "data": "QUJD" * codec.MAX_VALUES}
    answer = httpx.post(f"{server.base_url}/Binary", json=document, headers=FHIR, timeout=60)
    assert answer.status_code == 201


def test_of_many_faults_the_gravest_are_told() -> None:
    check = checker(Validator(Definitions.embedded(), unknown_extensions="information"), Policy())
    extension = [{"url": f"http://fhir.example/{number}", "valueString": "a"} for number in range(300)]
    with pytest.raises(Problem) as refused:
        check({**PATIENT, "extension": extension, "name": [{"famil": "a"}] * 150})
    severities = [issue["severity"] for issue in refused.value.issues]
    assert severities == ["error"] * severities.count("error") + ["information"] * severities.count("information")
    assert severities.count("error") >= 150
    assert len(severities) == 201
    assert re.fullmatch(r"\d+ more issues are not told\.", refused.value.issues[-1]["diagnostics"])


@pytest.mark.parametrize(
    ("error", "validated", "status"),
    [(TypeError("secret"), True, 500), (TypeError("secret"), False, 422), (RuntimeError("secret"), False, 500)],
)
def test_what_nobody_foresaw_tells_nothing(error: Exception, validated: bool, status: int) -> None:
    told = failure(error, validated=validated)
    assert told.status == status
    assert "secret" not in str(told.outcome())
