"""Candidates that are clients, under pytest: their verdicts are those of the command, and nothing is done twice."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.acceptance.keys import new_keys
from harness.engine.journal import read_journal
from harness.engine.results import RunResult

SET = """
testset: calls
version: 1.0.0
title: {en: Calls, fr: Appels}
candidate: client
tests:
  - id: feeds
    title: {en: It creates a patient, fr: Il crée un patient}
    steps:
      - await: &create
          instruction: {en: Create the patient TEST, fr: Créez le patient TEST}
          action: create
          request: {method: POST, path: Patient}
          within: 60
        expect: {status: 201, conforms: base, that: "name.family = 'TEST'"}
        save: {id: answer.header.Location.id}
      - read: Patient/${id}
        expect: {status: 200}
  - id: wrong
    title: {en: Its patient has another name, fr: Son patient a un autre nom}
    steps:
      - await: *create
        expect: {that: "name.family = 'OTHER'"}
  - id: feeds-again
    title: {en: It creates another patient, fr: Il crée un autre patient}
    control: feeds
    steps: [{await: *create, expect: {status: 201}}]
  - id: hindered
    title: {en: It would go on, fr: Il continuerait}
    control: wrong
    steps: [{await: *create, expect: {status: 201}}]
"""
SERVER = """
testset: served
version: 1.0.0
title: {en: Served, fr: Servi}
candidate: server
tests:
  - id: reads
    title: {en: It is read, fr: On le lit}
    steps: [{read: Patient/nobody, expect: {status: 404}}]
"""
CLIENT = """
import json, os, socket, sys, urllib.request
step = json.loads(os.environ["FHIR_HARNESS_STEP"])
with open("calls.log", "a") as log:
    log.write(step["test"] + "\\n")
if sys.argv[1] == "waits":
    socket.create_connection(("127.0.0.1", int(sys.argv[2]))).recv(1)
if sys.argv[1] == "idles":
    sys.exit("it will not")
body = json.dumps({"resourceType": "Patient", "name": [{"family": "TEST"}]}).encode()
headers = {**step["credentials"], "Content-Type": "application/fhir+json"}
request = urllib.request.Request(step["base-url"] + "/Patient", body, headers, method="POST")
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()
"""
VERDICTS = {"feeds": "pass", "wrong": "fail", "feeds-again": "pass", "hindered": "skip"}
CALLS = ["feeds", "wrong", "feeds-again"]


@pytest.fixture
def client(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with the test sets, a client, and what says how it is called."""
    (pytester.mkdir("sets") / "calls.yaml").write_text(SET, encoding="utf-8")
    (pytester.path / "sets" / "served.yaml").write_text(SERVER, encoding="utf-8")
    (pytester.path / "client.py").write_text(CLIENT, encoding="utf-8")
    _named(pytester, "works")
    return pytester


def _named(pytester: pytest.Pytester, *way: str, more: str = "") -> None:
    run = json.dumps([sys.executable, "client.py", *way])
    (pytester.path / "client.yaml").write_text(f"kind: client\ncommand: {{run: {run}}}\n{more}", encoding="utf-8")


def _calls(pytester: pytest.Pytester) -> list[str]:
    """The tests that the client was called for since this was last asked."""
    log = pytester.path / "calls.log"
    calls = log.read_text(encoding="utf-8").split() if log.exists() else []
    log.unlink(missing_ok=True)
    return calls


def _run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    words = ("-p", "no:cacheprovider", "sets", "--fhir-candidate", "client.yaml", *arguments)
    result = pytester.runpytest_subprocess(*words)
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    return result


def _junit(path: Path) -> dict[str, str]:
    """Test to verdict."""
    cases = ElementTree.parse(path).getroot().iter("testcase")
    properties = {case.get("name", ""): {one.get("name"): one.get("value") for one in case.iter("property")}
                  for case in cases}  # fmt: skip
    return {name: str(found["verdict"]) for name, found in properties.items() if "verdict" in found}


