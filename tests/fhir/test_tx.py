"""Terminology servers: what is asked, what an answer means, what a bad server can do, and the lock of answers."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import respx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from harness.errors import UsageError
from harness.fhir.definitions import Definitions
from harness.fhir.terminology import Verdict
from harness.fhir.tx import (
    AnswerLock,
    Locked,
    Question,
    RemoteTerminology,
    Reply,
    TerminologyServer,
    TxLimits,
    TxLockError,
    open_terminology,
)
from harness.reason import french
from harness.validation.validator import Validator

SNOMED = "http://snomed.info/sct"
SITES = "http://x/vs/sites"
BASE = "https://tx.test/r4"
IN, NOT_IN, UNDECIDED = Verdict.IN, Verdict.NOT_IN, Verdict.UNDECIDED
DISPLAYS = {"40983000": {"Upper arm", "Bras"}, "7569003": {"Finger"}}


def parameters(**values: Any) -> dict[str, Any]:
    kinds = {bool: "valueBoolean", str: "valueString"}
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": name, kinds[type(value)]: value} for name, value in values.items()],
    }


def outcome(code: str, text: str) -> dict[str, Any]:
    issue = {"severity": "error", "code": code, "details": {"text": text}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


class SmallServer:
    """A terminology server that knows two SNOMED CT codes, and value sets only when they are sent along."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        routes = [
            Route("/r4/ValueSet/$validate-code", self.value_set, methods=["GET", "POST"]),
            Route("/r4/CodeSystem/$validate-code", self.code_system),
        ]
        self.app = Starlette(routes=routes)

    async def value_set(self, request: Request) -> JSONResponse:
        if request.method == "GET":
            self.asked.append(dict(request.query_params))
            return JSONResponse(outcome("not-found", "no such value set"), status_code=404)
        body = await request.json()
        given = {p["name"]: next(v for k, v in p.items() if k != "name") for p in body["parameter"]}
        assert given["valueSet"]["url"] == SITES
        self.asked.append({k: v for k, v in given.items() if k != "valueSet"})
        return self._judged(given)

    async def code_system(self, request: Request) -> JSONResponse:
        given = dict(request.query_params)
        self.asked.append(given)
        return self._judged(given)

    def _judged(self, given: dict[str, Any]) -> JSONResponse:
        known = DISPLAYS.get(given["code"])
        if known is None:
            return JSONResponse(parameters(result=False, message=f"{given['code']} is not known"))
        if given.get("display") is not None and given["display"] not in known:
            return JSONResponse(parameters(result=False, message="wrong display"))
        return JSONResponse(parameters(result=True, display=max(known)))


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none"))
    ready = threading.Event()
    started = server.startup

    async def startup(sockets: Any = None) -> None:
        await started(sockets)
        ready.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(10)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/r4"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def definitions() -> Definitions:
    made = Definitions.embedded()
    below = [{"property": "concept", "op": "is-a", "value": "91723000"}]
    compose = {"include": [{"system": SNOMED, "filter": below}]}
    made.add({"resourceType": "ValueSet", "url": SITES, "status": "active", "compose": compose})
    return made


def asking(definitions: Definitions, limits: TxLimits | None = None) -> RemoteTerminology:
    return RemoteTerminology(definitions, TerminologyServer(BASE, limits))


def test_what_is_not_known_here_is_asked_over_a_socket(definitions: Definitions) -> None:
    small = SmallServer()
    with served(small.app) as url, open_terminology(definitions, url=url) as terminology:  # type: ignore[union-attr]
        assert terminology.member(SITES, SNOMED, "40983000").verdict is IN
        wrong = terminology.member(SITES, SNOMED, "1")
        assert (wrong.verdict, wrong.reason) == (NOT_IN, "1 is not known")
        asked = len(small.asked)
        assert terminology.member(SITES, SNOMED, "40983000").verdict is IN
        assert len(small.asked) == asked, "an answer is asked for once"
    assert small.asked[:2] == [
        {"url": SITES, "system": SNOMED, "code": "40983000"},
        {"system": SNOMED, "code": "40983000"},
    ]


