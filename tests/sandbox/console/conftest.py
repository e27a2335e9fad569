"""A sandbox whose page is looked at, and a tester who does."""

from collections.abc import Iterator

import httpx
import pytest

from harness.sandbox.server import SandboxServer


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """A sandbox as it comes."""
    with SandboxServer() as running:
        yield running


@pytest.fixture
def tester(server: SandboxServer) -> Iterator[httpx.Client]:
    """A browser on the page, in English; data and consents are those of the beginning."""
    server.measures.registry.reset()
    server.desk.traffic.clear()
    with httpx.Client(base_url=server.desk.address, headers={"Accept-Language": "en"}) as client:
        yield client