def _command(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.run(sys.executable, "-c", "from harness.cli import main; main()", *arguments)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_verdicts_are_those_of_the_command(client: pytest.Pytester, workers: tuple[str, ...]) -> None:
    client.makepyfile("def test_one(): pass\ndef test_two(): pass")
    result = _run(client, ".", "--junitxml", "junit.xml", "--fhir-report-html", "page.html", *workers)
    result.assert_outcomes(passed=4, failed=1, skipped=1)
    assert _calls(client) == CALLS
    assert _junit(client.path / "junit.xml") == VERDICTS
    page = (client.path / "page.html").read_text("utf-8")
    assert re.findall(r' id="calls\.([a-z-]+)"', page) == list(VERDICTS)
    assert "This run was cut off" not in page
    ran = _command(client, "run", "--candidate", "client.yaml", "--root", "sets", "--out", "run")
    assert ran.ret == 1
    assert _calls(client) == CALLS
    recorded = RunResult.read(read_journal(client.path / "run"))
    assert {test.started.test: test.verdict.value for test in recorded.tests} == VERDICTS


def test_a_session_is_told_in_french(client: pytest.Pytester) -> None:
    client.makeini("[pytest]\nfhir_lang = fr\n")
    result = _run(client, "-rs", "--fhir-out", "run")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "fhir-harness : client, *, --fhir-seed *",
            "*calls/wrong: Son patient a un autre nom*",
            "that : la condition name.family = 'OTHER' n'est pas remplie*",
            "étape 1 : await POST Patient*",
            "*enregistré dans run*",
            "SKIPPED*le témoin wrong a donné fail*",
        ]
    )
    assert "$ curl" not in result.stdout.str()


def test_an_item_runs_alone_with_its_control(client: pytest.Pytester) -> None:
    words = ("-p", "no:cacheprovider", "--fhir-candidate", "client.yaml", "sets/calls.yaml::feeds-again")
    client.runpytest_subprocess(*words).assert_outcomes(passed=1)
    assert _calls(client) == ["feeds", "feeds-again"]


def test_what_failed_runs_again_and_nothing_else(client: pytest.Pytester) -> None:
    words = ("sets", "--fhir-candidate", "client.yaml")
    client.runpytest_subprocess(*words).assert_outcomes(passed=2, failed=1, skipped=1)
    assert _calls(client) == CALLS
    client.runpytest_subprocess(*words, "--lf").assert_outcomes(failed=1)
    assert _calls(client) == ["wrong"]


def test_a_session_that_stops_tells_the_client_nothing_more(client: pytest.Pytester) -> None:
    _run(client, "-x").assert_outcomes(passed=1, failed=1)
    assert _calls(client) == ["feeds", "wrong"]


def test_the_order_of_the_items_is_pytests_that_of_the_calls_the_sets(client: pytest.Pytester) -> None:
    client.makeconftest("def pytest_collection_modifyitems(items): items.reverse()")
    _run(client, "-p", "no:xdist", "--junitxml", "junit.xml").assert_outcomes(passed=2, failed=1, skipped=1)
    assert list(_junit(client.path / "junit.xml").items()) == list(VERDICTS.items())[::-1]
    assert _calls(client) == CALLS


def test_a_collection_calls_nobody(client: pytest.Pytester) -> None:
    result = _run(client, "--collect-only", "-q", "--fhir-report-html", "page.html")
    assert result.ret == pytest.ExitCode.OK
    assert [line.rpartition("::")[2] for line in result.stdout.lines if "::" in line] == list(VERDICTS)
    assert (_calls(client), (client.path / "page.html").exists()) == ([], False)


def test_sets_for_servers_are_not_those_of_a_client(client: pytest.Pytester, sandbox: str) -> None:
    words = ("-p", "no:cacheprovider", "sets", "--fhir-base-url", sandbox)
    client.runpytest_subprocess(*words).assert_outcomes(passed=1)


def test_what_a_client_did_is_signed_and_judged_again(client: pytest.Pytester) -> None:
    new_keys(client.path / "keys", "Éditeur")
    keys = ("--fhir-key", "keys/key.pem", "--fhir-cert", "keys/chain.pem")
    result = _run(client, "--fhir-out", "run", "--fhir-accept", "signed.zip", *keys)
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["signed signed.zip"])
    assert {"report.html", "report.json", "junit.xml"} <= {path.name for path in (client.path / "run").iterdir()}
    judged = _command(client, "rejudge", "signed.zip", "--trust", "keys/ca.pem")
    assert (judged.ret, "bit for bit" in judged.stdout.str()) == (0, True)
    journal = (client.path / "run" / "journal.ndjson").read_text("utf-8")
    assert set(re.findall(r"Bearer (\S{10})", journal)) == {"«redacted:"}


