"""Disclosing one redacted value of a run, and checking a disclosure against an acceptance file."""

import hmac
import json
import re
from pathlib import Path
from typing import Any

from harness.acceptance.container import read as read_container
from harness.engine import commitment, journal
from harness.engine.results import RunResult
from harness.errors import AcceptanceError

_MEMBERS = {"run", "value", "opening", "commitment"}
_OPENING = re.compile(r"[0-9a-f]{64}")


def disclose(run_folder: Path, value: str) -> dict[str, str]:
    """Return the disclosure of ``value``, which the run in ``run_folder`` redacted: JSON that tells of no other value.

    Raises AcceptanceError when the run holds no such redacted value, UsageError when the run's salt is not there,
    JournalError when its journal cannot be read.
    """
    opened = commitment.opening(commitment.kept(run_folder), value)
    made = commitment.commitment(opened, value)
    run = RunResult.read(journal.read_journal(run_folder)).started.run
    if _mark(made) not in (run_folder / journal.NAME).read_bytes():
        raise AcceptanceError(f"{run_folder}: no redacted value of this run is the one given; give it exactly")
    return {"run": run, "value": value, "opening": opened.hex(), "commitment": made}


def check_disclosure(disclosure: bytes, file: Path) -> list[str]:
    """Return the names under which the value that ``disclosure`` (JSON) tells stands redacted in an acceptance file.

    The file's own signature is not looked at: that is ``verify``'s. Raises AcceptanceError when the disclosure does not
    hold, or is of another run.
    """
    told = _read(disclosure)
    opened = bytes.fromhex(told["opening"])
    if not hmac.compare_digest(commitment.commitment(opened, told["value"]), told["commitment"]):
        raise AcceptanceError("the disclosure does not hold: its value does not give its commitment")
    recorded = read_container(file).get(journal.NAME, b"")
    run = RunResult.read(journal.parse_journal(recorded.splitlines(keepends=True), f"{file}: {journal.NAME}"))
    if run.started.run != told["run"]:
        raise AcceptanceError(f"the disclosure is of the run {told['run']!r}; {file} holds {run.started.run!r}")
    names = re.findall(r"«redacted:([\w.-]+)~" + told["commitment"] + "»", recorded.decode("utf-8", "replace"))
    if not names:
        raise AcceptanceError(f"{file}: no redacted value has this commitment")
    return sorted(set(names))


def _mark(made: str) -> bytes:
    return f"~{made}»".encode()


def _read(disclosure: bytes) -> dict[str, str]:
    try:
        told: Any = json.loads(disclosure)
    except (ValueError, RecursionError) as problem:
        raise AcceptanceError(f"the disclosure is not JSON: {problem}") from problem
    if not isinstance(told, dict) or set(told) != _MEMBERS or not all(isinstance(v, str) for v in told.values()):
        raise AcceptanceError(f"a disclosure holds exactly {', '.join(sorted(_MEMBERS))}, all texts")
    if not _OPENING.fullmatch(told["opening"]) or not re.fullmatch(r"[0-9a-f]{40}", told["commitment"]):
        raise AcceptanceError("the disclosure's opening or commitment is not hexadecimal of the right length")
    return told
