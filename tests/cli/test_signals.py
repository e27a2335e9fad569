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
        assert self.server.client is not None
        os.kill(self.server.client.pid, self.server.number)
        self.server.client.wait(20)  # no answer: the harness has to end without it

    def do_DELETE(self) -> None:
        self.server.deleted.append(self.path)
        self._answer(204)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


IGNORED = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
"""As a shell without job control starts what it does not wait for."""


@pytest.mark.parametrize(("number", "before"), [(signal.SIGTERM, ""), (signal.SIGTERM, IGNORED), (signal.SIGINT, "")])
def test_a_run_that_is_told_to_end_cleans_up_and_reports(mini: Path, tmp_path: Path, number: int, before: str) -> None:
    out = tmp_path / "run"
    with _Candidate(number) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        words = ("run", "--base-url", f"http://127.0.0.1:{server.server_port}/fhir", "--root", mini, "--out", out)
        code = f"{before}import sys; from harness.cli import main; main(sys.argv[1:])"
        server.client = subprocess.Popen([sys.executable, "-c", code, *map(str, words)], stderr=subprocess.PIPE)
        server.started.set()
        _, errors = server.client.communicate(timeout=60)
        server.shutdown()
    assert server.client.returncode == 130, errors
    assert b"interrupted, and cleaned up" in errors
    assert b"Traceback" not in errors
    assert server.deleted == ["/fhir/Patient/1"]
    assert (out / "report.html").stat().st_size > 0
    assert RunResult.read(read_journal(out)).verdict is Verdict.ERROR