def test_what_is_known_here_is_not_asked(definitions: Definitions) -> None:
    with respx.mock, asking(definitions) as terminology:
        gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
        assert terminology.member(gender, None, "male").verdict is IN
        assert terminology.member(gender, None, "mal").verdict is NOT_IN


@pytest.mark.parametrize(
    ("display", "agrees"), [("Upper arm", True), ("upper  ARM", True), ("Bras", True), ("Leg", False), (None, None)]
)
def test_display_is_compared_on_the_server(definitions: Definitions, display: str | None, agrees: bool | None) -> None:
    small = SmallServer()
    with served(small.app) as url, open_terminology(definitions, url=url) as terminology:  # type: ignore[union-attr]
        answer = terminology.coding(SNOMED, "40983000", display)
    assert (answer.verdict, answer.display_agrees) == (IN, agrees)


def observation(code: str, display: str) -> dict[str, Any]:
    site = {"coding": [{"system": SNOMED, "code": code, "display": display}]}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "bodySite": site,
    }


@pytest.mark.parametrize(
    ("code", "display", "rules"),
    [
        ("40983000", "Upper arm", []),
        ("40983000", "Leg", [("display-wrong", "Observation.bodySite.coding[0].display")]),
        ("1", "One", [("code-unknown", "Observation.bodySite.coding[0].code")]),
    ],
)
def test_validator_reports_what_the_server_says(
    definitions: Definitions, code: str, display: str, rules: list[tuple[str, str]]
) -> None:
    small = SmallServer()
    with served(small.app) as url, open_terminology(definitions, url=url) as terminology:
        outcome = Validator(definitions, terminology=terminology).validate(observation(code, display))
    assert [(i.rule, i.expression) for i in outcome.errors] == rules


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (httpx.Response(200, json=parameters(message="hm")), "without a boolean result"),
        (httpx.Response(200, json=parameters(result="true")), "without a boolean result"),
        (httpx.Response(200, text="<html>"), "could not answer: HTTP 200"),
        (httpx.Response(200, json=[1]), "could not answer: HTTP 200"),
        (httpx.Response(200, json={"resourceType": "OperationOutcome", "issue": 3 * [None]}), "could not answer"),
        (httpx.Response(404, json=outcome("not-found", "no such thing")), "no such thing"),
        (httpx.Response(500, json=outcome("exception", "oops")), "oops"),
        (httpx.Response(503, text="later"), "answered HTTP 503"),
        (httpx.Response(429), "answered HTTP 429"),
        (httpx.Response(302, headers={"Location": "https://elsewhere.test/"}), "HTTP 302"),
        (httpx.Response(200, content=b" " * 3000), "longer than 2000 bytes"),
        (httpx.Response(200, content=iter([b"?"]), headers={"Content-Encoding": "gzip"}), 'is encoded ("gzip")'),
        (httpx.ConnectError("refused"), "refused"),
        (httpx.ReadTimeout("slow"), "slow"),
    ],
)
def test_no_answer_is_undecided_with_the_reason(
    definitions: Definitions, response: httpx.Response | httpx.HTTPError, reason: str
) -> None:
    mocked: dict[str, Any] = (
        {"side_effect": response} if isinstance(response, Exception) else {"return_value": response}
    )
    with respx.mock as router, asking(definitions, TxLimits(size=2000)) as terminology:
        router.route(host="tx.test").mock(**mocked)
        answer = terminology.member(SITES, SNOMED, "40983000")
    assert answer.verdict is UNDECIDED
    assert reason in answer.reason
    assert re.search(r"tx\.test\S* (n'a pas|a répondu)", french(answer.reason))


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"HTTP/1.1 103 Early Hints\r\n", b"\r\nHTTP/1.1 103 Early Hints\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    ],
    ids=["head", "interim", "body"],
)
def test_an_answer_that_never_ends_is_cut_off_though_something_comes_all_the_time(begin: bytes, drop: bytes) -> None:
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(begin)
            while not over.wait(0.01):
                connection.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        dripping = threading.Thread(target=drip, args=(listener,), daemon=True)
        dripping.start()
        server = TerminologyServer(f"http://127.0.0.1:{listener.getsockname()[1]}", TxLimits(seconds=0.2))
        reply = server.ask(Question(None, SNOMED, "1"))
        over.set()
        dripping.join(10)
        server.close()
    assert reply.result is None
    assert "no complete answer within 0.2 s" in reply.message


