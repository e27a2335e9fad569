"""Values within the bounds that a profile sets."""

from __future__ import annotations

from typing import Any

from harness.validation.assertions.limits import Bound, compare


def fitting(value: Any, bound: Bound) -> Any:
    """Return ``value``, or the bound itself where ``value`` lies beyond it."""
    return bound.bound if compare(value, bound.bound) == bound.sign else value
