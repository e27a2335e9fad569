"""A sandbox to pair with, and somebody who does."""

from collections.abc import Iterator

import pytest

from harness.sandbox.assembly import make_service
from harness.sandbox.desk import Opening
from harness.sandbox.policy import Policy
from harness.sandbox.server import SandboxServer
from tests.sandbox.authorization.person import Person


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """A sandbox that does not validate, which is quick to start."""
    opening = Opening(redirect_uris=("https://app.example/done",))
    with SandboxServer(make_service(policy=Policy(validate=False)), opening=opening) as running:
        yield running


@pytest.fixture
def person(server: SandboxServer) -> Iterator[Person]:
    """Somebody with a browser of their own; the consents are those of the beginning."""
    server.measures.registry.reset()
    found = Person(server.desk.authorization.issuer)
    with found.http:
        yield found
