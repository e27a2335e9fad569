"""What tests of several rooms share."""

from collections.abc import Iterator

import pytest

from harness.sandbox.server import SandboxServer

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[str]:
    """The FHIR base of a healthy sandbox on a free loopback port."""
    with SandboxServer() as server:
        yield server.base_url
