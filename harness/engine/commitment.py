"""Commitments to redacted values: equal values can be recognised, and one can be disclosed later, without the others.

A run has a secret salt of 32 bytes that only who made the run keeps. Each value has an opening of its own,
``HMAC-SHA-256(salt, value)``, and its commitment is ``HMAC-SHA-256(opening, value)``, cut to 160 bits, in hexadecimal.
Nobody without the salt can try values; with the opening of one value only that value can be checked.
"""

import hmac
import json
import os
import secrets
from pathlib import Path

from harness.errors import UsageError

NAME = "secrets.json"
"""In the run's folder, readable by its owner only, and never in an acceptance file."""

LENGTH = 40
"""Hexadecimal digits of a commitment."""

_SALT_BYTES = 32


def new_salt() -> bytes:
    """Return a salt for one run."""
    return secrets.token_bytes(_SALT_BYTES)


def opening(salt: bytes, value: str) -> bytes:
    """Return what lets others check ``value``, and no other value, against its commitment."""
    return hmac.digest(salt, _bytes(value), "sha256")


def commitment(opened: bytes, value: str) -> str:
    """Return the commitment to ``value``, given its opening."""
    return hmac.digest(opened, _bytes(value), "sha256").hex()[:LENGTH]


def commit(salt: bytes, value: str) -> str:
    """Return the commitment to ``value`` in a run with ``salt``."""
    return commitment(opening(salt, value), value)


def keep(folder: Path, salt: bytes) -> None:
    """Write ``salt`` into the run's ``folder``, readable by its owner only. Raises UsageError when that fails."""
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as stream:
            json.dump({"version": 1, "salt": salt.hex()}, stream)
    except OSError as problem:
        raise UsageError(f"{path}: cannot be written: {problem.strerror}; choose another --out") from problem


def kept(folder: Path) -> bytes:
    """Return the salt of the run in ``folder``. Raises UsageError when there is none, or it cannot be read."""
    path = folder / NAME
    try:
        salt = bytes.fromhex(json.loads(path.read_text(encoding="ascii"))["salt"])
    except OSError as problem:
        raise UsageError(f"{path}: cannot be read: {problem.strerror}; name the folder of a run of yours") from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise UsageError(f"{path}: is not what a run wrote; its values can no longer be disclosed") from problem
    if len(salt) != _SALT_BYTES:
        raise UsageError(f"{path}: is not what a run wrote; its values can no longer be disclosed")
    return salt


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")
