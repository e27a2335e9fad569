"""Candidates that are clients: the sandbox that they call, a command or a person that makes them act, and a proxy."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.engine.events import StepFinished
from harness.engine.journal import read_journal
from harness.sandbox.server import SandboxServer
from tests.cli.conftest import Answer

Command = Callable[..., Answer]

SET = """
testset: calls
version: 1.0.0
title: {en: Calls, fr: Appels}
candidate: client
variables: {family: "${candidate.identities.default.name.family}"}
tests:
  - id: feeds
    title: {en: It creates a patient and reads it, fr: Il crée un patient et le lit}
    steps:
      - await:
          instruction: {en: "Create the patient ${family}", fr: "Créez le patient ${family}"}
          action: create
          data: {family: "${family}"}
          request: {method: POST, path: Patient}
          within: 60
        expect: {status: 201, conforms: base, content-type: json, that: "name.family = %family"}
        save: {id: answer.header.Location.id}
      - await: {request: {method: GET, path: "Patient/${id}"}, within: 60}
        expect: {status: 200}
      - read: Patient/${id}
        expect: {status: 200, that: "name.family = %family"}
"""
CLIENT = """
import json, os, sys, urllib.error, urllib.request
step = json.loads(os.environ["FHIR_HARNESS_STEP"])
action, base, way = sys.argv[1:4]
assert (action, base) == (step["action"], step["base-url"])
print("noise of the client"); sys.stderr.write("why it fails: " + step["credentials"]["Authorization"])
def call(method, url, body=None):
    headers = {**step["credentials"], "Content-Type": "application/fhir+json"}
    request = urllib.request.Request(url, body and json.dumps(body).encode(), headers, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return answer.headers
if way == "sleeps":
    import time
    time.sleep(3600)
if way != "idles":
    family = step["data"]["family"] if way == "right" else "WRONG"
    made = call("POST", base + "/Patient", {"resourceType": "Patient", "name": [{"family": family}]})
    call("GET", made["Location"].partition("/_history")[0])
sys.exit(0 if way == "right" else 3)
"""


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    folder = tmp_path / "sets"
    folder.mkdir()
    (folder / "calls.yaml").write_text(SET, encoding="utf-8")
    (tmp_path / "client.py").write_text(CLIENT, encoding="utf-8")
    return folder


def client_file(folder: Path, way: str, more: str = "") -> Path:
    path = folder / "client.yaml"
    run = json.dumps([sys.executable, "client.py", "{action}", "{base-url}", way])
    head = "kind: client\nsoftware: {publisher: Publisher, product: Client, version: '1', reference: R}\n"
    path.write_text(f"{head}command: {{run: {run}, timeout: 30}}\n{more}", encoding="utf-8")
    return path


def test_a_run_is_recorded_judged_again_and_accepted(command: Command, sets: Path, tmp_path: Path) -> None:
    run, file, keys = tmp_path / "run", client_file(tmp_path, "right"), tmp_path / "keys"
    answer = command("run", "--candidate", file, "--root", sets, "--out", run, "--report", "har")
    assert answer.exit == 0, answer.out
    assert "noise" not in answer.out + answer.err
    assert {"report.html", "junit.xml", "exchanges.har"} <= {path.name for path in run.iterdir()}
    again = command("rejudge", run, "--root", sets, "--unsafe-skip-verification")
    assert "the same, bit for bit" in again.out
    rerun = command("rerun", run, "--candidate", file, "--root", sets, "--out", tmp_path / "rerun", "--repeat", 2,
                    "--unsafe-skip-verification")  # fmt: skip
    assert rerun.exit == 0, rerun.out
    command("keys", "new", "--out", keys)
    zipped = tmp_path / "file.zip"
    assert command("accept", run, "--key", keys / "key.pem", "--cert", keys / "chain.pem", "--out", zipped).exit == 0
    assert command("verify", zipped, "--trust", keys / "ca.pem").exit == 0
    methods = [
        entry["request"]["method"] for entry in json.loads((run / "exchanges.har").read_bytes())["log"]["entries"]
    ]
    assert methods == ["POST", "GET", "GET"]
    assert "Received" in (run / "report.html").read_text(encoding="utf-8")


def test_a_wrong_client_fails_and_no_token_is_recorded(command: Command, sets: Path, tmp_path: Path) -> None:
    answer = command(
        "run", "--candidate", client_file(tmp_path, "wrong"), "--root", sets, "--out", tmp_path / "run", "--lang", "fr"
    )
    assert answer.exit == 1
    assert "la condition name.family = %family n'est pas remplie" in answer.out
    journal = (tmp_path / "run" / "journal.ndjson").read_text(encoding="utf-8")
    assert set(re.findall(r"Bearer (\S{10})", journal)) == {"«redacted:"}


def test_a_command_that_fails_is_told_with_what_did_not_come(command: Command, sets: Path, tmp_path: Path) -> None:
    answer = command("run", "--candidate", client_file(tmp_path, "idles"), "--root", sets, "--out", tmp_path / "run")
    assert answer.exit == 1
    said = " ".join(answer.out.split())
    assert "the request did not come: 0 of 1 × POST Patient" in said
    assert "the command ended with 3: why it fails: Bearer «redacted" in said


def test_what_the_environment_gave_the_command_is_not_recorded(
    command: Command, sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "canary-of-the-environment")
    (tmp_path / "client.py").write_text("import os, sys; sys.exit(os.environ['KEY'])", encoding="utf-8")
    file = client_file(tmp_path, "right")
    text = file.read_text(encoding="utf-8").replace("timeout: 30", "environment: {KEY: '${CANARY}'}")
    file.write_text(text, encoding="utf-8")
    answer = command("run", "--candidate", file, "--root", sets, "--out", tmp_path / "run")
    assert answer.exit == 1
    assert "the command ended with 1: «redacted:command.environment.key" in " ".join(answer.out.split())
    written = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert b"canary-of-the-environment" not in written


PAIRS = """
import json, sys, urllib.error, urllib.request
discovery, name, secret = sys.argv[1:]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
place = json.load(opener.open(discovery))["token_endpoint"]
form = f"grant_type=refresh_token&refresh_token=none&client_id={name}&client_secret={secret}"
try:
    opener.open(place, form.encode())
except urllib.error.HTTPError as refused:
    print(refused.read())
open("secret.txt", "w").write(secret)
"""
PAIRING = """
testset: pairs
version: 1.0.0
title: {en: Pairs, fr: Appaire}
candidate: client
tests:
  - id: refreshes
    title: {en: It asks for a token, fr: Il demande un jeton}
    steps:
      - await:
          instruction: {en: Refresh the token, fr: Renouvelez le jeton}
          request: {method: POST, path: /oauth/token, params: {grant_type: refresh_token}}
        expect: {params: {client_secret: present, client_id: present}, status: 400}
"""


def test_a_client_is_told_how_to_pair_and_its_secret_is_not_recorded(command: Command, tmp_path: Path) -> None:
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "pairs.yaml").write_text(PAIRING, encoding="utf-8")
    (tmp_path / "pairs.py").write_text(PAIRS, encoding="utf-8")
    file = tmp_path / "client.yaml"
    run = json.dumps([sys.executable, "pairs.py", "{discovery-url}", "{client-id}", "{client-secret}"])
    more = "sandbox: {redirect-uris: ['https://app.example/back'], cors: ['https://app.example']}"
    file.write_text(f"kind: client\ncommand: {{run: {run}, timeout: 30}}\n{more}\n", encoding="utf-8")
    answer = command("run", "--candidate", file, "--root", tmp_path / "sets", "--out", tmp_path / "run")
    assert answer.exit == 0, answer.out
    secret = (tmp_path / "secret.txt").read_bytes()
    assert len(secret) > 20
    assert not [path for path in (tmp_path / "run").rglob("*") if path.is_file() and secret in path.read_bytes()]


def test_a_command_is_killed_when_its_time_is_over(command: Command, sets: Path, tmp_path: Path) -> None:
    file = client_file(tmp_path, "sleeps")
    file.write_text(file.read_text(encoding="utf-8").replace("timeout: 30", "timeout: 0.2"), encoding="utf-8")
    answer = command("run", "--candidate", file, "--root", sets, "--out", tmp_path / "run")
    assert answer.exit == 1
    assert "the command was killed after 0.2 s" in " ".join(answer.out.split())


def test_a_command_that_only_sets_the_client_off(command: Command, sets: Path, tmp_path: Path) -> None:
    starts = "import subprocess, sys; subprocess.Popen(sys.argv[1:])"
    (tmp_path / "start.py").write_text(starts, encoding="utf-8")
    file = client_file(tmp_path, "right")
    text = file.read_text(encoding="utf-8").replace("timeout: 30", "timeout: 30, finishes: false")
    quoted = json.dumps([sys.executable, "start.py"])[1:-1]
    file.write_text(text.replace("run: [", f"run: [{quoted}, "), encoding="utf-8")
    assert command("run", "--candidate", file, "--root", sets, "--out", tmp_path / "run").exit == 0


def test_a_command_that_is_not_there_is_an_error(command: Command, sets: Path, tmp_path: Path) -> None:
    path = tmp_path / "client.yaml"
    path.write_text("kind: client\ncommand: {run: [./nothing-here]}\n", encoding="utf-8")
    answer = command("run", "--candidate", path, "--root", sets, "--out", tmp_path / "run")
    assert answer.exit == 4
    assert "./nothing-here cannot be started: No such file" in answer.out


def test_the_harness_stands_between_client_and_server(command: Command, sets: Path, tmp_path: Path) -> None:
    with SandboxServer() as real:
        default = real.candidate()["identities"]["default"]
        more = f"sandbox: {{proxy: '{real.base_url}'}}\nidentities: {json.dumps({'default': default})}\n"
        file = client_file(tmp_path, "right", more)
        answer = command("run", "--candidate", file, "--root", sets, "--out", tmp_path / "run")
        assert answer.exit == 0, answer.out
    events = [event for event in read_journal(tmp_path / "run") if isinstance(event, StepFinished)]
    exchanges = [exchange for event in events for exchange in event.exchanges]
    assert not any(exchange.request.url.startswith(real.base_url) for exchange in exchanges)
    located = exchanges[0].response.header("location") if exchanges[0].response else None
    assert located is not None
    assert located.startswith(exchanges[0].request.url)


def test_a_server_that_is_gone_is_a_bad_gateway(command: Command, sets: Path, tmp_path: Path) -> None:
    default = {"bearer": "a-token-of-ours", "name": {"family": "PATIENT-TEST"}}
    more = f"sandbox: {{proxy: 'http://127.0.0.1:1/fhir'}}\nidentities: {json.dumps({'default': default})}\n"
    answer = command(
        "run", "--candidate", client_file(tmp_path, "right", more), "--root", sets, "--out", tmp_path / "run"
    )
    assert answer.exit == 1
    assert "does not answer: ConnectError" in " ".join(answer.out.split())


def test_a_person_is_told_where_to_connect_and_what_to_do(sets: Path, tmp_path: Path) -> None:
    file = tmp_path / "client.yaml"
    file.write_text("kind: client\n", encoding="utf-8")
    words = [
        sys.executable,
        "-u",
        "-c",
        "from harness.cli import main; main()",
        "run",
        "--candidate",
        file,
        "--root",
        sets,
    ]
    with subprocess.Popen(
        [*map(str, words), "--out", str(tmp_path / "run"), "--lang", "fr"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Créez le patient PATIENT-TEST" in line:
                break
        assert re.search(r"page du testeur : http://127\.0\.0\.1:\d+/console", "".join(lines))
        base = re.search(r"Connectez le client à (\S+)", "".join(lines))
        token = re.search(r"Authorization : (.+)", "".join(lines))
        assert base and token, lines
        headers = {"Authorization": token[1], "Content-Type": "application/fhir+json"}
        body = json.dumps({"resourceType": "Patient", "name": [{"family": "PATIENT-TEST"}]}).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(f"{base[1]}/Patient", body, headers)) as made:
            place = made.headers["Location"].partition("/_history")[0]
        with opener.open(urllib.request.Request(place, headers=headers)) as read:
            assert read.status == 200
        assert "SUCCÈS Il crée un patient et le lit" in process.stdout.read()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("kind: client\ncommand: {run: ['{acton}']}\n", "there is no placeholder {acton}"),
        (
            "kind: client\ncommand: {run: [x], environment: {A: '{no}'}}\n",
            "environment.A: there is no placeholder {no}",
        ),
        ("kind: client\ncommand: {}\n", "run is missing"),
        ("kind: client\nbase-url: http://x.example/fhir\n", "a client calls the sandbox"),
        ("kind: client\nsandbox: {proxy: nowhere}\n", "is not an address"),
        (
            "kind: client\nsandbox: {proxy: 'http://x.example'}\nendpoints: {fhir: {base-url: 'http://y.example'}}\n",
            "endpoints.fhir: behind sandbox: proxy, /fhir is the path of proxy itself; take another name",
        ),
        ("kind: client\npolicy: {glucose-unit: mg/dl}\n", "the sandbox does 'mg/dL' only"),
        ("kind: peer\nbase-url: http://x.example/fhir\n", "must be one of server, client"),
        ("base-url: http://x.example/fhir\ncommand: {run: [x]}\n", "goes with kind: client"),
    ],
)
def test_a_file_that_is_wrong_is_refused(command: Command, sets: Path, tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "client.yaml"
    path.write_text(content, encoding="utf-8")
    answer = command("run", "--candidate", path, "--root", sets, "--out", tmp_path / "run")
    assert answer.exit == 2
    assert said in answer.err


def test_options_and_commands_for_servers(command: Command, sets: Path, tmp_path: Path) -> None:
    file = client_file(tmp_path, "right")
    resumed = command("run", "--candidate", file, "--root", sets, "--resume", tmp_path)
    assert (resumed.exit, "is for candidates that are servers" in resumed.err) == (2, True)
    headed = command("run", "--candidate", file, "--root", sets, "--header", "A: b")
    assert (headed.exit, "--header and --endpoint go with --base-url" in headed.err) == (2, True)
    asked = command("doctor", "--candidate", file)
    assert (asked.exit, "is that of a client" in asked.err) == (2, True)


def test_choices_are_those_of_the_sandbox(command: Command, sets: Path, tmp_path: Path) -> None:
    chosen = "policy: {id-token-header: X-Id, dotted-include: any, appointment-deletion: refused}\n"
    file = client_file(tmp_path, "right", chosen)
    assert command("run", "--candidate", file, "--root", sets, "--out", tmp_path / "run").exit == 0
    assert '"X-Id"' in (tmp_path / "run" / "journal.ndjson").read_text(encoding="utf-8")
