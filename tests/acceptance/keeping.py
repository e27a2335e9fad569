"""Makes the files of ``known_bad``: ``python -m tests.acceptance.keeping``. Each holds one defect and is named by it.

``CHECK.DEFECT.zip`` is refused by that check of ``verify`` under ``anchor.pem``; ``good.zip`` holds. Their runs name
another version of the harness, so that no page is made again, and a change of the report does not ask for new files.
"""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from harness.acceptance import container, manifest
from harness.acceptance.document import document, dump
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import verify
from harness.engine.codec import dumps, encode
from harness.engine.events import Event, RunStarted
from harness.engine.results import RunResult
from tests import runs
from tests.acceptance.alterations import designed
from tests.acceptance.authorities import NOW, Holder, issue
from tests.acceptance.forger import Forger, Members

FOLDER = Path(__file__).parent / "known_bad"
GOOD, ANCHOR = "good.zip", "anchor.pem"
_PAGE = b'<!DOCTYPE html>\n<html lang="en"><title>fail</title><body>fail</body></html>\n'
_LONG = timedelta(days=36_500)
KEPT = {
    "zip_fields": ("first-local-time", "first-local-flags", "first-local-crc", "last-central-external", "end-comment"),
    "bytes": ("empty", "a-text", "prefix", "suffix", "twice", "cut-in-member", "cut-in-end"),
    "members": (
        *("journal.ndjson-missing", "signature.jws-missing", "acceptance.json-last-byte", "acceptance.html-last-byte"),
        *("journal.ndjson-line-end-added", "acceptance.json-byte-order-mark", "acceptance.json-upper-case"),
        *("unsafe-parent", "unsafe-absolute", "unsafe-drive", "unsafe-unicode", "journal.ndjson-swapped"),
    ),
    "zips": ("deflated", "bomb", "another-order", "symbolic-link", "claims-four-gigabytes", "nested",
             "journal.ndjson-stands-twice"),
    "manifests": ("order", "signer/spaces", "signer/member-twice", "signer/version-2", "signer/entry-digest",
                  "signer/entry-size-true", "signer/surrogate"),
    "documents": ("verdict", "with-digest-verdict", "signer/verdict", "signer/lacks", "signer/tests-missing"),
    "journals": ("signer/cut", "signer/two-starts", "signer/traversal", "signer/test-removed",
                 "signer/not-json", "signer/source-altered", "signer/source-missing"),
    "headers": ("alg-none", "alg-HS256", "alg-PS256", "crit", "b64", "typ-review", "iat-before-the-certificate",
                "x5c-another", "x5c-empty", "member-twice"),
    "signatures": ("mirrored", "der", "s-zero", "r-plus-order", "hmac-with-the-public-key", "padded",
                   "payload-attached", "other-runs"),
    "trust": ("self-signed", "authority-of-the-same-name", "expired", "not-yet-valid", "not-for-signing",
              "issued-by-the-signer", "manifest-and-signature-of-another-run", "signed-as-a-review"),
}  # fmt: skip
"""Of the alterations, those that show a defect of their own."""


def _members(seed: int) -> Members:
    started, *others = runs.events()
    assert isinstance(started, RunStarted)
    events: list[Event] = [replace(started, harness="0.0.0", seed=seed), *others]
    lines = [dumps({"event": type(event).__name__, **encode(event)}) + b"\n" for event in events]
    return {
        manifest.DOCUMENT: dump(document(RunResult.read(events))),
        manifest.PAGE: _PAGE,
        "journal.ndjson": b"".join(lines),
        "sources/testsets/patient.yaml": runs.TEST_SET,
    }


def _forger() -> Forger:
    root = issue("AC de test", path_length=0, end=_LONG)
    signer = issue("Éditeur de test", root, ca=False, end=_LONG)
    empty = Forger({}, {}, root, signer)
    members, other = (container.unpack(empty.resigned(_members(seed))) for seed in (1, 2))
    return Forger(members, other, root, signer)


def _write(folder: Path, forger: Forger, root: Holder) -> None:
    (folder / ANCHOR).write_bytes(root.certificate.public_bytes(Encoding.PEM))
    (folder / GOOD).write_bytes(forger.data)
    policy = TrustPolicy((root.certificate,))
    wanted = {f"{group}/{name}" for group, names in KEPT.items() for name in names}
    for name, data in designed(forger):
        if name not in wanted:
            continue
        wanted.remove(name)
        defect = name.partition("/")[2]
        probe = folder / "probe"
        probe.write_bytes(data)
        failure = verify(probe, policy, NOW).failure
        probe.unlink()
        assert failure is not None, name
        told = f"{defect.removeprefix('signer/')}-by-the-signer" if defect.startswith("signer/") else defect
        target = folder / f"{failure.name}.{told}.zip"
        assert not target.exists(), target
        target.write_bytes(data)
    assert not wanted, wanted


def main() -> None:
    """Write all of them anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    forger = _forger()
    _write(FOLDER, forger, forger.root)


if __name__ == "__main__":
    main()
