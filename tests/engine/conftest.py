"""A small FHIR server of our own over a real socket, and test sets from YAML text."""

import asyncio
import json
import threading
from collections import defaultdict

import pytest
import uvicorn
from hypothesis import settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from harness.engine import Candidate
from harness.fhir.definitions import Definitions
from harness.suite.loader import load_testset
from harness.validation.outcome import Outcome

settings.register_profile("engine", deadline=None)  # the machine that runs the tests may be busy
settings.load_profile("engine")

PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "299017812345665"}],
    "name": [{"family": "PATIENT-TEST"}],
}


class TinyServer:
    """Stores what it is sent. ``broken`` names what it does wrong."""

    def __init__(self):
        self.stored = {}
        self.broken = set()
        self.requests = []
        self.queries = []
        self.counter = 0
        self.events = {}
        self.polled = defaultdict(int)
        methods = ["GET", "POST", "PUT", "DELETE"]
        self.app = Starlette(routes=[Route("/fhir/{path:path}", self.answer, methods=methods)])

    def at(self, number, event):
        """Call ``event`` when the request ``number`` (from 1) has come, before it is answered."""
        self.events[number] = event

    async def answer(self, request: Request) -> Response:
        path = request.path_params["path"].strip("/")
        body = await request.body()
        self.requests.append((request.method, path, dict(request.headers), body))
        self.queries.append(request.url.query)
        self.events.pop(len(self.requests), lambda: None)()
        if "down" in self.broken:
            return PlainTextResponse("<html>\x1b[31mBad gateway</html>", 502, media_type="text/html")
        if "echoes" in self.broken:
            said = f"{request.url} {dict(request.headers)} {body.decode()}"
            issue = {"severity": "error", "code": "processing", "diagnostics": said}
            headers = {"X-Echo": request.headers["authorization"], "Location": str(request.url)}
            return self.fhir(400, {"resourceType": "OperationOutcome", "issue": [issue]}, **headers)
        if path == "metadata":
            return self.fhir(200, CAPABILITIES)
        if path == "slow":
            self.polled[path] += 1
            return self.fhir(200 if self.polled[path] > 2 else 404, dict(PATIENT))
        if path == "wait":
            await asyncio.Event().wait()
        return getattr(self, request.method.lower())(request, path, body)

    def fhir(self, status, resource, **headers):
        content = json.dumps(resource)
        return Response(content, status, headers, "application/fhir+json")

    def refuse(self, status, code):
        issue = {"severity": "error", "code": code, "diagnostics": f"refused: {code}"}
        return self.fhir(status, {"resourceType": "OperationOutcome", "issue": [issue]})

    def post(self, request, path, body):
        try:
            resource = json.loads(body)
        except ValueError:
            return self.refuse(400, "structure")
        if "accepts-all" not in self.broken and "name" not in resource:
            return self.refuse(422, "required")
        self.counter += 1
        place = f"{path}/{self.counter}"
        self.stored[place] = {**resource, "id": str(self.counter), "meta": {"versionId": "1"}}
        if "loses" in self.broken:
            self.stored[place].pop("identifier", None)
        headers = {} if "no-location" in self.broken else {"Location": f"{request.base_url}fhir/{place}/_history/1"}
        return self.fhir(201, self.stored[place], ETag='W/"1"', **headers)

    def get(self, request, path, body):
        if path in self.stored:
            return self.fhir(200, self.stored[path])
        if "/" in path:
            return self.refuse(404, "not-found")
        found = [r for p, r in sorted(self.stored.items()) if p.startswith(f"{path}/")]
        start = int(request.query_params.get("start", 0))
        links = [{"relation": "self", "url": str(request.url)}]
        if start + 1 < len(found):
            target = "http://elsewhere.example" if "leaves" in self.broken else str(request.base_url).rstrip("/")
            following = start if "cycles" in self.broken else start + 1
            links.append({"relation": "next", "url": f"{target}/fhir/{path}?start={following}"})
        entry = [{"resource": r, "search": {"mode": "match"}} for r in found[start : start + 1]]
        return self.fhir(200, {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entry})

    def put(self, request, path, body):
        self.stored[path] = json.loads(body)
        return self.fhir(200, self.stored[path])

    def delete(self, request, path, body):
        if "keeps" in self.broken:
            return self.refuse(405, "not-supported")
        return Response(status_code=204 if self.stored.pop(path, None) else 404)


CAPABILITIES = {
    "resourceType": "CapabilityStatement",
    "rest": [
        {
            "mode": "server",
            "interaction": [{"code": "transaction"}],
            "resource": [
                {
                    "type": "Patient",
                    "interaction": [{"code": "create"}, {"code": "read"}, {"code": "search-type"}],
                    "searchParam": [{"name": "identifier", "type": "token"}],
                }
            ],
        }
    ],
}


@pytest.fixture
def tiny():
    """The server, listening; ``tiny.base`` is its FHIR base."""
    server = TinyServer()
    ready = threading.Event()

    class Announcing(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets=sockets)
            ready.set()

    runner = Announcing(
        uvicorn.Config(server.app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=runner.run, daemon=True)
    thread.start()
    assert ready.wait(10)
    server.base = f"http://127.0.0.1:{runner.servers[0].sockets[0].getsockname()[1]}/fhir"
    yield server
    runner.should_exit = True
    thread.join(10)


@pytest.fixture
def candidate(tiny):
    return Candidate.at(tiny.base, "canary-token-1")


@pytest.fixture(scope="session")
def definitions():
    return Definitions.embedded()


class Lenient:
    """A judge that finds nothing: what is tested here is not the validator."""

    def validate(self, resource, profiles=()):
        return Outcome()


@pytest.fixture
def lenient():
    return Lenient()


@pytest.fixture
def load(tmp_path):
    """Load the tests of YAML text as a set with the fixture ``patient``."""
    fixtures = tmp_path / "fixtures"
    fixtures.mkdir()
    (fixtures / "patient.json").write_text(json.dumps(PATIENT), encoding="utf-8")
    head = "testset: tiny\nversion: 1.0.0\ntitle: {en: Tiny, fr: Petit}\ncandidate: server\n"

    def load(text, name="tiny"):
        path = tmp_path / f"{name}.yaml"
        whole = head.replace("testset: tiny", f"testset: {name}") + "fixtures: {patient: patient.json}\n" + text
        path.write_text(whole.replace("TITLE", "title: {en: A test, fr: Un test}"), encoding="utf-8")
        return load_testset(path, root=tmp_path, fixtures=fixtures)

    return load
