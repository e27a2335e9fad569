"""The command that repeats an exchange: a shell reads from it what was sent, and nothing else."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.curl import LONGEST, curl
from harness.engine.exchange import Exchange, Request
from harness.engine.redaction import mark

URL = "http://fhir.example/r4/Patient?name=a&_id=1,2"


def command(method="GET", url=URL, headers=(), body=b""):
    return curl(Exchange(Request(method, url, headers, body), "2026-01-02T03:04:05.000Z", 0.1))


def shell(text, **variables):
    """The words that a POSIX shell makes of the command."""
    script = "curl() { printf '%s\\0' \"$@\"; }\n" + text
    ended = subprocess.run(["sh", "-c", script], capture_output=True, check=True, env=variables)
    assert ended.stderr == b""
    return ended.stdout.decode().split("\0")[:-1]


def test_a_request_is_repeated_with_its_secrets_from_variables():
    token = mark("identities.default.bearer", "0" * 40)
    headers = (("Authorization", f"Bearer {token}"), ("Accept", "application/fhir+json"), ("Content-Length", "9"))
    made = command("POST", f"{URL}&key={mark('api-key')}", headers, f'{{"a": "it\'s {token}"}}'.encode())
    assert "redacted" not in made
    assert shell(made, IDENTITIES_DEFAULT_BEARER="s3cret", API_KEY="k") == [
        "--globoff",
        "--include",
        "--request",
        "POST",
        f"{URL}&key=k",
        "--header",
        "Authorization: Bearer s3cret",
        "--header",
        "Accept: application/fhir+json",
        "--data-binary",
        '{"a": "it\'s s3cret"}',
    ]


@pytest.mark.parametrize("hostile", ["$(touch x)", "`touch x`", "'; touch x; '", '"$HOME"', "a\\", "!!", "-o x", "*"])
def test_what_a_candidate_sent_does_not_run(hostile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shell(command("POST", URL, (("X-A", hostile),), hostile.encode()), HOME="/")
    assert words[-3:] == [f"X-A: {hostile}", "--data-binary", hostile]
    assert list(tmp_path.iterdir()) == []


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="«"), min_size=1))
def test_every_part_is_one_word(text):
    words = shlex.split(command("PUT", URL, (("X-A", text),), text.encode()))
    assert words[:7] == ["curl", "--globoff", "--include", "--request", "PUT", URL, "--header"]
    assert words[7] == f"X-A: {text}"
    assert words[9] in (text, "@body.bin")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a\0b", b"@/etc/passwd", b"a" * (LONGEST + 1), b"\x1b[31m"])
def test_what_does_not_fit_is_read_from_a_file(body):
    assert command("POST", body=body).endswith("--data-binary @body.bin")


def test_methods_without_a_body():
    assert "--request" not in command()
    assert "--head " in command("HEAD")
    assert shell(command(headers=(("Accept", ""),)))[-1] == "Accept;"
