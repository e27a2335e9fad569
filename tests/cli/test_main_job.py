"""The main job as its user does it: run, accept, verify; and no secret in anything that was written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Answer

Command = Callable[..., Answer]

CANARIES = {
    "CANARY_TOKEN": "canary-token-7f3a91",
    "CANARY_HEADER": "canary/header+5b2c",
    "CANARY_VALUE": "canary value é9d",
}

CANDIDATE = """
base-url: {base}
software: {{publisher: Éditeur, product: Produit, version: "1"}}
headers: {{X-Gateway-Key: "${{CANARY_HEADER}}"}}
identities:
  default:
    bearer: ${{CANARY_TOKEN}}
    pin: ${{CANARY_VALUE}}
"""

SECRETIVE = """
testset: secretive
version: 1.0.0
title: {en: Secrets, fr: Secrets}
candidate: server
tests:
  - id: everywhere
    title: {en: A secret goes everywhere, fr: Un secret va partout}
    steps:
      - create: {resourceType: Patient, name: [{family: "${candidate.identities.default.pin}"}]}
        headers: {Prefer: return=representation, X-Pin: "${random.token}"}
        expect: {status: 201}
        save: {id: header.Location.id, family: name.family}
      - search: Patient
        params: {family: "${candidate.identities.default.pin}", _id: "${id}"}
        expect: {status: 200, searchset: {includes: ["Patient/${id}"]}}
      - request:
          method: POST
          path: /Patient/_search
          body: "family=${candidate.identities.default.pin}"
          content-type: application/x-www-form-urlencoded
        expect: {status: 200, type: OperationOutcome}
"""


@pytest.fixture
def recorded(command: Command, tmp_path: Path, sandbox: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Answer]:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "secretive.yaml").write_text(SECRETIVE, encoding="utf-8")
    (tmp_path / "candidate.yaml").write_text(CANDIDATE.format(base=sandbox), encoding="utf-8")
    where = ("--root", tmp_path / "sets", "--out", tmp_path / "run")
    return tmp_path / "run", command("run", "--candidate", tmp_path / "candidate.yaml", *where)


def _forms(secret: str) -> list[bytes]:
    import base64
    from urllib.parse import quote, quote_plus

    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    return [text.encode() for text in texts] + [base64.b64encode(secret.encode())]


def test_no_secret_is_in_any_output(command: Command, recorded: tuple[Path, Answer], tmp_path: Path) -> None:
    run, answer = recorded
    assert answer.exit == 1  # the last step demands what does not come, so that reports show an exchange
    command("keys", "new", "--out", tmp_path / "keys")
    keys = ("--key", tmp_path / "keys" / "key.pem", "--cert", tmp_path / "keys" / "chain.pem")
    accepted = command("accept", run, *keys, "--out", run / "acceptance.zip")
    assert accepted.exit == 0
    written = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert {path.name for path in written} >= {"journal.ndjson", "report.html", "junit.xml", "acceptance.zip"}
    shown = "\n".join([answer.out, answer.err, accepted.out, accepted.err]).encode()
    for secret in CANARIES.values():
        for form in _forms(secret):
            assert form not in shown
            assert [path for path, data in written.items() if form in data] == []


def test_a_token_on_the_command_line_is_not_recorded(
    command: Command, mini: Path, tmp_path: Path, sandbox: str
) -> None:
    secret = "canary-on-the-line-1b8e"
    values = (f"X-Key: {secret}-2", f"X-Colour: {secret[::-1]}", "Accept-Language: fr")
    headers = [word for value in values for word in ("--header", value)]
    options = ("--token", secret, *headers, "--root", mini, "--out", tmp_path / "run")
    answer = command("run", "--base-url", sandbox, *options)
    assert answer.exit == 0
    written = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    for hidden in (secret, secret[::-1]):
        assert hidden.encode() not in written
        assert hidden not in answer.out + answer.err
    assert b"--token" in written
    assert b"Accept-Language: fr" in written


def test_run_accept_verify(command: Command, mini: Path, tmp_path: Path, sandbox: str) -> None:
    run, keys, file = tmp_path / "run", tmp_path / "keys", tmp_path / "acceptance.zip"
    assert command("run", "--base-url", sandbox, "--root", mini, "--out", run).exit == 0
    assert command("keys", "new", "--out", keys, "--organization", "Éditeur").exit == 0
    signed = command("accept", run, "--key", keys / "key.pem", "--cert", keys / "chain.pem", "--out", file)
    assert signed.out.startswith(f"{file}: signed; 1 pass")
    verified = command("verify", file, "--trust", keys / "ca.pem", "--format", "json")
    assert verified.exit == 0
    document = json.loads(verified.out)["document"]
    assert (document["verdict"], document["complete"]) == ("pass", True)
    assert {source["name"] for source in document["definitions"]} >= {"hl7.fhir.r4.core", "hl7.fhir.fr.core"}


def test_the_demo_does_everything(command: Command, tmp_path: Path) -> None:
    answer = command("demo", "--out", tmp_path / "demo")
    assert answer.out.rstrip().endswith("Verified.")
    assert answer.exit == 0
    assert (tmp_path / "demo" / "acceptance.zip").stat().st_size > 0
    assert max(len(line) for line in answer.out.splitlines() if str(tmp_path) not in line) <= 80


def test_the_exit_class_is_that_of_the_verdict(command: Command, mini: Path, tmp_path: Path, sandbox: str) -> None:
    text = (mini / "mini.yaml").read_text(encoding="utf-8").replace("status: 200", "status: 299")
    (mini / "mini.yaml").write_text(text, encoding="utf-8")
    answer = command("run", "--base-url", sandbox, "--root", mini, "--out", tmp_path / "run", "--lang", "fr")
    assert answer.exit == 1
    assert "ÉCHEC" in answer.out
