"""By which names the sandbox is called: what another site can make point here is not one of them."""

import httpx
import pytest

from harness.sandbox.desk import Opening
from harness.sandbox.pages.door import Door
from harness.sandbox.pages.refusal import Refusal
from harness.sandbox.server import SandboxServer

OURS = ["127.0.0.1", "127.0.0.1:8080", "[::1]:80", "192.0.2.7", "localhost:1", "sandbox", "sandbox:8080"]
OURS += ["mes.localhost", "host.docker.internal:8080", "Our.Example", "our.example:443"]
THEIRS = ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "internal.example", ""]
THEIRS += ["a b", "our.example/x", "user@localhost", "[::1", "our.example:x", 'a"b']


@pytest.mark.parametrize("host", OURS)
def test_a_name_that_nobody_else_can_have_is_ours(host: str) -> None:
    Door(["our.example"]).named(host)


@pytest.mark.parametrize("host", THEIRS)
def test_any_other_name_is_refused(host: str) -> None:
    with pytest.raises(Refusal) as refused:
        Door(["our.example"]).named(host)
    assert refused.value.status == 421


@pytest.mark.parametrize("path", ["/fhir/metadata", "/mes/metadata", "/openapi.json", "/oauth/jwks"])
def test_the_services_answer_to_their_names_alone(path: str) -> None:
    with SandboxServer(opening=Opening(public_url="https://our.example")) as server:
        own = server.base_url.removesuffix("/fhir")
        refused = httpx.get(own + path, headers={"Host": "evil.example"})
        assert refused.status_code == 421
        told = refused.json()["issue"][0]["diagnostics"]
        assert told.endswith("does not answer to the name 'evil.example'. Use its address, or --public-url.")
        assert [httpx.get(own + path, headers={"Host": host}).status_code for host in ("our.example", "x")] == [
            200,
            200,
        ]


def test_the_refused_are_seen_by_the_tester() -> None:
    with SandboxServer() as server:
        httpx.get(f"{server.base_url}/Patient", headers={"Host": "evil.example"})
        assert [exchange.status for exchange in server.desk.traffic.after(0)] == [421]
