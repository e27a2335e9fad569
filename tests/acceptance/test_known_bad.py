"""The kept files: each is refused by the check that its name begins with, by us and by the second reader."""

import shutil
import subprocess
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from harness.acceptance import container
from harness.acceptance.signing import check_signature, load_chain
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import verify
from tests.acceptance.keeping import ANCHOR, FOLDER, GOOD, KEPT

BAD = sorted(path.name for path in FOLDER.glob("*.*.zip"))
INDEPENDENT = Path(__file__).parent / "independent" / "verify.mjs"
BY_ANY_READER = ("container", "signature", "certificate", "manifest")
"""What a reader can judge who knows the format and not what a run is."""


@pytest.fixture(scope="module")
def policy() -> TrustPolicy:
    return TrustPolicy(load_chain((FOLDER / ANCHOR).read_bytes()))


@pytest.fixture(scope="module")
def signed_at() -> datetime:
    """When they were made: some are defects of that day."""
    members = container.read(FOLDER / GOOD)
    return check_signature(members["signature.jws"], members["manifest.json"]).signed_at


def test_the_good_one_holds(policy: TrustPolicy, signed_at: datetime) -> None:
    answer = verify(FOLDER / GOOD, policy, signed_at)
    assert answer.failure is None
    page = next(item for item in answer.checks if item.name == "page")
    assert (page.result, "made by version 0.0.0" in page.message) == ("not-made", True)
    assert answer.document is not None


@pytest.mark.parametrize("name", BAD)
def test_a_bad_one_is_refused_by_the_check_it_is_named_by(name: str, policy: TrustPolicy, signed_at: datetime) -> None:
    answer = verify(FOLDER / name, policy, signed_at)
    assert answer.failure is not None
    assert (answer.failure.name, answer.document) == (name.partition(".")[0], None)


def test_every_defect_is_kept_once() -> None:
    assert len(BAD) == sum(map(len, KEPT.values()))
    assert len({(FOLDER / name).read_bytes() for name in BAD}) == len(BAD)
    checks = Counter(name.partition(".")[0] for name in BAD)
    assert set(checks) == {"container", "signature", "certificate", "signer", "manifest", "journal", "report"}


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: the second reader needs it")
def test_the_second_reader_refuses_them_too() -> None:
    names = [GOOD, *(name for name in BAD if name.startswith(BY_ANY_READER))]
    command = ["node", str(INDEPENDENT), *(str(FOLDER / name) for name in (*names, ANCHOR))]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.splitlines()
    assert len(said) == len(names)
    assert [name for name, line in zip(names, said, strict=True) if line.startswith("holds: ")] == [GOOD]
