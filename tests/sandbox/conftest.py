"""Sandboxes over real HTTP. Those without validation are quick to start, for tests of everything else."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import URL, make_url

from harness.sandbox.assembly import make_service
from harness.sandbox.databases import beside, database_url
from harness.sandbox.policy import Policy
from harness.sandbox.server import SandboxServer
from harness.sandbox.store import Store
from tests.sandbox.postgresql import postgresql, programs

FHIR = {"Content-Type": "application/fhir+json"}
Serving = Callable[..., httpx.Client]
NewUrl = Callable[[], URL]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[NewUrl]:
    """Gives URLs of empty databases: SQLite in memory, and schemas of a PostgreSQL server."""
    if request.param == "sqlite":
        yield lambda: make_url("sqlite://")
        return
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'fhir-harness[postgresql]'")
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    numbers = count()
    with postgresql() as url:
        yield lambda: beside(database_url(url), f"test_{next(numbers)}")


@pytest.fixture(scope="session")
def serving(database: NewUrl) -> Iterator[Serving]:
    """Starts a sandbox with the options of ``make_service`` and returns a client on it."""
    with ExitStack() as stack:

        def start(policy: Policy | None = None, **options: Any) -> httpx.Client:
            store = stack.enter_context(closing(Store(database())))
            service = make_service(store, policy=policy or Policy(validate=False), **options)
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
