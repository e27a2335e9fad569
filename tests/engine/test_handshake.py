"""The transport sets against servers that speak TLS well or badly."""

import asyncio
import contextlib
import socket
import ssl
import threading
import warnings
from unittest.mock import Mock

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.data import folder
from harness.engine import Candidate, Replay, run_sync
from harness.engine.handshake import speak
from harness.engine.journal import JournalWriter, read_journal
from harness.suite.loader import load_testset
from tests.engine.proxy import Proxy
from tests.engine.tls import BODY, DAY, HEADERS, NOW, Authority, TLSServer, server_context

CONTROL, OLD_0, OLD_1, ANONYMOUS, STATIC, STRONG, HSTS, CLEAR = (
    "current-version-is-accepted",
    "old-versions-are-refused[0]",
    "old-versions-are-refused[1]",
    "ciphers-without-a-certificate-are-refused",
    "ciphers-without-forward-secrecy-are-refused",
    "certificate-is-strong",
    "https-is-insisted-on",
    "no-content-in-clear-text",
)
STRICT = b"Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
SHOWN = """
tests:
  - id: shown
    TITLE
    steps: [{tls: {version: "1.3"}, expect: {status: 200, headers: {TLS-Version: TLSv1.3}}}]
  - id: not-shown
    TITLE
    control: shown
    steps:
      - {tls: {version: "1.3", certificate: none}, expect: {headers: {TLS-Alert: certificate_required}}}
      - {tls: {version: "1.2", certificate: none}, expect: {headers: {TLS-Alert: handshake_failure}}}
"""


class BlockingServer:
    """Speaks TLS over blocking sockets: unlike asyncio's server it sends its alert before it hangs up."""

    def __init__(self, context, head=HEADERS):
        self._context = context
        self._head = head
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._socket.accept()
                accepted.settimeout(5)
                with accepted, contextlib.suppress(OSError):
                    self._answer(accepted)

    def _answer(self, accepted):
        bare = socket.socket(fileno=accepted.detach())
        with bare:
            try:
                spoken = self._context.wrap_socket(bare, server_side=True, do_handshake_on_connect=False)
                spoken.do_handshake()
                if spoken.recv(4096):
                    spoken.sendall(self._head % len(BODY) + b"\r\n" + BODY)
            except ssl.SSLError:
                plain = socket.socket(fileno=spoken.detach())
                with plain:  # what still comes is read: closing at once would make the alert be lost
                    plain.settimeout(5)
                    plain.shutdown(socket.SHUT_WR)
                    while plain.recv(4096):
                        pass
            else:
                spoken.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


def transport(name, fixtures):
    return load_testset(folder("testsets") / f"transport/{name}.yaml", root=folder("testsets"), fixtures=fixtures)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def go(definitions, authority, tmp_path):
    test_set = transport("tls", tmp_path)

    def go(server, **options):
        candidate = Candidate.of({"base-url": server.url, "tls": {"ca": str(authority.ca)}, "limits": {"total": 5}})
        candidate = options.pop("candidate", candidate)
        result = run_sync([options.pop("test_set", test_set)], candidate, definitions=definitions, **options)
        return {test.started.test: test for test in result.tests}

    return go


def verdicts(tests):
    return {name: test.verdict.value for name, test in tests.items()}


def old(context):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def test_a_good_server_passes_and_is_judged_again(go, authority, tmp_path):
    with BlockingServer(server_context(authority.issue()), HEADERS + STRICT) as server:
        tests = go(server, writers=[JournalWriter(tmp_path / "run")], seed=1)
    found = verdicts(tests)
    assert {name: found[name] for name in found if name != CLEAR} == dict.fromkeys(
        (CONTROL, OLD_0, OLD_1, ANONYMOUS, STATIC, STRONG, HSTS), "pass"
    ), {n: t.reason for n, t in tests.items()}
    assert found[CLEAR] in ("pass", "warn")  # whatever listens on port 80 of this machine
    events = list(read_journal(tmp_path / "run"))
    again = go(server, candidate=Candidate.of(events[0].candidate), transport=Replay(events), seed=1)
    assert verdicts(again) == found


def test_a_server_that_speaks_old_versions_fails(go, authority):
    with BlockingServer(old(server_context(authority.issue()))) as server:
        tests = go(server)
    assert [verdicts(tests)[name] for name in (CONTROL, OLD_0, OLD_1)] == ["pass", "fail", "fail"]
    assert "TLS-Alert" in tests[OLD_0].reason


