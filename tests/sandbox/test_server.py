"""Starting, stopping and keeping: the server around the service."""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from harness.errors import HarnessError
from harness.fhir.definitions import Definitions
from harness.sandbox.assembly import make_service
from harness.sandbox.policy import Policy
from harness.sandbox.server import SandboxServer
from harness.sandbox.service import Service
from harness.sandbox.store import Store

PATIENT = {"resourceType": "Patient", "id": "kept"}


def test_a_server_has_a_port_of_its_own_and_gives_it_back() -> None:
    with SandboxServer(make_service(policy=Policy(validate=False))) as first:
        with SandboxServer(make_service(policy=Policy(validate=False))) as second:
            assert first.base_url != second.base_url
            assert httpx.get(f"{second.base_url}/metadata").status_code == 200
        port = int(first.base_url.rsplit(":", 1)[1].partition("/")[0])
    with socket.create_server(("127.0.0.1", port)) as again:
        assert again.getsockname()[1] == port


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HarnessError, match=f"127.0.0.1:{port}"):
            SandboxServer(make_service(), port=port)


def test_a_file_keeps_what_was_stored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    for expected in (404, 200):
        store = Store(url)
        with SandboxServer(make_service(store, policy=Policy(validate=False))) as server:
            assert httpx.get(f"{server.base_url}/Patient/kept").status_code == expected
            httpx.put(
                f"{server.base_url}/Patient/kept", json=PATIENT, headers={"Content-Type": "application/fhir+json"}
            )
        store.close()


@pytest.mark.parametrize("place", ["memory", "file"])
def test_of_many_who_update_one_version_one_wins(tmp_path: Path, place: str) -> None:
    store = Store() if place == "memory" else Store(f"sqlite:///{tmp_path / 'store.db'}")
    with SandboxServer(make_service(store, policy=Policy(validate=False))) as server:
        headers = {"Content-Type": "application/fhir+json"}
        httpx.put(f"{server.base_url}/Patient/kept", json=PATIENT, headers=headers)

        def update(_: int) -> int:
            guarded = {**headers, "If-Match": 'W/"1"'}
            return httpx.put(f"{server.base_url}/Patient/kept", json=PATIENT, headers=guarded).status_code

        with ThreadPoolExecutor(8) as pool:
            statuses = sorted(pool.map(update, range(16)))
        assert statuses == [200] + [412] * 15
        assert httpx.get(f"{server.base_url}/Patient/kept/_history").json()["total"] == 2
    store.close()


def test_an_unexpected_failure_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: object) -> list:
        raise RuntimeError("secret-internals")

    with SandboxServer(Service(Store(), Definitions.embedded(), check=broken)) as server:
        answer = httpx.post(
            f"{server.base_url}/Patient", json=PATIENT, headers={"Content-Type": "application/fhir+json"}
        )
    assert answer.status_code == 500
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "secret-internals" not in answer.text
    assert "secret-internals" in caplog.text
