"""Steps that await the requests of a candidate that is a client: held, answered, recorded, judged, judged again."""

import asyncio
import json

import pytest

from harness.engine import Candidate, Replay, run, run_sync
from harness.engine.awaiting import COMMAND, OWN
from harness.engine.driver import LEFT
from harness.engine.events import StepFinished
from harness.engine.inbox import Inbox
from harness.engine.journal import JournalWriter, read_journal
from harness.engine.results import RunResult
from harness.errors import TestSetError
from harness.reason import Reason
from harness.suite.loader import load_testset

BASE = "http://127.0.0.1:1/fhir"
HEAD = "testset: calls\nversion: 1.0.0\ntitle: {en: Calls, fr: Appels}\ncandidate: client\ntests:\n"
TITLE = "title: {en: A test, fr: Un test}"
TELL = "instruction: {en: Send it, fr: Envoyez-le}"
JSON = (("content-type", "application/fhir+json"),)
PATIENT = {"resourceType": "Patient", "name": [{"family": "PATIENT-TEST"}]}


class Client:
    """A client of our own, whose behaviour is a coroutine; it is driven as a command would be."""

    def __init__(self, behave):
        self.behave = behave
        self.inbox = Inbox(self, "own-secret-of-the-harness")
        self.forwarded = []
        self.replies = []
        self.tasks = []
        self.running = None
        self.failed = None

    async def send(self, method, path, body=None, headers=JSON, base=BASE):
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()

        async def forward():
            self.forwarded.append((method, path))
            location = ("location", f"{BASE}/{path.partition('?')[0]}/7/_history/1")
            return (201 if method == "POST" else 200), (headers[0], location), content

        url = f"{base}/{path}".rstrip("/")
        reply = await self.inbox.take(method, url, headers, content, forward)
        self.replies.append(reply)
        return reply

    async def begin(self, task):
        self.tasks.append(task)
        self.running = asyncio.create_task(self.behave(self, task))

    async def ended(self):
        if self.running is not None:
            await asyncio.wait({self.running})

    async def settle(self):
        running, self.running = self.running, None
        if running is not None:
            await running

    def failure(self):
        failed, self.failed = self.failed, None
        return failed


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "calls.yaml"
        path.write_text(HEAD + text.replace("TITLE", TITLE).replace("TELL", TELL), encoding="utf-8")
        return load_testset(path, root=tmp_path, fixtures=tmp_path)

    return load


@pytest.fixture
def go(load, definitions, lenient):
    """Run ``text`` with a client that behaves so; give the result, the client, and check that it judges again alike."""

    def go(text, behave, **options):
        client = Client(behave)
        test_set = load(text)
        candidate = Candidate.of({"base-url": BASE, "identities": {"default": {"bearer": "canary-token-1"}}})
        events = []

        class Keep:
            def open(self):
                pass

            def write(self, event):
                events.append(event)

            def close(self):
                pass

        options = {"definitions": definitions, "judge": lenient, **options}
        result = run_sync([test_set], candidate, incoming=client.inbox, writers=[Keep()], **options)
        again = run_sync(
            [test_set],
            Candidate.of(result.started.candidate),
            transport=Replay(events),
            **{**options, "seed": result.started.seed},
        )
        assert [test.findings for test in again.tests] == [test.findings for test in result.tests]
        assert [test.verdict for test in again.tests] == [test.verdict for test in result.tests]
        assert [step.exchanges for test in again.tests for step in test.steps] == [
            step.exchanges for test in result.tests for step in test.steps
        ]
        return result, client

    return go


def codes(result):
    return [(one.code, one.verdict.value) for test in result.tests for one in test.findings]


CREATED = """
  - id: created
    TITLE
    steps:
      - await:
          TELL
          action: create
          data: {family: PATIENT-TEST}
          request: {method: POST, path: Patient}
        expect:
          - status: 201
            type: Patient
            content-type: json
            headers: {Authorization: '/^Bearer /', X-Other: absent}
            that: "name.family = 'PATIENT-TEST'"
          - {of: answer, type: Patient, headers: {Location: present}}
        save: {id: answer.header.Location.id, family: name.family, kind: header.Content-Type}
      - await:
          request: {method: GET, path: "Patient/${id}", params: {_format: present}}
        expect: {params: {_format: json, name: absent}, body: empty}
        save: {format: param._format}
"""
BEARER = (*JSON, ("authorization", "Bearer canary-token-1"))


