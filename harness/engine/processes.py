"""The processes that a command of a candidate started, those included that left its process group."""

import asyncio
import contextlib
import os
from pathlib import Path

MARK = "FHIR_HARNESS_COMMAND"
"""The environment variable that every process of a command inherits; its value is the command's alone."""
_PROCESSES = Path("/proc")
_PAUSE = 0.02
"""Seconds between two looks."""


async def gone(mark: str, group: int, patience: float) -> bool:
    """Tell whether every process of the command with ``mark``, which led ``group``, ends within ``patience`` seconds.

    Where the system does not show the environment of processes (it is Linux that does, proc(5)), only the group is
    looked at; it shows nothing of a process that emptied its environment.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while _left(mark, group):
                await asyncio.sleep(_PAUSE)
            return True
    return False


def _left(mark: str, group: int) -> bool:
    wanted = f"{MARK}={mark}".encode()
    environments = list(_PROCESSES.glob("[0-9]*/environ"))
    if not environments:
        return _alive(group)
    for environment in environments:
        with contextlib.suppress(OSError):  # it has ended since, or is somebody else's
            if wanted in environment.read_bytes():
                return True
    return False


def _alive(group: int) -> bool:
    """Tell whether a process of ``group`` runs; where there are no groups, none is known."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(group, 0)
            return True
    except OSError:
        pass
    return False
