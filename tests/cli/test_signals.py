"""A run that is told to end: what it did is recorded, reported and cleaned up."""

import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.engine.journal import read_journal
from harness.engine.results import RunResult
from harness.engine.verdict import Verdict

FIRST = b'{"resourceType": "Patient", "id": "1"}'


class _Candidate(ThreadingHTTPServer):
    """Stores one patient, and has whoever asks for it told to end; remembers what was deleted."""

    def __init__(self, number: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.number = number
        self.client: subprocess.Popen[bytes] | None = None
        self.started = threading.Event()
        self.deleted: list[str] = []
        self.impatient = False
        """Whether it tells the harness to end once more while that cleans up."""


class _Handler(BaseHTTPRequestHandler):
    server: _Candidate

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        for name, value in {"Content-Type": "application/fhir+json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self._answer(201, FIRST, Location=f"http://{self.headers['Host']}/fhir/Patient/1/_history/1")

    def do_GET(self) -> None:
        self.server.started.wait(10)
        self._tell_to_end()

    def _tell_to_end(self) -> None:
        assert self.server.client is not None
        os.kill(self.server.client.pid, self.server.number)
        self.server.client.wait(20)  # no answer: the harness has to end without it

    def do_DELETE(self) -> None:
        if self.server.impatient:
            self._tell_to_end()
            return
        self.server.deleted.append(self.path)
        self._answer(204)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


IGNORED = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
"""As a shell without job control starts what it does not wait for."""
HEARD = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
"""Also where the tests run under nohup."""


SIGNALS = [(signal.SIGTERM, ""), (signal.SIGTERM, IGNORED), (signal.SIGINT, ""), (signal.SIGHUP, HEARD)]
COMMAND = "import sys; from harness.cli import main; main(sys.argv[1:])"


def told_to_end(server: _Candidate, mini: Path, out: Path, before: str = "") -> str:
    """Run ``mini`` against ``server`` until that tells it to end, and return what it said of it."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    words = ("run", "--base-url", f"http://127.0.0.1:{server.server_port}/fhir", "--root", mini, "--out", out)
    server.client = subprocess.Popen([sys.executable, "-c", before + COMMAND, *map(str, words)], stderr=subprocess.PIPE)
    server.started.set()
    _, errors = server.client.communicate(timeout=60)
    server.shutdown()
    assert server.client.returncode == 130, errors
    assert b"Traceback" not in errors
    assert (out / "report.html").stat().st_size > 0
    assert RunResult.read(read_journal(out)).verdict is Verdict.ERROR
    return errors.decode()


@pytest.mark.parametrize(("number", "before"), SIGNALS)
def test_a_run_that_is_told_to_end_cleans_up_and_reports(mini: Path, tmp_path: Path, number: int, before: str) -> None:
    with _Candidate(number) as server:
        said = told_to_end(server, mini, tmp_path / "run", before)
    assert "once more, and it ends at once" in said
    assert "interrupted, and cleaned up" in said
    assert server.deleted == ["/fhir/Patient/1"]


def test_a_run_that_is_told_twice_ends_at_once_and_says_what_may_be_left(mini: Path, tmp_path: Path) -> None:
    with _Candidate(signal.SIGINT) as server:
        server.impatient = True
        said = told_to_end(server, mini, tmp_path / "run")
    assert "ended at once: what it made may still be on the candidate, such as Patient/1;" in said
    assert f"--resume {tmp_path / 'run'}" in said
    assert "cleaned up" not in said


def test_a_run_that_nobody_reads_any_more_goes_on_and_is_recorded(mini: Path, tmp_path: Path, sandbox: str) -> None:
    """As under ``| head -1``."""
    words = ("run", "--base-url", sandbox, "--root", mini, "--out", tmp_path / "run")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        ended = subprocess.run(
            [sys.executable, "-c", COMMAND, *map(str, words)],
            stdout=pipe,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert ended.stderr == b""
    assert RunResult.read(read_journal(tmp_path / "run")).finished is not None
    assert (tmp_path / "run" / "report.html").stat().st_size > 0