def test_dead_server_is_left_alone(definitions: Definitions) -> None:
    with respx.mock as router, asking(definitions) as terminology:
        route = router.route(host="tx.test").mock(side_effect=httpx.ConnectError("refused"))
        answers = [terminology.member(SITES, SNOMED, str(code)) for code in range(20)]
    assert route.call_count == 3
    assert {answer.verdict for answer in answers} == {UNDECIDED}
    assert "is not asked any more: refused" in answers[-1].reason
    assert "n'est plus interrogé : refused" in french(answers[-1].reason)


def test_number_of_requests_has_a_limit(definitions: Definitions) -> None:
    with respx.mock as router, asking(definitions, TxLimits(requests=2)) as terminology:
        route = router.route(host="tx.test").mock(return_value=httpx.Response(200, json=parameters(result=True)))
        answers = [terminology.member(SITES, SNOMED, str(code)) for code in range(4)]
    assert route.call_count == 2
    assert [answer.verdict for answer in answers] == [IN, IN, UNDECIDED, UNDECIDED]


def test_question_carries_versions_and_bare_codes() -> None:
    with respx.mock as router:
        route = router.get(f"{BASE}/ValueSet/$validate-code").mock(
            return_value=httpx.Response(200, json=parameters(result=True))
        )
        server = TerminologyServer(BASE + "/")
        server.ask(Question("http://x/vs|2", SNOMED, "1", version="2024", display="One"))
        server.ask(Question("http://x/vs", None, "1"))
        server.close()
    asked = [dict(call.request.url.params) for call in route.calls]
    assert asked == [
        {"url": "http://x/vs", "valueSetVersion": "2", "system": SNOMED, "code": "1", "systemVersion": "2024",
         "display": "One"},
        {"url": "http://x/vs", "inferSystem": "true", "code": "1"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "url", ["ftp://x", "tx.test", "https://", "https://me:secret@tx.test", "https://x/?a=1", "http://x:port", ""]
)
def test_bad_address_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        TerminologyServer(url)
    assert "secret" not in str(caught.value)


# ---- the lock


def fill(path: Path, definitions: Definitions, codes: tuple[str, ...] = ("40983000", "1", "7569003")) -> None:
    small = SmallServer()
    with served(small.app) as url, open_terminology(definitions, url=url, lock=path) as terminology:  # type: ignore[union-attr]
        for code in codes:
            terminology.member(SITES, SNOMED, code)


def test_lock_gives_the_same_answers_offline_and_no_others(definitions: Definitions, tmp_path: Path) -> None:
    path = tmp_path / "tx.json"
    fill(path, definitions)
    with respx.mock, open_terminology(definitions, lock=path) as terminology:  # type: ignore[union-attr]
        assert terminology.member(SITES, SNOMED, "40983000").verdict is IN
        assert terminology.member(SITES, SNOMED, "1").verdict is NOT_IN
        missing = terminology.member(SITES, SNOMED, "2")
    assert missing.verdict is UNDECIDED
    assert f"the lock {path} has no answer to it" in missing.reason


def test_lock_tells_the_date_and_the_server_and_stays_as_it_is(definitions: Definitions, tmp_path: Path) -> None:
    path = tmp_path / "tx.json"
    fill(path, definitions)
    first = path.read_bytes()
    rows = orjson.loads(first)["answers"]
    assert [row["question"]["code"] for row in rows] == ["1", "40983000", "7569003"]
    assert all(row["server"].startswith("http://127.0.0.1:") and row["date"].endswith("Z") for row in rows)
    small = SmallServer()
    with served(small.app) as url, open_terminology(definitions, url=url, lock=path) as terminology:  # type: ignore[union-attr]
        assert terminology.member(SITES, SNOMED, "1").verdict is NOT_IN
    assert small.asked == [], "what the lock answers is not asked again"
    assert path.read_bytes() == first


def flip(content: dict[str, Any]) -> None:
    content["answers"][0]["answer"]["result"] = True


def redate(content: dict[str, Any]) -> None:
    content["answers"][1]["date"] = "2020-01-01T00:00:00Z"


def other_code(content: dict[str, Any]) -> None:
    content["answers"][1]["question"]["code"] = "3"


def drop(content: dict[str, Any]) -> None:
    del content["answers"][1]


def swap(content: dict[str, Any]) -> None:
    content["answers"].reverse()


def no_digest(content: dict[str, Any]) -> None:
    del content["digest"]


def other_format(content: dict[str, Any]) -> None:
    content["format"] = "another"


def surplus(content: dict[str, Any]) -> None:
    content["answers"][0]["answer"]["extra"] = 1


def no_result(content: dict[str, Any]) -> None:
    content["answers"][0]["answer"]["result"] = "true"


@pytest.mark.parametrize("alter", [flip, redate, other_code, drop, swap, no_digest, other_format, surplus, no_result])
def test_altered_lock_is_refused(
    definitions: Definitions, tmp_path: Path, alter: Callable[[dict[str, Any]], None]
) -> None:
    path = tmp_path / "tx.json"
    fill(path, definitions)
    content = json.loads(path.read_bytes())
    alter(content)
    path.write_text(json.dumps(content))
    with pytest.raises(TxLockError, match=r"tx\.json"):
        AnswerLock(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"answers": 3, "format": "harness-tx-lock-1"}'])
def test_what_is_no_lock_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tx.json"
    path.write_bytes(content)
    with pytest.raises(TxLockError, match="not a terminology lock"):
        AnswerLock(path)


def test_lock_without_server_must_exist(definitions: Definitions, tmp_path: Path) -> None:
    with pytest.raises(TxLockError, match="no such terminology lock"):
        open_terminology(definitions, lock=tmp_path / "none.json")


def test_lock_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    lock = AnswerLock(tmp_path / "none" / "tx.json")
    lock.record(Question(None, SNOMED, "1"), Reply(True), BASE)
    with pytest.raises(TxLockError, match="cannot be written"):
        lock.save()


def test_what_another_try_may_change_is_not_recorded(tmp_path: Path) -> None:
    lock = AnswerLock(tmp_path / "tx.json")
    lock.record(Question(None, SNOMED, "1"), Reply(None, "down", lasting=False), BASE)
    lock.record(Question(None, SNOMED, "2"), Reply(None, "not supported"), BASE)
    lock.save()
    assert not lock.path.exists()


def test_answers_of_other_processes_are_joined(tmp_path: Path) -> None:
    mine, other = AnswerLock(tmp_path / "tx.json"), AnswerLock(tmp_path / "tx.json")
    mine.record(Question(None, SNOMED, "1"), Reply(True, display="One"), BASE)
    other.record(Question(None, SNOMED, "1"), Reply(False), BASE)
    other.record(Question(None, SNOMED, "2"), Reply(False), BASE)
    fresh = other.drain()
    assert other.drain() == []
    mine.add(fresh)
    mine.save()
    read = AnswerLock(mine.path)
    assert len(read) == 2
    first = read.get(Question(None, SNOMED, "1"))
    assert isinstance(first, Locked)
    assert first.reply == Reply(True, display="One")


def test_nothing_asked_for_gives_nothing(definitions: Definitions) -> None:
    assert open_terminology(definitions) is None
