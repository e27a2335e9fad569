"""The command: it says where everything is, and ends at once, also while a page listens."""

import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from harness.sandbox.assembly import make_service
from harness.sandbox.desk import Desk, Opening
from harness.sandbox.policy import Policy

COMMAND = [sys.executable, "-c", "from harness.cli import main; main()", "sandbox", "--port", "0"]


@pytest.fixture
def sandbox() -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    """The running command, and what it said."""
    with subprocess.Popen([*COMMAND, "--cors", "https://app.example"], stdout=subprocess.PIPE, text=True) as process:
        said = {}
        assert process.stdout is not None
        for line in process.stdout:
            name, _, value = line.strip().partition("  ")
            if not value:
                break
            said[name] = value.strip()
        yield process, said
        process.kill()


def test_it_says_where_everything_is_and_ends_while_a_page_listens(sandbox):
    process, said = sandbox
    for service in ("FHIR R4", "Measures API"):
        statement = httpx.get(f"{said[service]}/metadata").json()
        assert statement["rest"][0]["security"]["cors"] is True
    told = httpx.get(said["Authorization server"], headers={"Origin": "https://app.example"})
    assert told.headers["access-control-allow-origin"] == "https://app.example"
    client, secret = re.fullmatch(r"(\S+), secret (\S+) \(.*\)", said["Client"]).groups()
    form = {"grant_type": "client_credentials"}
    assert httpx.post(told.json()["token_endpoint"], data=form, auth=(client, secret)).status_code == 200
    page = said["Page for testers"]
    assert httpx.get(page).status_code == 200
    with httpx.stream("GET", f"{page}/events") as listening:
        chunks = listening.iter_text()
        first = next(chunks)
        process.terminate()
        rest = "".join(chunks)  # raises when the stream is cut instead of ended
    assert process.wait(60) in {0, -15, 143}
    assert (first + rest).startswith("retry:")
    assert (first + rest).endswith("\n\n")


@pytest.mark.parametrize(
    ("address", "opening", "unnamed"),
    [
        ("http://0.0.0.0:1", None, True),
        ("http://[::]:1", None, True),
        ("http://0.0.0.0:1", Opening("http://sandbox.example:1"), False),
        ("http://127.0.0.1:1", None, False),
    ],
)
def test_an_address_that_others_cannot_use_is_known(address, opening, unnamed):
    service = make_service(policy=Policy(validate=False))
    assert Desk(service, address, opening).unnamed is unnamed
    service.store.close()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--cors", "app.example"], "--cors app.example"),
        (["--cors", "https://app.example/path"], "--cors https://app.example/path"),
        (["--public-url", "sandbox"], "--public-url sandbox"),
        (["--redirect-uri", "x"], "--redirect-uri x"),
    ],
)
def test_what_is_no_address_is_named(arguments, name):
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr
