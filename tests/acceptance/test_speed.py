"""Verifying loads little, reads and hashes a file once, and costs the same for each test: seconds are a benchmark's."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from harness.acceptance.signing import load_chain
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import verify
from tests.acceptance.conftest import NOW
from tests.acceptance.many import accepted

NOT_NEEDED = (
    *("jsonschema", "httpx", "lxml", "sqlalchemy", "starlette", "uvicorn", "fhir.resources", "fhirpathpy", "authlib"),
    *("rich", "harness.fhir", "harness.validation", "harness.engine.runner", "harness.sandbox", "harness.suite.loader"),
    *("harness.acceptance.scan", "harness.acceptance.rejudge", "harness.acceptance.policy_file"),
)
CALLS_A_TEST = 900
"""Calls of Python functions for one test of two steps; 520 were measured."""


def test_verify_loads_only_what_it_needs(tmp_path: Path) -> None:
    file, anchor = accepted(tmp_path, 1)
    code = (
        "import json, sys\nfrom harness.cli import main\n"
        "try: main(['verify', *sys.argv[1:]])\n"
        "except SystemExit as end: print(json.dumps([end.code or 0, sorted(sys.modules)]))"
    )
    command = [sys.executable, "-c", code, str(file), "--trust", str(anchor)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    exit_, modules = json.loads(done.stdout.splitlines()[-1])
    assert exit_ == 0, done.stdout
    assert [m for m in modules if any(m == name or m.startswith(f"{name}.") for name in NOT_NEEDED)] == []


def test_a_file_is_read_and_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, anchor = accepted(tmp_path, 20)
    policy = TrustPolicy(load_chain(anchor.read_bytes()))
    hashed: list[int] = []
    opened: list[Path] = []
    sha256, open_ = hashlib.sha256, Path.open

    def counted(data: bytes = b"", **options: Any) -> Any:
        hashed.append(len(data))
        return sha256(data, **options)

    def noted(path: Path, *arguments: Any, **options: Any) -> Any:
        opened.append(path)
        return open_(path, *arguments, **options)

    monkeypatch.setattr(hashlib, "sha256", counted)
    monkeypatch.setattr(Path, "open", noted)
    answer = verify(file, policy, NOW)
    assert answer.ok
    assert opened.count(file) == 1
    assert sum(hashed) < file.stat().st_size  # its members, each once
    assert (answer.data, answer.digest) == (file.read_bytes(), sha256(file.read_bytes()).hexdigest())


def test_each_test_costs_the_same_and_little(tmp_path: Path) -> None:
    calls = {tests: _calls(*accepted(tmp_path, tests)) for tests in (20, 120, 220)}
    one, other = (calls[120] - calls[20]) / 100, (calls[220] - calls[120]) / 100
    assert other <= 1.05 * one
    assert one <= CALLS_A_TEST


def _calls(file: Path, anchor: Path) -> int:
    """Return how many Python functions one verification calls: the same on every machine, however busy."""
    policy = TrustPolicy(load_chain(anchor.read_bytes()))
    assert verify(file, policy, NOW).ok  # what is loaded at the first use does not count
    count = 0

    def profile(_: FrameType, event: str, __: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        answer = verify(file, policy, NOW)
    finally:
        sys.setprofile(before)
    assert answer.ok
    return count
