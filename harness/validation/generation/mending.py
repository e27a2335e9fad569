"""Makes an instance good: what the validator finds wrong, and may be left out, is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.validation.generation.paths import ABSENT, Path, edited, find, of_expression
from harness.validation.outcome import Issue
from harness.validation.validator import Validator

_ROUNDS = 12


def mended(resource: dict[str, Any], profile: str, validator: Validator) -> dict[str, Any] | None:
    """Return ``resource`` without what breaks ``profile``; None where something that must be there breaks it.

    What is built holds together but for rules that span elements far apart, or that the profile and its code systems
    set against one another; so few elements are ever left out.
    """
    errors = validator.validate(resource, [profile]).errors
    for _ in range(_ROUNDS):
        if not errors:
            return resource
        better = _better(resource, errors, profile, validator)
        if better is None:
            return None
        resource, errors = better
    return None


def _better(
    resource: dict[str, Any], errors: tuple[Issue, ...], profile: str, validator: Validator
) -> tuple[dict[str, Any], tuple[Issue, ...]] | None:
    """The resource with fewer errors that leaves out the least, and what is still wrong with it."""
    tried: set[Path] = set()
    for error in errors:
        for path in _places(resource, of_expression(error.expression)):
            if path in tried:
                continue
            tried.add(path)
            without = edited(resource, [(path, ABSENT)])
            left = validator.validate(without, [profile]).errors
            if len(left) < len(errors):
                return without, left
    return None


def _places(resource: dict[str, Any], path: Path) -> Iterator[Path]:
    """The element, its children, and then what holds it, up to a child of the resource."""
    for end in range(len(path), -1, -1):
        here = path[:end]
        value = find(resource, here)
        if here:
            yield here
        if end == len(path) and isinstance(value, dict):
            yield from ((*here, key) for key in value if key != "resourceType")