def test_weak_ciphers_fail(go, authority):
    issued = authority.issue(key=rsa.generate_private_key(65537, 2048))
    with BlockingServer(lax(issued)) as server:
        found = verdicts(go(server))
    names = (CONTROL, ANONYMOUS, STATIC, STRONG, HSTS)
    assert [found[name] for name in names] == ["pass", "fail", "warn", "pass", "warn"]


def test_a_weak_certificate_fails(go, authority):
    weak = authority.issue(key=rsa.generate_private_key(65537, 1024))
    with BlockingServer(lax(weak)) as server:
        tests = go(server)
    assert verdicts(tests)[STRONG] == "fail"
    assert "TLS-Certificate-" in tests[STRONG].reason


def lax(issued):
    """Settings of a server that takes what it should not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:aNULL:eNULL:kRSA:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(issued.cert_file, issued.key_file)
    return context


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://localhost/fhir", "redirected"),
        ("https://elsewhere.example/", "redirected-elsewhere"),
        ("http://localhost/", "content"),
    ],
)
def test_a_redirect_counts_when_it_leads_to_https_on_the_same_host(go, authority, load, location, told):
    with TLSServer(None, b"Location: " + location.encode(), status=b"301 Moved") as server:
        step = f"steps: [{{tls: {{version: none, port: {server.port}}}, expect: {{headers: {{Clear-Text: {told}}}}}}}]"
        tests = go(server, test_set=load(f"tests:\n  - id: t\n    TITLE\n    {step}\n"))
    assert verdicts(tests) == {"t": "pass"}


@pytest.mark.parametrize("issue", [{"hosts": ("other.example",)}, {"begins": NOW - 9 * DAY, "ends": NOW - DAY}])
def test_a_certificate_that_does_not_hold_fails_and_nothing_else_counts(go, authority, issue):
    with BlockingServer(server_context(authority.issue(*issue.pop("hosts", ()), **issue))) as server:
        found = verdicts(go(server))
    assert (found.pop(CONTROL), found.pop(STRONG)) == ("fail", "fail")
    assert set(found.values()) == {"skip"}


def test_hanging_up_is_no_alert(go, authority, load):
    step = 'steps: [{tls: {version: "1.2"}, expect: {headers: {TLS-Alert: protocol_version}}}]'
    with TLSServer(None, body=b"") as server:
        secure = Candidate.of({"base-url": server.url.replace("http:", "https:"), "limits": {"total": 1}})
        tests = go(server, candidate=secure, test_set=load(f"tests:\n  - id: t\n    TITLE\n    {step}\n"))
    assert verdicts(tests)["t"] == "error"


def test_a_certificate_is_demanded(go, authority, load):
    own = authority.issue("client.example")
    with BlockingServer(server_context(authority.issue(), authority.ca)) as server:
        tls = {"ca": str(authority.ca), "certificate": str(own.cert_file), "key": str(own.key_file)}
        tests = go(server, candidate=Candidate.of({"base-url": server.url, "tls": tls}), test_set=load(SHOWN))
    assert verdicts(tests) == {"shown": "pass", "not-shown": "pass"}, {n: t.reason for n, t in tests.items()}


@pytest.mark.parametrize(
    ("demanded", "head", "found"),
    [
        (True, HEADERS, ["pass"] * 5),
        (False, HEADERS, ["pass"] + ["fail"] * 4),
        (False, HEADERS.replace(b"200 OK", b"400 Bad Request"), ["fail"] + ["skip"] * 4),
    ],
)
def test_mutual_tls(go, authority, tmp_path, demanded, head, found):
    own = authority.issue("client.example")
    tls = {"ca": str(authority.ca), "certificate": str(own.cert_file), "key": str(own.key_file)}
    with BlockingServer(server_context(authority.issue(), authority.ca if demanded else None), head) as server:
        candidate = Candidate.of({"base-url": server.url, "tls": tls, "limits": {"total": 5}})
        tests = go(server, candidate=candidate, test_set=transport("mtls", tmp_path))
    assert list(verdicts(tests).values()) == found, {name: test.reason for name, test in tests.items()}


def test_a_certificate_of_no_authority_is_refused_by_its_alert(go, authority, load):
    step = 'tls: {version: "1.3", certificate: foreign}, expect: {headers: {TLS-Alert: unknown_ca}}'
    with BlockingServer(server_context(authority.issue(), authority.ca)) as server:
        tests = go(server, test_set=load(f"tests:\n  - id: t\n    TITLE\n    steps: [{{{step}}}]\n"))
    assert verdicts(tests) == {"t": "pass"}, tests["t"].reason


def test_nothing_is_written_to_who_may_still_refuse(monkeypatch):
    """Who hangs up right after its alert answers what is written then by a reset, and the alert is lost."""
    monkeypatch.setattr("harness.engine.handshake._GRACE", 60)
    connection = Mock(version=lambda: "TLSv1.3", cipher=lambda: None, getpeercert=lambda binary_form: None)
    writer = Mock(get_extra_info=lambda name: connection)

    async def go():
        reader = asyncio.StreamReader()

        async def dial(*_):
            asyncio.get_running_loop().call_later(0.01, reader.set_exception, ssl.SSLError("certificate required"))
            return reader, writer

        monkeypatch.setattr("harness.engine.handshake.dial", dial)
        await speak("https://fhir.example/r4/metadata", ssl.create_default_context())

    with pytest.raises(ssl.SSLError, match="certificate required"):
        asyncio.run(go())
    writer.write.assert_not_called()


def test_a_certificate_of_the_candidate_that_does_not_hold_is_no_refusal(go, authority, tmp_path):
    own, expired = authority.issue("client.example"), authority.issue(begins=NOW - 9 * DAY, ends=NOW - DAY)
    context = server_context(authority.issue(), authority.ca)
    tls = {"ca": str(authority.ca), "certificate": str(own.cert_file), "key": str(own.key_file)}

    class Changing(BlockingServer):
        """Shows another certificate once it was asked for something."""

        def _answer(self, accepted):
            super()._answer(accepted)
            self._context.load_cert_chain(expired.cert_file, expired.key_file)

    with Changing(context) as server:
        candidate = Candidate.of({"base-url": server.url, "tls": tls, "limits": {"total": 5}})
        tests = go(server, candidate=candidate, test_set=transport("mtls", tmp_path))
    assert list(verdicts(tests).values()) == ["pass"] + ["fail"] * 4, {n: test.reason for n, test in tests.items()}


def test_without_a_certificate_to_show_mutual_tls_is_not_tried(go, authority, tmp_path):
    with BlockingServer(server_context(authority.issue(), authority.ca)) as server:
        tests = go(server, test_set=transport("mtls", tmp_path))
    assert set(verdicts(tests).values()) == {"skip"}


@pytest.mark.parametrize(("body", "told"), [(b'{"resourceType": "CapabilityStatement"}', "content"), (b"", "content")])
def test_clear_text_is_seen(go, authority, load, body, told):
    with TLSServer(None, body=body) as server:
        step = f"steps: [{{tls: {{version: none, port: {server.port}}}, expect: {{headers: {{Clear-Text: {told}}}}}}}]"
        tests = go(server, test_set=load(f"tests:\n  - id: t\n    TITLE\n    {step}\n"))
    assert verdicts(tests) == {"t": "pass"}


def test_without_https_nothing_applies(go):
    with TLSServer(None) as server:
        tests = go(server)
    assert set(verdicts(tests).values()) == {"skip"}
    assert server.seen == []


def test_behind_a_proxy_it_is_still_the_candidate_that_is_spoken_with(go, authority):
    tls = {"ca": str(authority.ca)}
    with BlockingServer(server_context(authority.issue()), HEADERS + STRICT) as server, Proxy("user:p%40ss") as proxy:
        content = {"base-url": server.url, "tls": tls, "limits": {"total": 5}}
        tests = go(server, candidate=Candidate.of({**content, "proxy": proxy.url.replace("p%40ss", "wrong")}))
        assert tests[CONTROL].verdict == "error"
        assert "407" in tests[CONTROL].reason
        tests = go(server, candidate=Candidate.of({**content, "proxy": proxy.url}))
    found = verdicts(tests)
    assert [found[name] for name in (CONTROL, OLD_0, OLD_1, STRONG, HSTS)] == ["pass"] * 5, found
    assert found[CLEAR] in ("pass", "warn")
    assert all(line.startswith("CONNECT localhost:") for line in proxy.asked)


def test_a_candidate_that_nobody_listens_for_is_no_answer_of_http(go, authority):
    with BlockingServer(server_context(authority.issue())) as server:
        pass
    tests = go(server)
    assert tests[CONTROL].verdict == "error"
    assert "connection was refused" in tests[CONTROL].reason
