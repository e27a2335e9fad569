"""Keys and a signed file to try things on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.acceptance.bundle import sign as sign_folder
from harness.acceptance.keys import ANCHOR, CHAIN, KEY, new_keys
from harness.acceptance.signing import load_chain, load_private_key
from harness.acceptance.trust import TrustPolicy
from tests.runs import record

NOW = datetime.now(UTC)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    new_keys(folder, "Éditeur de test", timedelta(days=30))
    return folder


@pytest.fixture(scope="session")
def policy(keys: Path) -> TrustPolicy:
    return TrustPolicy(load_chain((keys / ANCHOR).read_bytes()))


@pytest.fixture(scope="session")
def signed(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    return sign(record(folder / "run"), keys, folder / "file.zip")


def sign(run: Path, keys: Path, target: Path) -> Path:
    key, chain = load_private_key((keys / KEY).read_bytes()), load_chain((keys / CHAIN).read_bytes())
    return sign_folder(run, key, chain, target, NOW).path


@pytest.fixture
def altered(signed: Path, tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        target = tmp_path / "altered.zip"
        target.write_bytes(data)
        return target

    return write