async def creates_and_reads(client, task):
    await client.send("POST", "Patient", {**PATIENT, "name": [{"family": task.data["family"]}]}, BEARER)
    await client.send("GET", "Patient/7?_format=json")


def test_a_request_is_awaited_recorded_and_judged(go):
    result, client = go(CREATED, creates_and_reads)
    assert codes(result) == []
    assert result.verdict.value == "pass"
    steps = result.tests[0].steps
    assert [step.summary for step in steps] == ["await POST Patient", "await GET Patient/7"]
    assert [check.kind for check in steps[0].checks][:2] == ["await", "status"]
    assert dict(steps[0].saved) == {"id": "7", "family": "PATIENT-TEST", "kind": "application/fhir+json"}
    assert dict(steps[1].saved) == {"format": "json"}
    assert client.tasks[0].action == "create"
    assert client.tasks[0].instruction == {"en": "Send it", "fr": "Envoyez-le"}


def test_secrets_are_not_recorded(go):
    result, _ = go(CREATED, creates_and_reads)
    assert "canary" not in str([step.exchanges for test in result.tests for step in test.steps])


async def creates_wrongly(client, task):
    await client.send(
        "POST", "Patient", {"resourceType": "Patient"}, (("content-type", "text/plain"), ("x-other", "1"))
    )


def test_what_is_wrong_with_a_request_is_said(go):
    result, _ = go(CREATED, creates_wrongly)
    assert codes(result) == [
        ("content-type", "fail"),
        ("header.missing", "fail"),
        ("header.present", "fail"),
        ("that", "fail"),
        ("save", "undecided"),
    ]


async def sends_no_resource(client, task):
    await client.send("POST", "Patient", b"name=x", BEARER)


def test_a_request_without_a_resource_is_told_from_an_answer_without_one(go):
    result, _ = go(CREATED, sends_no_resource)
    found = [one for one in result.tests[0].findings if one.code.startswith("body")]
    assert {one.code for one in found} == {"body.not-fhir", "body.not-fhir.request"}
    assert "the request's body is not a FHIR resource: application/fhir+json: name=x" in found[0].message


async def does_something_else(client, task):
    await client.send("PUT", "Patient/1", PATIENT)
    said = "the command ended with 3: no idea, canary-token-1"
    client.failed = ("command-failed", Reason(said, said.replace("the command ended with", "terminée par")))


def test_an_expired_wait_says_what_came_and_how_the_command_ended(go):
    result, client = go(CREATED, does_something_else)
    assert codes(result) == [("await.expired", "fail")]
    message = result.tests[0].findings[0].message
    assert "0 of 1 × POST Patient" in message
    assert "(PUT Patient/1; the command ended with 3: no idea, «redacted" in message
    assert "(PUT Patient/1 ; terminée par 3: no idea, «redacted" in result.tests[0].findings[0].message_fr
    assert [one.request.method for one in result.tests[0].steps[0].exchanges] == ["PUT", COMMAND]
    assert client.forwarded == [("PUT", "Patient/1")]
    assert len(result.tests[0].steps) == 1


def test_a_command_that_cannot_be_started_is_an_error(go):
    async def nothing(client, task):
        client.failed = ("command-start", Reason("gone: No such file or directory", "absent"))

    result, _ = go(CREATED, nothing)
    assert codes(result) == [("await.command", "error")]


def test_a_should_that_expires_is_a_warning(go):
    result, _ = go(CREATED.replace("    TITLE", "    TITLE\n    level: SHOULD"), does_something_else)
    assert codes(result) == [("await.expired", "warn")]


REFUSED = """
  - id: refused
    TITLE
    steps:
      - await:
          TELL
          request: {method: POST}
          answer:
            status: 422
            headers: {Retry-After: "1"}
            body: {resourceType: OperationOutcome, issue: [{severity: error, code: value}]}
        expect: {status: 422, outcome: {code: value}}
      - await:
          request: {method: POST}
          count: {max: 0}
"""


