"""The benchmark of the engine runs, on little: what it says is read by people, not tested here."""

from tests.benchmarks.overhead import measure


def test_both_sides_are_measured() -> None:
    measured = measure(tests=2, rounds=1)
    assert (len(measured.run), len(measured.bare)) == (1, 1)
    assert measured.ratio > 0
