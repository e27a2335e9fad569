"""10,000 random and several hundred designed alterations: none verifies, crashes, or takes too much."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from harness.acceptance import container
from harness.acceptance.bundle import sign
from tests.acceptance.alterations import designed
from tests.acceptance.authorities import NOW, Holder, issue
from tests.acceptance.forger import Forger
from tests.runs import record

REPOSITORY = Path(__file__).resolve().parents[2]
RANDOM = 10_000


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Holder, Holder]:
    """A folder with a signed file, another run's by the same signer, and their certificates and keys."""
    folder = tmp_path_factory.mktemp("hardening")
    root = issue("AC de test", path_length=0)
    signer = issue("Éditeur de test", root, ca=False)
    for name, holder in {"root": root, "signer": signer}.items():
        (folder / f"{name}.pem").write_bytes(holder.certificate.public_bytes(Encoding.PEM))
        (folder / f"{name}.key").write_bytes(
            holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
    for name in ("file", "other"):
        run = record(folder / name)
        if name == "other":
            journal = run / "journal.ndjson"
            journal.write_bytes(journal.read_bytes().replace(b'"seed":1', b'"seed":2'))
        sign(run, signer.key, [signer.certificate], folder / f"{name}.zip", NOW)
    return folder, root, signer


def test_each_designed_alteration_has_its_own_name(prepared: tuple[Path, Holder, Holder]) -> None:
    folder, root, signer = prepared
    members, other = (container.read(folder / name) for name in ("file.zip", "other.zip"))
    names = [name for name, _ in designed(Forger(members, other, root, signer))]
    assert len(names) == len(set(names))
    assert len(names) >= 200


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are set as Linux knows them")
def test_no_alteration_verifies_crashes_or_takes_too_much(prepared: tuple[Path, Holder, Holder]) -> None:
    command = [sys.executable, "-m", "tests.acceptance.campaign", str(prepared[0]), str(RANDOM)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert answers["largest"]["faults"] == []
    assert answers["designed"]["faults"] == []
    assert answers["random"]["faults"] == []
    assert answers["random"]["tried"] == RANDOM