@pytest.mark.parametrize(("times", "found"), [(1, []), (2, [("await.count", "fail")])])
def test_a_client_that_is_refused_must_not_retry(go, times, found):
    async def sends(client, task):
        for _ in range(times):
            await client.send("POST", "Patient", PATIENT)

    result, client = go(REFUSED, sends)
    assert codes(result) == found
    status, headers, body = client.replies[0]
    assert (status, dict(headers)["Retry-After"], json.loads(body)["resourceType"]) == (422, "1", "OperationOutcome")
    assert client.forwarded == [("POST", "Patient")] * (times - 1)


def test_that_no_more_comes_is_not_known_of_a_client_that_goes_on(go):
    async def leaves(client, task):
        await client.send("POST", "Patient", PATIENT)
        client.failed = (LEFT, Reason("the command ended, and a process that it started did not", "il en reste un"))

    result, _ = go(REFUSED, leaves)
    assert codes(result) == [("await.left", "undecided")]


def test_an_answer_can_be_late_and_have_more_headers(go):
    text = """
  - id: late
    TITLE
    steps:
      - await: {TELL, request: {method: GET}, answer: {delay: 0.01, headers: {ETag: 'W/"9"'}}}
        expect: [{status: 200}, {of: answer, headers: {ETag: 'W/"9"'}}]
"""

    async def reads(client, task):
        await client.send("GET", "Patient/1")

    result, client = go(text, reads)
    assert codes(result) == []
    assert client.forwarded == [("GET", "Patient/1")]


PAGES = """
  - id: pages
    TITLE
    steps:
      - await: {TELL, request: {method: GET, path: Patient}, count: COUNT}
        expect: {params: {page: '/^[0-9]+$/'}}
"""


@pytest.mark.parametrize(
    ("count", "found"),
    [("3", []), ("{min: 2}", []), ("{min: 1, max: 3}", []), ("{max: 2}", ["await.count"]), ("4", ["await.expired"])],
)
def test_requests_are_counted(go, count, found):
    async def pages(client, task):
        for page in (1, 2, 3):
            await client.send("GET", f"Patient?page={page}")

    result, _ = go(PAGES.replace("COUNT", count), pages)
    assert [code for code, _ in codes(result)] == found


async def says_nothing(client, task):
    """A client that does nothing."""


@pytest.mark.parametrize(("named", "found"), [("default", "await.expired"), ("nobody-known", "step.expression")])
def test_the_client_is_told_who_it_acts_for(go, named, found):
    text = CREATED.replace(
        "        expect:\n          - status", f"        as: {named}\n        expect:\n          - status", 1
    )
    result, client = go(text, says_nothing)
    assert [code for code, _ in codes(result)] == [found]
    assert [task.identity for task in client.tasks] == (["default"] if named == "default" else [])


def test_who_has_no_identity_acts_for_nobody(load, definitions, lenient):
    client = Client(says_nothing)
    candidate = Candidate.of({"base-url": BASE})
    run_sync([load(CREATED)], candidate, incoming=client.inbox, definitions=definitions, judge=lenient)
    assert [(task.identity, task.credentials) for task in client.tasks] == [("none", ())]


def test_every_request_that_was_awaited_is_judged(go):
    async def pages(client, task):
        for page in ("1", "x"):
            await client.send("GET", f"Patient?page={page}")

    result, _ = go(PAGES.replace("COUNT", "2"), pages)
    finding = result.tests[0].findings[0]
    assert (finding.code, finding.exchange, finding.found) == ("param.value", 1, "x")


def test_of_many_requests_at_once_each_is_recorded_once_and_answered_its_own(go):
    pages = list(range(40))

    async def floods(client, task):
        await asyncio.gather(*(client.send("GET", f"Patient?page={page}", {"page": page}) for page in pages))

    result, client = go(PAGES.replace("COUNT", "{min: 40, max: 40}"), floods)
    assert codes(result) == []
    exchanges = result.tests[0].steps[0].exchanges
    assert sorted(json.loads(one.request.body)["page"] for one in exchanges) == pages
    assert all(one.response.body == one.request.body for one in exchanges)
    assert len(client.replies) == len(client.forwarded) == 40


