"""Where generation takes its decisions from: whole numbers, so that a seed and hypothesis drive the same builder."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Choices(Protocol):
    """Decides. The least number stands for what is simplest, so that shrinking leads there."""

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""


class Seeded:
    """Decides by a pseudo-random sequence that ``seed``, any text, determines."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        """Return the next number of the sequence."""
        return self._random.randint(low, high)


class Simplest:
    """Decides for what is simplest, always."""

    def integer(self, low: int, high: int) -> int:  # noqa: ARG002 (whatever is possible)
        """Return the least number."""
        return low


def pick(choices: Choices, options: Sequence[T]) -> T:
    """Return one of ``options``, the simplest first. There must be one at least."""
    return options[choices.integer(0, len(options) - 1)] if len(options) > 1 else options[0]


def seldom(choices: Choices, one_in: int) -> bool:
    """Return True about once in ``one_in`` times."""
    return choices.integer(0, one_in - 1) == one_in - 1
