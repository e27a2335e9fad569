"""Accepting, verifying and disclosing as publisher and testing team do it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Answer
from tests.runs import record

Command = Callable[..., Answer]


@pytest.fixture
def accepted(command: Command, tmp_path: Path) -> tuple[Path, Answer]:
    record(tmp_path / "run")
    command("keys", "new", "--out", tmp_path / "keys")
    keys = ("--key", tmp_path / "keys" / "key.pem", "--cert", tmp_path / "keys" / "chain.pem")
    return tmp_path / "file.zip", command("accept", tmp_path / "run", *keys, "--out", tmp_path / "file.zip")


def test_accept_says_what_lacks(accepted: tuple[Path, Answer]) -> None:
    file, answer = accepted
    assert answer.exit == 0
    assert answer.out.startswith(f"{file}: signed; 1 fail, 1 pass, 1 skip\n")
    assert "still lacks 4" in answer.out
    assert "  skip        patient/skips: Patient.patch is not declared" in answer.out
    assert "\x1b" not in answer.out


def test_a_policy_file_decides(command: Command, accepted: tuple[Path, Answer], tmp_path: Path) -> None:
    file, policy = accepted[0], tmp_path / "trust.yaml"
    policy.write_text("anchors: [keys/ca.pem]\ntest-sets: [patient@1.0.0]\n", encoding="utf-8")
    assert command("verify", file, "--policy", policy).exit == 0
    policy.write_text("anchors: [keys/ca.pem]\ntest-sets: [patient@2.0.0]\n", encoding="utf-8")
    answer = command("verify", file, "--policy", policy)
    assert answer.exit == 1
    assert "FAIL  test sets    the policy demands the test set 'patient@2.0.0', but version 1.0.0 was run" in answer.out
    assert "-     definitions  not asked, because the check of the test sets failed" in answer.out
    assert "Not verified, by the check of the test sets" in answer.out
    policy.write_text("anchors: [keys/ca.pem]\nmax-aeg: 1\n", encoding="utf-8")
    broken = command("verify", file, "--policy", policy)
    assert (broken.exit, "trust.yaml:2:1: unknown key" in broken.err) == (2, True)
    both = command("verify", file, "--policy", policy, "--trust", tmp_path / "keys" / "ca.pem")
    assert (both.exit, "either --policy, or --trust" in both.err) == (2, True)


def test_the_answer_for_machines_lists_every_check(
    command: Command, accepted: tuple[Path, Answer], tmp_path: Path
) -> None:
    file, anchor = accepted[0], tmp_path / "keys" / "ca.pem"
    answer = json.loads(command("verify", file, "--trust", anchor, "--format", "json").out)
    assert (answer["ok"], answer["failure"]) == (True, None)
    assert (answer["judgedAgain"], answer["remarks"]) == (False, ["patient 1.0.0: not in this catalogue"])
    text = command("verify", file, "--trust", anchor).out.splitlines()
    assert "warn  test sets    patient 1.0.0: not in this catalogue" in text
    assert "not judged again; rejudge does that" in text[-1]
    assert {check["result"] for check in answer["checks"]} == {"ok"}
    other = command("verify", file, "--trust", anchor, "--organization", "Another", "--format", "json")
    refused = json.loads(other.out)
    assert (other.exit, refused["failure"], refused["document"]) == (1, "signer", None)
    results = [check["result"] for check in refused["checks"]]
    assert results == ["ok"] * 3 + ["failed"] + ["not-made"] * (len(results) - 4)


def test_disclose_and_check(command: Command, mini: Path, tmp_path: Path, sandbox: str) -> None:
    token = "a-token-to-disclose"
    run, file, keys = tmp_path / "run", tmp_path / "file.zip", tmp_path / "keys"
    command("run", "--base-url", sandbox, "--token", token, "--root", mini, "--out", run)
    command("keys", "new", "--out", keys)
    command("accept", run, "--key", keys / "key.pem", "--cert", keys / "chain.pem", "--out", file)
    (tmp_path / "value").write_text(f"{token}\n", encoding="utf-8")
    told = command("disclose", run, "--value-file", tmp_path / "value")
    assert json.loads(told.out)["value"] == token
    (tmp_path / "told.json").write_text(told.out, encoding="utf-8")
    checked = command("disclose", file, "--check", tmp_path / "told.json")
    assert (checked.exit, "identities.default.bearer" in checked.out) == (0, True)
    (tmp_path / "value").write_text("another", encoding="utf-8")
    assert command("disclose", run, "--value-file", tmp_path / "value").exit == 2


def test_identities_are_kept_out_when_asked(command: Command, mini: Path, tmp_path: Path, sandbox: str) -> None:
    text = (mini / "mini.yaml").read_text(encoding="utf-8")
    text = text.replace("family: TEST", 'family: "${candidate.identities.default.name.family}"')
    (mini / "mini.yaml").write_text(text, encoding="utf-8")
    options = ("run", "--base-url", sandbox, "--root", mini)
    assert command(*options, "--out", tmp_path / "open").exit == 0
    assert command(*options, "--redact-identities", "--out", tmp_path / "hidden").exit == 0
    written = {
        name: b"".join(path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file())
        for name in ("open", "hidden")
    }
    for value in (b"PATIENT-TEST", b"299017812345665"):
        assert value in written["open"]
        assert value not in written["hidden"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("accept", "run", "--key", "notpem", "--cert", "keys/chain.pem", "--out", "a.zip"),
        ("accept", "run", "--key", "keys/key.pem", "--cert", "notpem", "--out", "a.zip"),
        ("verify", "file.zip", "--trust", "notpem"),
        ("rejudge", "file.zip", "--trust", "keys/ca.pem", "--trust", "notpem"),
    ],
)
@pytest.mark.usefixtures("accepted")
def test_a_file_that_is_no_pem_is_named(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notpem").write_bytes(b"nothing to see\n")
    answer = command(*arguments)
    assert answer.exit == 2
    assert "notpem: no " in answer.err
    assert "http" not in answer.err


@pytest.mark.parametrize("line", ['{"event":"RunStarted"}', '{"event":"RunStarted","run":5}', "no event"])
def test_a_damaged_journal_is_wrong_input_at_its_line(command: Command, tmp_path: Path, line: str) -> None:
    command("keys", "new", "--out", tmp_path / "keys")
    run = tmp_path / "run"
    run.mkdir()
    (run / "journal.ndjson").write_text(f"{line}\n", encoding="utf-8")
    keys = ("--key", tmp_path / "keys" / "key.pem", "--cert", tmp_path / "keys" / "chain.pem")
    for arguments in (("accept", run, *keys, "--out", tmp_path / "a.zip"), ("compare", run, run), ("rejudge", run)):
        answer = command(*arguments)
        assert answer.exit == 2
        said = answer.out + answer.err
        assert "journal.ndjson:1: " in said
        assert "altered" in said
        assert "__init__" not in said
