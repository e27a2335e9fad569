"""Verifies every alteration under limits of memory and time; run as a program, so that the limits are its own.

``python -m tests.acceptance.campaign FOLDER RANDOM`` reads the files, certificates and keys of FOLDER, and prints JSON:
how many were tried, and which verified, crashed, or took too long.
"""

import json
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from harness.acceptance import container, manifest
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import verify
from tests.acceptance.alterations import designed
from tests.acceptance.authorities import NOW, Holder
from tests.acceptance.forger import Forger, Members, Named

SECONDS = 2.0
MEMORY = 200 * 1024 * 1024


def holder(folder: Path, name: str) -> Holder:
    """Return the certificate and key that ``test_hardening`` wrote."""
    certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    key = load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    return Holder(certificate, key)  # type: ignore[arg-type]


def at_random(members: Members, count: int, seed: int) -> Named:
    """Yield ``count`` altered files: bytes of the container, and bytes of a member in a container made anew."""
    draw = random.Random(seed)
    data = container.pack(members)
    for number in range(count):
        name = draw.choice(list(members))
        kind = number % 4
        if kind < 2:
            yield f"random/{seed}-{number}-bytes", _changed(data, draw)
            continue
        altered = {**members, name: _changed(members[name], draw)}
        if kind == 3 and name not in (manifest.NAME, manifest.SIGNATURE):
            content = {key: value for key, value in altered.items() if key not in (manifest.NAME, manifest.SIGNATURE)}
            altered[manifest.NAME] = manifest.make(content)
        yield f"random/{seed}-{number}-{name}", container.pack(altered)


def _changed(data: bytes, draw: random.Random) -> bytes:
    """Return ``data`` with one to four changes, never the same bytes."""
    changed = data
    while changed == data:
        for _ in range(draw.randint(1, 4)):
            start = draw.randrange(len(changed) + 1)
            end = min(start + draw.choice([0, 1, 1, 1, 2, 8, 64]), len(changed))
            new = draw.choice([draw.randbytes(end - start), draw.randbytes(draw.randint(0, 4)), changed[start:end] * 2])
            changed = changed[:start] + new + changed[end:]
    return changed


def tried(
    alterations: Iterator[tuple[str, bytes]], original: bytes, file: Path, policy: TrustPolicy
) -> dict[str, object]:
    """Verify each alteration from ``file`` and return what came of them."""
    names, faults = set(), []
    slowest = 0.0
    for name, data in alterations:
        if data == original:
            faults.append(f"{name}: changes nothing")
        file.write_bytes(data)
        started = time.process_time()
        try:
            answer = verify(file, policy, NOW)
            if answer.ok or answer.failure is None:
                faults.append(f"{name}: verified")
        except Exception as problem:  # whatever it is, it is a fault
            faults.append(f"{name}: {type(problem).__name__}: {problem}")
        slowest = max(slowest, time.process_time() - started)
        if time.process_time() - started > SECONDS:
            faults.append(f"{name}: took more than {SECONDS} s of the processor")
        names.add(name)
    return {"tried": len(names), "faults": faults, "slowest": slowest}


def main() -> None:
    """Try all of them."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    members, other = (container.read(folder / name) for name in ("file.zip", "other.zip"))
    forger = Forger(members, other, holder(folder, "root"), holder(folder, "signer"))
    policy = TrustPolicy((forger.root.certificate,))
    prepared = list(designed(forger))
    assert verify(folder / "file.zip", policy, NOW).ok  # everything that is loaded late is loaded now
    largest = container.pack({**members, "journal.ndjson": bytes(container.MAX_BYTES - 1024 * 1024)})
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
    altered = folder / "altered.zip"
    answers = {
        "largest": tried(iter([("largest", largest)]), forger.data, altered, policy),
        "designed": tried(iter(prepared), forger.data, altered, policy),
        "random": tried(at_random(members, count, 1), forger.data, altered, policy),
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