def test_a_form_elsewhere_is_matched_by_its_fields(go):
    text = """
  - id: token
    TITLE
    steps:
      - await: {TELL, request: {method: POST, path: /oauth/token, params: {grant_type: refresh_token}}}
        expect: {params: {scope: absent, grant_type: present, client: /^c/}}
"""
    form = (("content-type", "application/x-www-form-urlencoded"),)

    async def refreshes(client, task):
        await client.send("POST", "oauth/token", b"grant_type=authorization_code", form, "http://127.0.0.1:1")
        await client.send("POST", "oauth/token", b"grant_type=refresh_token&client=c", form, "http://127.0.0.1:1")

    result, _ = go(text, refreshes)
    assert codes(result) == []
    assert len(result.tests[0].steps[0].exchanges) == 2


def test_xml_is_judged_as_json_is(go):
    text = """
  - id: xml
    TITLE
    steps:
      - await: {TELL, request: {method: POST, path: Patient}}
        expect:
          - {content-type: xml, type: Patient, that: "gender = 'female'"}
          - {of: answer, type: Patient, that: gender.exists()}
"""
    xml = b'<Patient xmlns="http://hl7.org/fhir"><gender value="female"/></Patient>'
    types = (("content-type", "application/fhir+xml"),)

    async def posts(client, task):
        await client.send("POST", "Patient", xml, types)

    result, _ = go(text, posts)
    assert codes(result) == []


def test_the_harness_and_what_comes_when_nobody_waits_go_by(definitions, lenient, load):
    async def both(client, task):
        own = ((OWN.lower(), "own-secret-of-the-harness"),)
        assert (await client.send("GET", "own", headers=own))[0] == 200
        await client.send("POST", "Patient", PATIENT)

    client = Client(both)
    candidate = Candidate.at(BASE)
    text = "\n  - id: one\n    TITLE\n    steps:\n      - await: {TELL, request: {method: POST}}\n"

    async def whole():
        await client.send("GET", "before")
        events = [
            event
            async for event in run(
                [load(text)], candidate, definitions=definitions, judge=lenient, incoming=client.inbox
            )
        ]
        await client.send("GET", "after")
        return events

    events = asyncio.run(whole())
    recorded = [one.request.url for event in events if isinstance(event, StepFinished) for one in event.exchanges]
    assert recorded == [f"{BASE}/Patient"]
    assert [path for _, path in client.forwarded] == ["before", "own", "Patient", "after"]


def test_what_nobody_awaits_any_more_is_answered_at_the_end_of_the_test(go):
    async def goes_on(client, task):
        await client.send("POST", "Patient", PATIENT)
        await client.send("GET", "Patient/7")

    text = "\n  - id: one\n    TITLE\n    steps:\n      - await: {TELL, request: {method: POST}}\n"
    result, client = go(text, goes_on)
    assert codes(result) == []
    assert [reply[0] for reply in client.replies] == [201, 200]


def test_a_client_that_hangs_up_is_recorded(go):
    async def impatient(client, task):
        reached = asyncio.Event()

        async def slow():
            reached.set()
            await asyncio.Event().wait()

        sending = asyncio.create_task(client.inbox.take("GET", f"{BASE}/Patient/1", JSON, b"", slow))
        await reached.wait()
        sending.cancel()

    text = """
  - id: slow
    TITLE
    steps:
      - await: {TELL, request: {method: GET}}
        expect: {body: empty, status: 200}
"""
    result, _ = go(text, impatient)
    assert codes(result) == [("await.unanswered", "fail")]
    assert result.tests[0].steps[0].exchanges[0].error_code == "client-closed"


@pytest.mark.parametrize("expected", ["body: empty", "status: 413", "conforms: base", "headers: {X-Other: absent}"])
def test_a_body_that_was_not_recorded_is_not_judged(go, expected):
    async def sends_much(client, task):
        async def refuse():
            return 413, JSON, b"{}"

        await client.inbox.take("POST", f"{BASE}/Patient", JSON, (20_000_001, "abc123"), refuse)

    text = f"""
  - id: long
    TITLE
    steps:
      - await: {{TELL, request: {{method: POST}}}}
        expect: {{of: request, {expected}}}
      - await: {{request: {{method: GET}}}}
"""
    result, _ = go(text.replace("of: request, status", "of: answer, status"), sends_much)
    assert codes(result) == [("await.omitted", "undecided")]
    assert result.tests[0].findings[0].found == "20000001 octets, SHA-256 abc123"
    assert result.tests[0].steps[0].exchanges[0].request.omitted.size == 20_000_001
    assert len(result.tests[0].steps) == 1


