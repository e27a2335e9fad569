"""The measure of throughput runs, on little: what it says is read by people, not tested here."""

from pathlib import Path

import pytest

from tests.benchmarks.throughput import Sizes, rows

pytest.importorskip("sekmet", reason="sekmet-fhir is not installed: pip install 'fhir-harness[interop]'")


@pytest.mark.interop
def test_both_servers_are_measured(tmp_path: Path) -> None:
    found = rows(tmp_path, Sizes(rounds=1, requests=4, clients=2))
    assert [row.name for row in found] == ["create", "read", "search"]
    assert all(row.ours > 0 and row.theirs > 0 for row in found)
    assert all(row.ratio == row.ours / row.theirs for row in found)
