"""Sandboxes over real HTTP. Those without validation are quick to start, for tests of everything else."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from harness.sandbox.assembly import make_service
from harness.sandbox.policy import Policy
from harness.sandbox.server import SandboxServer

FHIR = {"Content-Type": "application/fhir+json"}
Serving = Callable[..., httpx.Client]


@pytest.fixture(scope="session")
def serving() -> Iterator[Serving]:
    """Starts a sandbox with the options of ``make_service`` and returns a client on it."""
    with ExitStack() as stack:

        def start(policy: Policy | None = None, **options: Any) -> httpx.Client:
            service = make_service(policy=policy or Policy(validate=False), **options)
            server = stack.enter_context(SandboxServer(service))
            return stack.enter_context(httpx.Client(base_url=server.base_url, headers=FHIR, timeout=20))

        yield start


@pytest.fixture(scope="session")
def lenient(serving: Serving) -> httpx.Client:
    """A client on a sandbox that does not validate, shared: tests use data of their own."""
    return serving()


@pytest.fixture(scope="session")
def strict(serving: Serving) -> httpx.Client:
    """A client on a sandbox with the default policy, shared."""
    return serving(Policy())
