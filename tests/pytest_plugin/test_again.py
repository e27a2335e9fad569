"""Sessions that go on from recorded runs, what they leave behind, and who signs in for them."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.engine.events import TestFinished
from harness.engine.journal import read_journal
from harness.engine.results import RunResult
from tests.pytest_plugin.test_plugin import SET


@pytest.fixture
def testsets(pytester: pytest.Pytester) -> pytest.Pytester:
    (pytester.mkdir("sets") / "mini.yaml").write_text(SET, encoding="utf-8")
    return pytester


def _run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "sets", *arguments)
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    return result


def _cut(folder: Path, tests: int) -> None:
    """Leave of a recorded run what was there when ``tests`` of its tests had ended."""
    lines, ended = [], 0
    for line in (folder / "journal.ndjson").read_bytes().splitlines(keepends=True):
        lines.append(line)
        ended += json.loads(line)["event"] == TestFinished.__name__
        if ended == tests:
            break
    (folder / "journal.ndjson").write_bytes(b"".join(lines))


def _verdicts(folder: Path) -> dict[str, str]:
    return {test.started.test: test.verdict.value for test in RunResult.read(read_journal(folder)).tests}


def test_a_session_goes_on_with_a_run_that_was_cut_off(testsets: pytest.Pytester, sandbox: str) -> None:
    address = ("--fhir-base-url", sandbox)
    _run(testsets, *address, "--fhir-out", "run", "--fhir-seed", "7").assert_outcomes(passed=2, failed=1, skipped=1)
    whole = _verdicts(testsets.path / "run")
    _cut(testsets.path / "run", 1)
    assert _verdicts(testsets.path / "run") == {"stored": "pass"}
    result = _run(testsets, *address, "--fhir-out", "on", "--fhir-resume", "run")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*--fhir-seed 7", "recorded in on"])
    assert _verdicts(testsets.path / "on") == whole
    taken = [RunResult.read(read_journal(testsets.path / name)).sets["mini"].tests["stored"] for name in ("run", "on")]
    assert taken[0].steps[0].exchanges == taken[1].steps[0].exchanges  # it was not sent again


def test_only_what_failed_in_a_recorded_run_runs_again(testsets: pytest.Pytester, sandbox: str) -> None:
    address = ("--fhir-base-url", sandbox)
    _run(testsets, *address, "--fhir-out", "run")
    assert {"report.html", "report.json", "junit.xml"} <= {path.name for path in (testsets.path / "run").iterdir()}
    _run(testsets, *address, "--fhir-rerun-failed", "run").assert_outcomes(failed=1, deselected=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--fhir-resume", "none", "--fhir-out", "new"), "*no journal to read*"),
        (("--fhir-resume", "none"), "*name a folder with --fhir-out*"),
        (("--fhir-resume", "none", "--fhir-out", "new", "--fhir-seed", "1"), "*leave out --fhir-shard*"),
        (("--fhir-rerun-failed", "none"), "*no journal to read*"),
    ],
)
def test_runs_that_are_not_there_are_usage_errors(
    testsets: pytest.Pytester, options: tuple[str, ...], message: str
) -> None:
    result = _run(testsets, "--fhir-base-url", "http://127.0.0.1:9/fhir", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


class _Guarded(BaseHTTPRequestHandler):
    """Gives a token to anybody, and creates patients that cannot be deleted for who bears one."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))  # type: ignore[attr-defined]
        if self.path == "/token":
            self._answer(200, {"access_token": "a-token-of-the-session", "token_type": "Bearer", "expires_in": 3600})
        else:
            self._answer(201, {"resourceType": "Patient", "id": "kept"}, Location="/fhir/Patient/kept/_history/1")

    def do_DELETE(self) -> None:
        self._answer(405, {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]})

    def _answer(self, status: int, content: object, **headers: str) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/fhir+json",
            "Content-Length": str(len(body)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def guarded() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Guarded) as server:
        server.asked = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


CREATES = """
testset: creates
version: 1.0.0
title: {en: Creates, fr: Crée}
candidate: server
tests:
  - id: first
    title: {en: First, fr: Premier}
    steps: &steps [{create: {resourceType: Patient}, expect: {status: 201}}]
  - {id: second, title: {en: Second, fr: Second}, steps: *steps}
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_session_signs_in_once_and_tells_what_it_left(
    testsets: pytest.Pytester, guarded: ThreadingHTTPServer, workers: tuple[str, ...]
) -> None:
    here = f"http://127.0.0.1:{guarded.server_port}"
    (testsets.path / "sets" / "mini.yaml").write_text(CREATES, encoding="utf-8")
    oauth = {
        "grant": "client-credentials",
        "token-url": f"{here}/token",
        "client-id": "us",
        "client-secret": "s3cr3t-of-us",
    }
    content = {"base-url": f"{here}/fhir", "identities": {"default": {"oauth": oauth}}}
    (testsets.path / "server.yaml").write_text(json.dumps(content), encoding="utf-8")
    result = _run(testsets, "--fhir-candidate", "server.yaml", *workers)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["left on the candidate, delete it there: *Patient/kept*"])
    asked: list[tuple[str, str]] = guarded.asked  # type: ignore[attr-defined]
    assert [path for path, _ in asked].count("/token") in range(1, 3 if workers else 2)  # once for each worker
    assert {by for path, by in asked if path != "/token"} == {"Bearer a-token-of-the-session"}
