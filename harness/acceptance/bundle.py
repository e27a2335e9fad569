"""From a run's folder to a signed acceptance file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from harness.acceptance.container import pack
from harness.acceptance.document import document, dump
from harness.acceptance.manifest import DOCUMENT, NAME, PAGE, SIGNATURE, make
from harness.acceptance.scan import refuse_leaks
from harness.acceptance.signing import PrivateKey, sign_payload
from harness.acceptance.sources import collect
from harness.engine import journal
from harness.engine.results import RunResult
from harness.errors import AcceptanceError
from harness.report.html import render

_DERIVED = (DOCUMENT, PAGE)
"""What is made from the journal, and holds nothing that the journal does not."""


@dataclass(frozen=True)
class Accepted:
    """A file that was written, and the run it was made from."""

    path: Path
    run: RunResult


def members_of(run_folder: Path) -> tuple[dict[str, bytes], RunResult]:
    """Return everything that is signed (name to contents) for the run in ``run_folder``, and the run.

    Raises AcceptanceError when the run was cut off, JournalError when its journal cannot be read.
    """
    run = RunResult.read(journal.read_journal(run_folder))
    if run.finished is None or run.missing:
        raise AcceptanceError(
            f"{run_folder}: the run was cut off before its end, so it proves nothing; run the tests again"
        )
    content = document(run)
    members = {
        DOCUMENT: dump(content),
        PAGE: render(run, content, signed=True).encode("utf-8"),
        journal.NAME: (run_folder / journal.NAME).read_bytes(),
        **collect(run_folder, run.started),
    }
    return members, run


def sign(
    run_folder: Path,
    key: PrivateKey,
    chain: Sequence[x509.Certificate],
    target: Path,
    signed_at: datetime,
) -> Accepted:
    """Write the signed acceptance file of the run in ``run_folder`` to ``target``, which must not exist yet.

    The file appears whole or not at all, and never with what must not leave the publisher's machine (``scan``). Raises
    AcceptanceError or JournalError with what is wrong.
    """
    members, run = members_of(run_folder)
    refuse_leaks({name: data for name, data in members.items() if name not in _DERIVED})
    listing = make(members)
    signature = sign_payload(listing, key, chain, signed_at)
    data = pack({**members, NAME: listing, SIGNATURE: signature})
    if target.exists():
        raise AcceptanceError(f"{target}: exists already; choose another --out")
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(target)
    except OSError as problem:
        raise AcceptanceError(f"{target}: cannot be written: {problem.strerror}; choose another --out") from problem
    return Accepted(target, run)