def test_waivers_hold_and_those_that_met_nothing_are_told(client: pytest.Pytester) -> None:
    head = "reason: known since long, author: us, expires: '2999-01-01'"
    (client.path / "waivers.yaml").write_text(
        f"waivers:\n  - {{code: that, test: wrong, {head}}}\n  - {{code: status, test: feeds, {head}}}\n", "utf-8"
    )
    for workers in ((), ("-n", "2")):
        result = _run(client, "--fhir-waivers", "waivers.yaml", *workers)
        result.assert_outcomes(passed=4)
        result.stdout.fnmatch_lines(["this waiver met nothing, or has expired; remove or renew it: status feeds"])
        assert "renew it: that" not in result.stdout.str()


def test_a_command_that_is_not_there_is_an_error(client: pytest.Pytester) -> None:
    (client.path / "client.yaml").write_text("kind: client\ncommand: {run: [./nothing-here]}\n", encoding="utf-8")
    result = _run(client)
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(["*./nothing-here cannot be started: No such file*"])


def test_a_client_that_never_sends_fails(client: pytest.Pytester) -> None:
    _named(client, "idles")
    result = _run(client, "-k", "wrong")
    result.assert_outcomes(failed=1, deselected=3)
    result.stdout.fnmatch_lines(["*the request did not come: 0 of 1 × POST Patient*it will not*"])


def test_a_port_that_is_taken_is_an_error(client: pytest.Pytester) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        _named(client, "works", more=f"sandbox: {{port: {taken.getsockname()[1]}}}\n")
        result = _run(client, "-k", "feeds")
    result.assert_outcomes(errors=2, deselected=2)
    result.stdout.fnmatch_lines(["*cannot listen here*"])
    assert _calls(client) == []


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("kind: client\ncommand: {}\n", (), "*run is missing*"),
        ("kind: client\ncommand: {run: ['{acton}']}\n", (), "*there is no placeholder {acton}*"),
        ("kind: client\npolicy: {glucose-unit: mg/dl}\n", (), "*the sandbox does 'mg/dL' only*"),
        ("kind: client\n", ("--fhir-header", "A: b"), "*go with --fhir-base-url*"),
        ("kind: client\n", ("--fhir-resume", "run", "--fhir-out", "new"), "*is for candidates that are servers*"),
        ("kind: client\n", ("-n", "2", "--dist", "each"), "*once for each worker*"),
        ("kind: client\n", ("--fhir-lang", "de"), '*--fhir-lang is en or fr, not "de"*'),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    client: pytest.Pytester, content: str, options: tuple[str, ...], message: str
) -> None:
    (client.path / "client.yaml").write_text(content, encoding="utf-8")
    result = _run(client, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_ends_the_client(client: pytest.Pytester, told: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as meeting:
        _named(client, "waits", str(meeting.getsockname()[1]))
        words = ("-p", "no:cacheprovider", "sets", "--fhir-candidate", "client.yaml", "--fhir-out", "run")
        with _session(client, *words, stdout=subprocess.PIPE) as session:
            caller, _ = meeting.accept()
            session.send_signal(told)
            said, _ = session.communicate()
            with caller:
                assert caller.recv(1) == b""  # it was killed
    assert session.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in said
    assert "Traceback" not in said
    assert RunResult.read(read_journal(client.path / "run")).finished is None


def _session(pytester: pytest.Pytester, *words: str, **streams: int) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-m", "pytest", *words]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    return subprocess.Popen(arguments, cwd=pytester.path, encoding="utf-8", env=environment, **streams)


def _until(lines: Callable[[], str], wanted: str) -> str:
    """Read up to the line that holds ``wanted``."""
    said = ""
    while wanted not in said:
        line = lines()
        assert line, said
        said += line
    return said


def test_a_person_is_told_what_to_do_whatever_pytest_captures(client: pytest.Pytester) -> None:
    (client.path / "client.yaml").write_text("kind: client\n", encoding="utf-8")
    words = ("-p", "no:cacheprovider", "sets/calls.yaml::feeds", "--fhir-candidate", "client.yaml")
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with _session(client, *words, "--fhir-lang", "fr", **streams) as session:
        assert session.stderr is not None
        said = _until(session.stderr.readline, "Créez le patient TEST")
        base = re.search(r"Connectez le client à (\S+)", said)
        token = re.search(r"Authorization : (.+)", said)
        assert base and token, said
        headers = {"Authorization": token[1], "Content-Type": "application/fhir+json"}
        body = json.dumps({"resourceType": "Patient", "name": [{"family": "TEST"}]}).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(f"{base[1]}/Patient", body, headers)) as made:
            assert made.status == 201
        out, _ = session.communicate()
    assert session.returncode == 0, out
    assert "1 passed" in out
