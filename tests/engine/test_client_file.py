"""The file of a candidate that is a client."""

from pathlib import Path

import pytest

from harness.engine import Candidate
from harness.engine.awaiting import OWN
from harness.engine.client_file import ClientFile
from harness.errors import UsageError

SANDBOX = {
    "base-url": "http://127.0.0.1:5/fhir",
    "software": {"product": "sandbox"},
    "identities": {"default": {"bearer": "token-of-default"}, "b": {"bearer": "token-of-b"}},
    "endpoints": {"mes-measures": {"base-url": "http://127.0.0.1:5/mes"}},
    "policy": {"offset-unit": "page", "dotted-include": "ignored"},
}


@pytest.fixture
def client(tmp_path):
    def client(text):
        path = tmp_path / "client.yaml"
        path.write_text(f"kind: client\n{text}", encoding="utf-8")
        found = ClientFile.read(path)
        assert found is not None
        return found

    return client


def test_a_server_is_no_client(tmp_path):
    path = tmp_path / "candidate.yaml"
    path.write_text("base-url: http://x.example/fhir\n", encoding="utf-8")
    assert ClientFile.read(path) is None


def test_defaults(client, tmp_path):
    found = client("command: {run: [a]}")
    assert (found.port, found.proxied, found.policy) == (0, {}, {})
    assert found.command is not None
    assert (found.command.folder, found.command.timeout, found.command.finishes) == (tmp_path, 60.0, True)
    assert client("").command is None


def test_the_run_knows_the_client_by_name_and_the_sandbox_by_address(client):
    found = client(
        "software: {product: mine}\npolicy: {dotted-include: refused}\nidentities: {b: {bearer: own-token-b}}"
    )
    made = found.candidate(SANDBOX, "secret-of-the-harness")
    assert (made.software, made.base_url) == ({"product": "mine"}, SANDBOX["base-url"])
    assert made.policies["dotted-include"] == "refused"
    assert made.credentials("b") == ((OWN, "secret-of-the-harness"), ("Authorization", "Bearer own-token-b"))
    assert made.credentials(None)[1] == ("Authorization", "Bearer token-of-default")
    shown = str(made.redacted())
    assert "secret-of-the-harness" not in shown
    assert "token-of-default" not in shown
    assert Candidate.of(made.redacted()).base_url == made.base_url


def test_what_the_environment_gave_stays_secret(client, monkeypatch):
    monkeypatch.setenv("KEY", "key-of-the-environment")
    made = client("command: {run: [a, '${KEY}']}").candidate(SANDBOX, "secret-of-the-harness")
    assert "key-of-the-environment" not in str(made.redacted())
    assert "key-of-the-environment" not in made.redactor().text("said key-of-the-environment")


def test_real_services_are_relayed_by_the_name_of_their_endpoint(client):
    text = (
        "sandbox: {proxy: 'https://real.example/r4', port: 8081}\nendpoints: {mes: {base-url: 'https://mes.example'}}"
    )
    found = client(text)
    assert found.port == 8081
    assert found.proxied == {"": "https://real.example/r4", "mes": "https://mes.example"}
    here = found.relayed("http://127.0.0.1:8081", {"": "/fhir", "mes": "/mes"})
    made = found.candidate(here, "secret-of-the-harness")
    assert made.base_url == "http://127.0.0.1:8081/fhir"
    assert made.endpoints["mes"].base_url == "http://127.0.0.1:8081/mes"
    assert found.tls().verify is True


def test_a_client_cannot_be_called(client, tmp_path):
    client("")
    with pytest.raises(UsageError, match="that of a client"):
        Candidate.from_file(Path(tmp_path / "client.yaml"))
