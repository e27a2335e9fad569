"""Bad input: a clear message, the right exit class, no traceback, and what was recorded stays readable."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.engine.journal import read_journal
from harness.engine.results import RunResult
from tests.cli.conftest import SET, Answer

Command = Callable[..., Answer]


def test_an_unknown_command_is_wrong_usage(command: Command) -> None:
    assert command("rnu").exit == 2


def test_a_candidate_must_be_named(command: Command) -> None:
    answer = command("run")
    assert answer.exit == 2
    assert "--base-url URL or --candidate FILE" in answer.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base-url: [", "candidate.yaml:2:1: not YAML"),
        ("base-ulr: http://x/", 'did you mean "base-url"'),
        ("base-url: ftp://x/", "http"),
        ("base-url: http://x/\nidentities: {default: {bearer: '${NOT_SET_ANYWHERE}'}}", "NOT_SET_ANYWHERE"),
    ],
)
def test_a_broken_candidate_file_says_where(command: Command, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "candidate.yaml"
    file.write_text(text, encoding="utf-8")
    answer = command("run", "--candidate", file)
    assert answer.exit == 2
    assert message in answer.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SET.replace("read:", "raed:"), 'did you mean "read"'),
        (SET.replace("${id}", "${idd}"), 'did you mean "id"'),
        ("testset: [", "mini.yaml:2:1: not YAML"),
        (SET.replace("fr: Mini", ""), "fr"),
    ],
)
def test_a_broken_test_set_says_where(command: Command, mini: Path, text: str, message: str) -> None:
    (mini / "mini.yaml").write_text(text, encoding="utf-8")
    answer = command("run", "--base-url", "http://127.0.0.1:9/fhir", "--root", mini)
    assert answer.exit == 2
    assert message in answer.err


def test_no_terminal_obeys_what_a_broken_test_set_holds(command: Command, mini: Path) -> None:
    text = SET.replace("candidate: server", 'candidate: "\\e]0;x\\a\\u202e"')
    (mini / "mini.yaml").write_text(text, encoding="utf-8")
    answer = command("run", "--base-url", "http://127.0.0.1:9/fhir", "--root", mini)
    assert answer.exit == 2
    assert '(found "\\x1b]0;x\\x07\\x202e")' in answer.err


def test_an_unknown_test_set_names_the_nearest(command: Command, mini: Path) -> None:
    answer = command("run", "minni", "--base-url", "http://127.0.0.1:9/fhir", "--root", mini)
    assert answer.exit == 2
    assert "mini" in answer.err


def test_a_selection_that_chooses_nothing_ran_nothing(command: Command, mini: Path, tmp_path: Path) -> None:
    where = ("--base-url", "http://127.0.0.1:9/fhir", "--root", mini, "--out", tmp_path / "run")
    answer = command("run", *where, "--tag", "no-such-tag")
    assert answer.exit == 5
    assert 'has the tag "no-such-tag"' in answer.err


def test_a_test_that_is_not_there_is_wrong_usage(command: Command, mini: Path, tmp_path: Path) -> None:
    where = ("--base-url", "http://127.0.0.1:9/fhir", "--root", mini, "--out", tmp_path / "run")
    answer = command("run", *where, "--test", "stored", "--test", "mini/storde")
    assert answer.exit == 2
    assert 'no test of the chosen test sets is called "mini/storde"; did you mean "mini/stored"?' in answer.err
    assert not (tmp_path / "run").exists()


def _run(command: Command, mini: Path, tmp_path: Path, base_url: str) -> tuple[Answer, RunResult]:
    answer = command("run", "--base-url", base_url, "--root", mini, "--out", tmp_path / "run")
    for name in ("report.html", "report.json", "junit.xml"):
        assert (tmp_path / "run" / name).stat().st_size > 0
    return answer, RunResult.read(read_journal(tmp_path / "run"))


def test_a_host_that_is_not_there_is_an_error(command: Command, mini: Path, tmp_path: Path) -> None:
    answer, run = _run(command, mini, tmp_path, "http://127.0.0.1:9/fhir")
    assert answer.exit == 4
    assert "127.0.0.1:9" in answer.out
    assert run.tests[0].findings[0].code == "network.connect"


def _http(status: str, content_type: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


@pytest.mark.parametrize(
    ("answer", "exit_class", "message"),
    [
        (_http("500 Internal Server Error", "application/fhir+json", b'{"resourceType":"OperationOutcome"}'), 1, "500"),
        (_http("201 Created", "text/html", b"<html><script>alert(1)</script></html>"), 1, "Location"),
        (_http("502 Bad Gateway", "text/html", b"<html>bad gateway</html>"), 1, "502"),
        (_http("200 OK", "application/fhir+json", b""), 1, "200"),
        (_http("201 Created", "application/fhir+json", b"{]"), 1, "Location"),
        (b"\x00\x01garbage that is not HTTP\r\n\r\n", 4, "HTTP"),
    ],
    ids=["500", "html", "html error page", "empty body", "broken JSON", "not HTTP"],
)
def test_an_answer_that_is_not_fhir_is_judged_clearly(
    command: Command,
    mini: Path,
    tmp_path: Path,
    raw_server: Callable[[bytes], str],
    answer: bytes,
    exit_class: int,
    message: str,
) -> None:
    shown, run = _run(command, mini, tmp_path, raw_server(answer))
    assert shown.exit == exit_class
    assert message in shown.out
    assert run.finished is not None


def test_a_folder_that_holds_a_run_is_not_overwritten(
    command: Command, mini: Path, tmp_path: Path, sandbox: str
) -> None:
    where = ("run", "--base-url", sandbox, "--root", mini, "--out", tmp_path / "run")
    assert command(*where).exit == 0
    recorded = (tmp_path / "run" / "journal.ndjson").read_bytes()
    again = command(*where)
    assert again.exit == 2
    assert "holds something already" in again.err
    assert (tmp_path / "run" / "journal.ndjson").read_bytes() == recorded


@pytest.mark.parametrize("arguments", [("nowhere.json",), ("x.json", "--package", "nowhere.tgz")])
def test_a_missing_file_is_named(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.json").write_text('{"resourceType": "Patient", "active": true}', encoding="utf-8")
    answer = command("validate", *arguments)
    assert answer.exit == 2
    assert "nowhere" in answer.err


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[1]", b"<Patient/>", b'{"resourceType": "Nothing"}'])
def test_what_is_not_a_resource_is_not_valid(command: Command, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.json").write_bytes(data)
    answer = command("validate", tmp_path / "x.json")
    assert answer.exit == 1
    assert "x.json: 1 error" in answer.out


def test_accept_and_verify_name_what_they_cannot_read(command: Command, tmp_path: Path) -> None:
    command("keys", "new", "--out", tmp_path / "keys")
    key, cert = tmp_path / "keys" / "key.pem", tmp_path / "keys" / "chain.pem"
    where = ("--key", key, "--cert", cert, "--out", tmp_path / "a.zip")
    assert "nowhere" in command("accept", tmp_path / "nowhere", *where).err
    assert command("accept", tmp_path, "--key", cert, "--cert", cert, "--out", tmp_path / "a.zip").exit == 2
    assert "trust policy is empty" in command("verify", tmp_path / "a.zip").err
    answer = command("verify", tmp_path / "a.zip", "--trust", tmp_path / "keys" / "ca.pem")
    assert answer.exit == 1
    assert "cannot be read" in answer.out


def test_no_resource_can_write_to_the_terminal(command: Command, tmp_path: Path) -> None:
    resource = '{"resourceType": "Patient", "gender": "x\\u001b]0;title\\u0007", "name": [{"family": "a\\u001b[2Jb"}]}'
    (tmp_path / "x.json").write_text(resource, encoding="utf-8")
    answer = command("validate", tmp_path / "x.json")
    assert answer.exit == 1
    assert "\x1b" not in answer.out
    assert "\\x1b[2J" in answer.out


def test_a_folder_that_cannot_be_read_is_wrong_usage(
    command: Command, mini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Path.iterdir

    def refused(path: Path) -> Iterator[Path]:  # root may read any folder, so the mode of a real one tells nothing
        if path == tmp_path / "closed":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    (tmp_path / "closed").mkdir()
    monkeypatch.setattr(Path, "iterdir", refused)
    answer = command("run", "--base-url", "http://127.0.0.1:9/fhir", "--root", mini, "--out", tmp_path / "closed")
    assert answer.exit == 2
    assert "cannot be read (Permission denied)" in answer.err


@pytest.mark.parametrize(
    "text",
    [
        "base-url: alice:hunter2-canary@fhir.example/r4",
        "base-url: https://alice:hunter2-canary@fhir.example/r4",
        "base-url: ${CANARY}",
        "base-url: https://fhir.example/r4\nproxy: ${CANARY}",
        "base-url: https://fhir.example/r4\nproxy: alice:hunter2-canary@proxy.example",
    ],
)
def test_a_message_about_the_candidate_shows_no_secret(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("CANARY", "hunter2-canary")
    file = tmp_path / "candidate.yaml"
    file.write_text(text, encoding="utf-8")
    answer = command("run", "--candidate", file)
    assert answer.exit == 2
    assert "candidate.yaml:" in answer.err
    assert "hunter2" not in answer.out + answer.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_no_fault_of_the_harness() -> None:
    code = "import sys; from harness.cli import main; main(sys.argv[1:])"
    with Path("/dev/full").open("wb") as full:
        words = [sys.executable, "-c", code, "testsets", "list"]
        ended = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 4
    assert ended.stderr.decode() == "fhir-harness: output: No space left on device\n"


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "\\u2717 le Capab"), ("latin-1", "\\u2717 le Capab"), ("utf-8", "✗ le Capab")]
)
def test_what_the_terminal_cannot_show_is_spelled_out(encoding: str, shown: str, tmp_path: Path) -> None:
    words = [sys.executable, "-c", "from harness.cli import main; main()", "run", "fhir-crud", "--lang", "fr"]
    words += [
        "--test",
        "created-resource-is-located",
        "--base-url",
        "http://127.0.0.1:9/fhir",
        "--out",
        str(tmp_path / "run"),
    ]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    told = subprocess.run(words, capture_output=True, env=environment, check=False)
    assert told.stderr == b""
    assert shown in told.stdout.decode(encoding)
    assert (tmp_path / "run" / "report.html").exists()
    assert f"Rapport : {tmp_path / 'run' / 'report.html'}" in told.stdout.decode(encoding)