def test_an_expression_that_is_no_pattern_is_an_error(go, load):
    with pytest.raises(TestSetError, match="regular expression"):
        load("\n  - id: one\n    TITLE\n    steps:\n      - await: {TELL, request: {method: GET, path: '/(/'}}\n")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("read: Patient/1\n        expect: {of: request, status: 200}", "status is about an answer"),
        ("read: Patient/1\n        expect: {params: {a: b}}", "params is about a request"),
        ("await: {TELL, request: {method: GET}}\n        until: {attempts: 2}", "until has no meaning for await"),
        ("await: {TELL, request: {method: GET}}\n        save: {x: answer.header.}", "names no header"),
    ],
)
def test_what_has_no_meaning_is_refused(load, step, said):
    with pytest.raises(TestSetError, match=said):
        load(f"\n  - id: one\n    TITLE\n    steps:\n      - {step}\n")


def test_await_is_for_clients(load, tmp_path):
    text = HEAD.replace("client", "server") + f"  - id: one\n    {TITLE}\n    steps:\n"
    path = tmp_path / "server.yaml"
    path.write_text(f"{text}      - await: {{{TELL}, request: {{method: GET}}}}\n", encoding="utf-8")
    with pytest.raises(TestSetError, match="await is for sets with candidate: client"):
        load_testset(path, root=tmp_path, fixtures=tmp_path)


def test_a_server_cannot_be_awaited(load, definitions, lenient):
    text = "\n  - id: one\n    TITLE\n    steps:\n      - await: {TELL, request: {method: GET}}\n"
    result = run_sync([load(text)], Candidate.at(BASE), definitions=definitions, judge=lenient)
    assert codes(result) == [("step.unsupported", "undecided")]


def test_a_journal_of_such_a_run_is_judged_again(load, definitions, lenient, tmp_path):
    client = Client(creates_and_reads)
    test_set, writer = load(CREATED), JournalWriter(tmp_path / "run")
    kept = {"definitions": definitions, "judge": lenient}
    run_sync([test_set], Candidate.at(BASE), incoming=client.inbox, writers=[writer], **kept)
    events = list(read_journal(tmp_path / "run"))
    recorded = RunResult.read(events)
    again = run_sync([test_set], Candidate.of(recorded.started.candidate), transport=Replay(events), **kept)
    assert [test.steps for test in again.tests] == [test.steps for test in recorded.tests]


def test_what_a_run_records_of_a_client_has_a_bound(go, monkeypatch):
    monkeypatch.setattr("harness.engine.inbox._RECORDED", 4000)

    async def flood(client, task):
        for number in range(9):
            await client.send("POST", "Basic", {"resourceType": "Basic", "language": f"{number}" * 700})
        await client.send("POST", "Patient", PATIENT)

    text = """
  - id: flooded
    TITLE
    steps:
      - await: {TELL, request: {method: POST, path: Patient}}
        expect: {type: Patient, that: "name.exists()"}
"""
    result, client = go(text, flood)
    exchanges = result.tests[0].steps[0].exchanges
    assert len(client.replies) == len(exchanges) == 10  # all were answered
    kept = sum(len(one.request.body) + len(one.response.body if one.response else b"") for one in exchanges)
    assert 0 < kept <= 4000
    assert exchanges[8].request.omitted.size > 700
    assert (exchanges[8].response, exchanges[8].error_code) == (None, "recorded")
    assert result.verdict.value == "pass"


def test_a_request_whose_host_is_none_harms_no_other(go):
    async def odd(client, task):
        await client.send("POST", "Patient", PATIENT, base="http://[::1")
        await client.send("POST", "Patient", PATIENT)

    text = """
  - id: odd
    TITLE
    steps:
      - await: {TELL, request: {method: POST, path: Patient, params: {x: absent}}}
        expect: {type: Patient}
"""
    result, client = go(text, odd)
    assert [reply[0] for reply in client.replies] == [201, 201]
    assert result.verdict.value == "pass"
