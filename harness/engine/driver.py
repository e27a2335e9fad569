"""Who makes a candidate act: a person who is told what to do, or a command that the candidate file names."""

import asyncio
import contextlib
import os
import secrets
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from harness.engine.awaiting import Task
from harness.engine.placeholders import fill
from harness.engine.processes import MARK, gone
from harness.engine.text import inert
from harness.engine.wire import dumps
from harness.reason import Reason

STEP = "FHIR_HARNESS_STEP"
"""The environment variable that tells a command everything about its step, as JSON."""
LEFT = "command-left"
"""The code of a failure: what the command started may send more, although the candidate file says that it does not."""
_TAIL = 4096
"""Bytes at the end of a command's error output that are looked at."""
_SHOWN = 400
"""Characters of it that are told."""
_LEFT_RUNNING = Reason(
    "the command ended, and a process that it started did not",
    "la commande est terminée, et un processus qu'elle a lancé ne l'est pas",
)
_GRACE = 1.0
"""Seconds that what a command started may run on after its end."""

Failure = tuple[str, Reason]
"""Code and message."""


class Driver(Protocol):
    """Makes the candidate do what a step asks for."""

    async def begin(self, task: Task) -> None:
        """Tell the candidate what to do."""

    async def ended(self) -> None:
        """Return when the candidate will send nothing more; never, where that cannot be known."""

    async def settle(self) -> None:
        """Let what was begun come to its end, or end it."""

    def failure(self) -> Failure | None:
        """Return why what was begun failed, once; None when it did not, or goes on."""


@dataclass(frozen=True)
class Command:
    """A command that makes the candidate act, without a shell. ``{name}`` are placeholders."""

    run: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()
    timeout: float = 60.0
    """Seconds after which it is killed."""
    finishes: bool = True
    """Whether the candidate has sent all that it will send when the command ends."""


class CommandDriver:
    """Runs the command for each task; ``language`` is that of the instruction it is given.

    ``pairing`` says how the client gets tokens of its own (``discovery-url``, ``client-id``, ``client-secret``).
    """

    def __init__(self, command: Command, language: str = "en", pairing: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._language = language
        self._pairing = {} if pairing is None else pairing
        self._running: asyncio.Task[None] | None = None
        self._failure: Failure | None = None

    async def begin(self, task: Task) -> None:
        """Start the command; one that cannot be started is a failure with the code ``command-start``."""
        known = {**told(task, self._language), **self._pairing}
        arguments = [fill(argument, known) for argument in self._command.run]
        mark = secrets.token_hex(16)
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - it is open as long as the command runs
        environment = {name: fill(value, known) for name, value in self._command.environment.items()}
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                cwd=self._command.folder,
                env={**os.environ, **environment, STEP: dumps(known), MARK: mark},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        except (OSError, ValueError) as problem:
            errors.close()
            said = getattr(problem, "strerror", None) or str(problem)
            if not self._command.folder.is_dir():
                said = f"{self._command.folder}: {said}"  # what was not found is the folder to start it in
            en, fr = f"{arguments[0]} cannot be started: {said}", f"{arguments[0]} ne se lance pas : {said}"
            self._failure = ("command-start", Reason(en, fr))
            return
        self._running = asyncio.create_task(self._watch(process, errors, mark))

    async def _watch(self, process: asyncio.subprocess.Process, errors: BinaryIO, mark: str) -> None:
        """Wait for the end of the command, in time or not, and note how it failed."""
        ended = False
        alone = True
        try:
            async with asyncio.timeout(self._command.timeout):
                await process.wait()
            ended = True
            alone = not self._command.finishes or await gone(mark, process.pid, _GRACE)
        except TimeoutError:
            most = f"{self._command.timeout:g} s"
            en, fr = f"the command was killed after {most}", f"la commande a été interrompue après {most}"
            self._failure = ("command-timeout", Reason(en, fr))
        finally:
            if self._command.finishes or not ended:  # what a command has merely set off may go on
                _kill(process)
            await process.wait()
            if ended and process.returncode:
                self._failure = ("command-failed", _said(process.returncode, errors))
            elif not alone:
                self._failure = (LEFT, _LEFT_RUNNING)
            errors.close()

    async def ended(self) -> None:
        """Return when the command has ended, where that says that nothing more comes."""
        if self._running is not None:
            await asyncio.wait({self._running})
        if not self._command.finishes and self._failure is None:
            await asyncio.Event().wait()

    async def settle(self) -> None:
        """Wait for the end of the command; kill it where it tells nothing of the candidate, or the run is cancelled."""
        running, self._running = self._running, None
        if running is None:
            return
        current = asyncio.current_task()
        if not self._command.finishes or (current is not None and current.cancelling()):
            running.cancel()
        await asyncio.wait({running})

    def failure(self) -> Failure | None:
        """Return why the command failed, once."""
        failure, self._failure = self._failure, None
        return failure


def told(task: Task, language: str) -> dict[str, Any]:
    """Return everything about ``task`` by name, as JSON values; ``credentials`` are headers, ready to be sent."""
    candidate = task.candidate
    return {
        "base-url": candidate.base_url,
        "fhir-url": str(candidate.content["base-url"]),
        "endpoints": {name: one.base_url for name, one in candidate.endpoints.items()},
        "test-set": task.scope.test_set,
        "test": task.scope.test,
        "step": task.step,
        "action": task.action,
        "instruction": task.instruction.get(language, ""),
        "language": language,
        "identity": task.identity,
        "caller": candidate.identities[task.identity].attributes if task.identity in candidate.identities else {},
        "credentials": dict(task.credentials),
        "policy": candidate.policies,
        "data": dict(task.data),
    }


def _said(status: int, errors: BinaryIO) -> Reason:
    """Return how the command ended, with the end of what it wrote to its error output."""
    length = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, length - _TAIL))
    written = errors.read().decode("utf-8", "replace").strip()
    said = written[-_SHOWN:]
    if length > _TAIL or said != written:  # of a word that is cut, a secret it may be, no part is known for one
        said = " ".join(said.split(None, 1)[1:])
    en = inert(f"the command ended with {status}{': ' if said else ''}{said}", 2 * _SHOWN)
    fr = inert(f"la commande s'est terminée par {status}{' : ' if said else ''}{said}", 2 * _SHOWN)
    return Reason(en, fr)


def _kill(process: asyncio.subprocess.Process) -> None:
    """End the command and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
