"""The callback that a browser comes back to."""

import asyncio
import contextlib
import socket
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from harness.engine.candidate import Candidate
from harness.engine.sign_in import TokenError, sign_in
from harness.errors import UsageError

PLACE = ("identities", "default")
OAUTH = {
    "grant": "authorization-code",
    "client-id": "harness",
    "authorize-url": "https://login.example/authorize?p=one",
}


def signed_in(browse, **oauth):
    """Return the form, once ``browse`` has gone to the address as a browser would."""
    tasks = []

    async def go():
        form = await sign_in(
            PLACE, {**OAUTH, **oauth}, lambda address: tasks.append(asyncio.create_task(browse(address)))
        )
        await asyncio.gather(*tasks)
        return form

    return asyncio.run(go())


def asked(address):
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def back(address, **told):
    query = asked(address)
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(query["redirect_uri"], params={"state": query["state"], **told})


def test_the_query_of_the_address_stays():
    async def browse(address):
        assert asked(address)["p"] == "one"
        await back(address, code="code-1")

    assert signed_in(browse)["code"] == "code-1"
    content = {
        "base-url": "https://fhir.example/r4",
        "identities": {"default": {"oauth": {**OAUTH, "token-url": "https://login.example/token?p=one"}}},
    }
    assert Candidate.of(content).identities
    content["identities"]["default"]["oauth"]["token-url"] = "https://user:canary@login.example/token"
    with pytest.raises(UsageError, match="client-id and client-secret") as caught:
        Candidate.of(content)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("path", ["", "/", "/callback"])
def test_a_redirect_uri_with_and_without_a_path(path):
    assert (
        signed_in(lambda address: back(address, code="code-1"), **{"redirect-uri": f"http://127.0.0.1{path}"})["code"]
        == "code-1"
    )


def test_a_browser_that_opens_connections_ahead_and_calls_twice_holds_nobody_up():
    async def browse(address):
        where = urlsplit(asked(address)["redirect_uri"])
        reader, silent = await asyncio.open_connection(where.hostname, where.port)
        pages = await asyncio.gather(*(back(address, code="code-1") for _ in range(2)), return_exceptions=True)
        assert await reader.read() == b""  # it was let go
        silent.close()
        assert "Vous pouvez fermer" in next(page.text for page in pages if isinstance(page, httpx.Response))

    assert signed_in(browse)["code"] == "code-1"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"error": "access_denied", "error_description": "no\x1b[1m"}, "refused: access_denied no"),
        ({}, "no code came back"),
    ],
)
def test_a_refusal_is_told(told, said):
    with pytest.raises(TokenError) as caught:
        signed_in(lambda address: back(address, **told))
    assert said in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_callback_that_something_else_listens_at_is_told():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} of this machine cannot be listened on"):
            signed_in(back, **{"redirect-uri": f"http://127.0.0.1:{port}/callback"})
