"""A run that asks a terminology server is judged again without it: its record holds what was answered."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.acceptance.keys import ANCHOR, CHAIN, KEY
from tests.cli.conftest import Answer

SITES = "https://example.test/ValueSet/sites"
PROFILE = "https://example.test/StructureDefinition/site"
SNOMED = "http://snomed.info/sct"
SET = f"""
testset: sites
version: 1.0.0
title: {{en: Sites, fr: Sites}}
candidate: server
tests:
  - id: kept
    title: {{en: A body site is kept, fr: Un site du corps est gardé}}
    steps:
      - create:
          resourceType: Observation
          status: final
          code: {{text: made}}
          bodySite: {{coding: [{{system: "{SNOMED}", code: "SITE"}}]}}
        expect: {{status: 201, conforms: "{PROFILE}"}}
"""


class Tx(BaseHTTPRequestHandler):
    """Knows one code; what it says of others is wrong, broken or nothing, as the code asks."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)["code"][0]
        result = {"resourceType": "Parameters", "parameter": [{"name": "result", "valueBoolean": asked == "40983000"}]}
        lie = {"resourceType": "Parameters", "parameter": [{"name": "result", "valueBoolean": "true"}]}
        outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}
        status, body = {
            "111": (200, json.dumps(lie)),
            "222": (422, json.dumps(outcome)),
            "333": (200, "<html>welcome</html>"),
            "444": (500, ""),
        }.get(asked, (200, json.dumps(result)))
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing is printed."""


@contextmanager
def tx_server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tx)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/r4"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with a profile whose body site is from a value set that only a terminology server knows."""
    folder = tmp_path / "package"
    folder.mkdir()
    element = {
        "id": "Observation.bodySite",
        "path": "Observation.bodySite",
        "binding": {"strength": "required", "valueSet": SITES},
    }
    below = {"property": "concept", "op": "is-a", "value": "91723000"}
    files = {
        "package": {"name": "made.sites", "version": "1.0.0", "fhirVersions": ["4.0.1"]},
        "StructureDefinition-site": {
            "resourceType": "StructureDefinition",
            "id": "site",
            "url": PROFILE,
            "name": "Site",
            "status": "draft",
            "kind": "resource",
            "abstract": False,
            "type": "Observation",
            "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
            "derivation": "constraint",
            "differential": {"element": [element]},
        },
        "ValueSet-sites": {
            "resourceType": "ValueSet",
            "id": "sites",
            "url": SITES,
            "status": "draft",
            "compose": {"include": [{"system": SNOMED, "filter": [below]}]},
        },
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


Run = Callable[[str], Answer]


@pytest.fixture
def run(command: Callable[..., Answer], package: Path, tmp_path: Path, sandbox: str) -> Run:
    """Runs the set with a code, asking the server that listens meanwhile; the run lies in ``run``."""

    def call(code: str) -> Answer:
        sets = tmp_path / "sets"
        sets.mkdir()
        (sets / "sites.yaml").write_text(SET.replace('"SITE"', f'"{code}"'), encoding="utf-8")
        with tx_server() as url:
            words = ("--root", sets, "--base-url", sandbox, "--package", package, "--tx", url)
            return command("run", *words, "--out", tmp_path / "run", "--quiet")

    return call


@pytest.mark.parametrize(("code", "ended"), [("40983000", 0), ("9", 1)])
def test_the_record_is_judged_again_without_the_server(
    run: Run, command: Callable[..., Answer], package: Path, tmp_path: Path, code: str, ended: int
) -> None:
    assert run(code).exit == ended
    folder = tmp_path / "run"
    rows = json.loads((folder / "sources" / "terminology.json").read_bytes())["answers"]
    assert {(row["question"]["code"], row["answer"]["result"]) for row in rows} == {(code, not ended)}
    again = command("rejudge", folder, "--package", package)
    assert (again.exit, "the same, bit for bit" in again.out) == (0, True), again.out

    command("keys", "new", "--out", tmp_path / "keys")
    keys = tmp_path / "keys"
    signed = tmp_path / "signed.zip"
    assert command("accept", folder, "--key", keys / KEY, "--cert", keys / CHAIN, "--out", signed).exit == 0
    assert command("verify", signed, "--trust", keys / ANCHOR).exit == 0
    again = command("rejudge", signed, "--trust", keys / ANCHOR, "--package", package)
    assert (again.exit, "the same, bit for bit" in again.out) == (0, True), again.out


def test_without_its_answers_a_record_is_undecided(
    run: Run, command: Callable[..., Answer], package: Path, tmp_path: Path
) -> None:
    assert run("40983000").exit == 0
    (tmp_path / "run" / "sources" / "terminology.json").unlink()
    again = command("rejudge", tmp_path / "run", "--package", package)
    assert again.exit == 1
    assert "pass → undecided" in again.out


def test_altered_answers_are_refused(run: Run, command: Callable[..., Answer], package: Path, tmp_path: Path) -> None:
    assert run("9").exit == 1
    kept = tmp_path / "run" / "sources" / "terminology.json"
    kept.write_bytes(kept.read_bytes().replace(b'"result": false', b'"result": true'))
    again = command("rejudge", tmp_path / "run", "--package", package)
    assert again.exit == 1
    assert "the lock was altered: answer 1, on '9'" in again.out


@pytest.mark.parametrize("code", ["111", "222", "333", "444"])
def test_a_server_that_lies_or_breaks_proves_nothing(
    run: Run, command: Callable[..., Answer], package: Path, tmp_path: Path, code: str
) -> None:
    assert run(code).exit == 3
    assert not (tmp_path / "run" / "sources" / "terminology.json").exists()
    assert command("rejudge", tmp_path / "run", "--package", package).exit == 0


def test_a_rerun_judges_by_the_answers_of_the_record(
    run: Run, command: Callable[..., Answer], package: Path, tmp_path: Path, sandbox: str
) -> None:
    assert run("40983000").exit == 0
    words = ("--root", tmp_path / "sets", "--base-url", sandbox, "--package", package, "--out", tmp_path / "again")
    again = command("rerun", tmp_path / "run", *words)
    assert again.exit == 0, again.out
    kept = tmp_path / "again" / "run" / "sources" / "terminology.json"
    assert kept.read_bytes() == (tmp_path / "run" / "sources" / "terminology.json").read_bytes()
