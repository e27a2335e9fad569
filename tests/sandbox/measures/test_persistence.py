"""Measures outlive the process that took them, where the sandbox keeps what is stored."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
from sqlalchemy import URL, make_url

from harness.sandbox.assembly import make_service
from harness.sandbox.server import SandboxServer
from harness.sandbox.store import Store
from tests.sandbox.measures.conftest import Api


def test_a_measure_is_found_after_a_restart(database: Callable[[], URL], tmp_path: Path) -> None:
    url = database()
    if url.get_backend_name() == "sqlite":
        url = make_url(f"sqlite:///{tmp_path / 'store.db'}")
    day, seen = "2024-03-01", []
    for _ in range(2):
        with closing(Store(url)) as store, SandboxServer(make_service(store)) as server, httpx.Client() as client:
            api = Api(server, client)
            assert client.get(f"{server.base_url}/Observation").json()["total"] == 0
            assert api.post(api.bundle(effectiveDateTime=f"{day}T08:00:00Z")).status_code == 200
            found = api.all("29463-7", day, day)
            assert found.status_code == 200
            seen.append([entry["resource"]["id"] for entry in found.json()["entry"]])
    first, second = seen
    assert len(first) == 1
    assert len(second) == 2
    assert set(first) < set(second)
