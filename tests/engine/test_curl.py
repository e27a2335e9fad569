"""The command that repeats an exchange: a shell reads from it what was sent, and nothing else."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.curl import LONGEST, curl
from harness.engine.exchange import Exchange, Omitted, Request
from harness.engine.redaction import mark

URL = "http://fhir.example/r4/Patient?name=a&_id=1,2"


TYPE = ("Content-Type", "text/plain")


def command(method="GET", url=URL, headers=(), body=b"", candidate=None):
    return curl(Exchange(Request(method, url, headers, body), "2026-01-02T03:04:05.000Z", 0.1), candidate)


def shell(text, **variables):
    """The words that a POSIX shell makes of the command."""
    script = "curl() { printf '%s\\0' \"$@\"; }\n" + text
    ended = subprocess.run(["sh", "-c", script], capture_output=True, check=True, env=variables)
    assert ended.stderr == b""
    return ended.stdout.decode().split("\0")[:-1]


def test_a_request_is_repeated_with_its_secrets_from_variables():
    token = mark("identities.default.bearer", "0" * 40)
    headers = (("Authorization", f"Bearer {token}"), ("Content-Type", "application/fhir+json"), ("Content-Length", "9"))
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
        "Content-Type: application/fhir+json",
        "--data-binary",
        '{"a": "it\'s s3cret"}',
    ]


@pytest.mark.parametrize("hostile", ["$(touch x)", "`touch x`", "'; touch x; '", '"$HOME"', "a\\", "!!", "-o x", "*"])
def test_what_a_candidate_sent_does_not_run(hostile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shell(command("POST", URL, (TYPE, ("X-A", hostile)), hostile.encode()), HOME="/")
    assert words[-3:] == [f"X-A: {hostile}", "--data-binary", hostile]
    assert list(tmp_path.iterdir()) == []


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="«"), min_size=1))
def test_every_part_is_one_word(text):
    words = shlex.split(command("PUT", URL, (("X-A", text), TYPE), text.encode()))
    words = words[words.index("curl") :]
    assert words[:7] == ["curl", "--globoff", "--include", "--request", "PUT", URL, "--header"]
    assert words[7] == f"X-A: {text}"
    assert words[-1] in (text, "@-", "@body.bin")


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"a\0b", b"@/etc/passwd", b"\x1b[31m", b"a\n  b \r\n", "é\u2028".encode(), bytes(range(256))]
)
def test_bytes_are_sent_as_they_were(body):
    words = command("POST", headers=(TYPE,), body=body)
    before, pipe, _ = words.partition(" | curl ")
    assert pipe
    assert words.isprintable()
    assert words.endswith("--data-binary @-")
    assert subprocess.run(["sh", "-c", before], capture_output=True, check=True).stdout == body


@pytest.mark.parametrize("body", [b"a" * (LONGEST + 1), b"\xff" + mark("bearer").encode()])
def test_what_does_not_fit_is_read_from_a_file(body):
    assert command("POST", body=body).endswith("--data-binary @body.bin")


def test_a_document_of_the_usual_length_is_in_the_command_with_its_secrets():
    body = "l'été `x` $HOME\n" * 1_000 + mark("bearer")
    words = shell(command("POST", headers=(TYPE,), body=body.encode()), BEARER="s3", HOME="/")
    assert words[-1] == "l'été `x` $HOME\n" * 1_000 + "s3"


def test_a_body_that_was_not_recorded_is_not_left_out():
    request = Request("POST", URL, (TYPE,), omitted=Omitted(5_000_000, "0" * 64))
    assert curl(Exchange(request, "2026-01-02T03:04:05.000Z", 0.1)).endswith("--data-binary @body.bin")


def test_lines_stay_lines():
    assert shell(command("POST", headers=(TYPE,), body=b"<a>\n  <b/>\n</a>"))[-1] == "<a>\n  <b/>\n</a>"


def test_a_body_without_a_type_is_called_nothing():
    assert shell(command("POST", body=b"a"))[-4:] == ["--header", "Content-Type:", "--data-binary", "a"]


def test_the_way_to_the_candidate_is_that_of_its_file():
    tls = {"ca": "my ca.pem", "certificate": "c:1.pem", "key": "k.pem", "password": mark("tls.password")}
    made = shell(command(url="https://x.example/", candidate={"tls": tls, "proxy": "http://p:1"}), TLS_PASSWORD="s3")
    assert made == [
        "--globoff",
        "--include",
        "--proxy",
        "http://p:1",
        "--cacert",
        "my ca.pem",
        "--cert",
        "c\\:1.pem:s3",
        "--key",
        "k.pem",
        "https://x.example/",
    ]
    made = shell(command(url="http://x.example/", candidate={"tls": tls, "proxy": "https://p:1"}))
    assert made[2:-1] == ["--proxy", "https://p:1", "--proxy-cacert", "my ca.pem"]
    made = shell(command(url="HTTPS://x.example/", candidate={"tls": {"ca": "ca.pem"}, "proxy": "HTTPS://p:1"}))
    assert made[2:-1] == ["--proxy", "HTTPS://p:1", "--proxy-cacert", "ca.pem", "--cacert", "ca.pem"]
    made = shell(command(url="https://x.example/", candidate={"tls": {"verify": False, "pkcs12": "a.p12"}}))
    assert made[2:-1] == ["--insecure", "--cert-type", "P12", "--cert", "a.p12"]
    assert shell(command(url="http://x.example/", candidate={"tls": tls}))[2:] == ["http://x.example/"]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ((("TLS-Version", "1.1"),), ["--tlsv1.1", "--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0"]),
        ((("TLS-Version", "current"),), ["--tlsv1.2"]),
        ((("TLS-Version", "current"), ("TLS-Ciphers", "any")), ["--tlsv1.2", "--ciphers", "ALL:@SECLEVEL=0"]),
        (
            (("TLS-Version", "1.2"), ("TLS-Ciphers", "static-rsa")),
            ["--tlsv1.2", "--tls-max", "1.2", "--ciphers", "kRSA:!eNULL:!PSK:@SECLEVEL=0"],
        ),
    ],
)
def test_a_connection_is_repeated_with_its_version(headers, words):
    made = shell(command("TLS", "https://x.example/fhir/metadata", headers))
    assert made[2:] == [*words, "--header", "Accept: application/fhir+json", "https://x.example/fhir/metadata"]


def test_clear_text_is_asked_for_where_it_was():
    headers = (("TLS-Version", "none"), ("Port", "8080"))
    made = shell(command("TLS", "https://x.example:8443/fhir/metadata", headers))
    assert made[2:] == ["http://x.example:8080/fhir/metadata"]


def test_without_a_certificate_none_is_shown():
    headers = (("TLS-Version", "1.3"), ("TLS-Certificate", "none"))
    made = command("TLS", "https://x.example/", headers, candidate={"tls": {"certificate": "c.pem", "ca": "ca.pem"}})
    assert "--cacert ca.pem" in made
    assert "c.pem" not in made.replace("--cacert ca.pem", "")


def test_methods_without_a_body():
    assert "--request" not in command()
    assert "--head " in command("HEAD")
    assert shell(command(headers=(("Accept", ""),)))[-1] == "Accept;"
