"""What the engine adds to the exchanges themselves: a run against bare httpx that sends the same 1,000 requests.

    python -m tests.benchmarks.overhead [TESTS]

Both talk to the sandbox in a process of its own, one request after the other, in alternating rounds. The run records
its journal and judges each answer; httpx does nothing with it but read it.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx

from harness import Definitions
from harness.engine import Candidate, run_sync
from harness.engine.journal import JournalWriter
from harness.sandbox.process import sandbox_process
from harness.suite.loader import load_testset
from harness.suite.model import TestSet

MOST = 1.5
"""Times that the run may take of what httpx takes."""
EXCHANGES = 4
"""Of one test: create, read, search, and the delete that cleans up."""
PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "https://harness.example/benchmark", "value": "one"}],
    "name": [{"family": "ESSAI", "given": ["ANDREA"]}],
    "birthDate": "1980-02-29",
}
TEST = """
  - id: patient-{number}
    title: {{en: A patient is kept, fr: Un patient est conservé}}
    steps:
      - create: ${{fixtures.patient}}
        set: {{"identifier[0].value": "n-{number}"}}
        expect: {{status: 201, headers: {{Location: present, ETag: '/^W/'}}, type: Patient}}
        save: {{id: header.Location.id}}
      - read: Patient/${{id}}
        expect: {{status: 200, same-as: {{sent: 0, except: [id, meta, text]}}}}
      - search: Patient
        params: {{identifier: "https://harness.example/benchmark|n-{number}"}}
        expect: {{status: 200, searchset: {{includes: ["Patient/${{id}}"], matches: 1}}}}
"""


class Measured(NamedTuple):
    """Seconds of each round."""

    run: list[float]
    bare: list[float]

    @property
    def ratio(self) -> float:
        """How many times as long the run takes: the median of the rounds, each against its neighbour."""
        return statistics.median(mine / other for mine, other in zip(self.run, self.bare, strict=True))


def measure(tests: int, rounds: int) -> Measured:
    """Return the times of ``rounds`` rounds of ``tests`` tests."""
    with tempfile.TemporaryDirectory() as name, sandbox_process() as ready:
        folder, content = Path(name), ready()
        test_set = _set(folder, tests)
        definitions = Definitions.embedded()
        candidate = Candidate.of(content)
        measured = Measured([], [])

        def run(number: int) -> None:
            writers = [JournalWriter(folder / f"run-{number}")]
            result = run_sync([test_set], candidate, definitions=definitions, writers=writers)
            verdicts = {one.verdict.value for one in result.tests}
            assert verdicts == {"pass"}, verdicts

        def bare(_: int) -> None:
            asyncio.run(_bare(str(content["base-url"]), tests))

        for number in range(rounds + 1):  # the first one warms up
            times = [_seconds(call, number) for call in (run, bare)]
            if number:
                measured.run.append(times[0])
                measured.bare.append(times[1])
        return measured


def _seconds(call: Callable[[int], None], number: int) -> float:
    begun = time.perf_counter()
    call(number)
    return time.perf_counter() - begun


def _set(folder: Path, tests: int) -> TestSet:
    (folder / "fixtures").mkdir()
    (folder / "fixtures" / "patient.json").write_bytes(httpx.Request("POST", "http://x", json=PATIENT).content)
    head = "testset: overhead\nversion: 1.0.0\ntitle: {en: Overhead, fr: Surcoût}\ncandidate: server\n"
    head += "fixtures: {patient: patient.json}\ntests:\n"
    text = head + "".join(TEST.format(number=number) for number in range(tests))
    (folder / "overhead.yaml").write_text(text, encoding="utf-8")
    return load_testset(folder / "overhead.yaml", root=folder, fixtures=folder / "fixtures")


async def _bare(base: str, tests: int) -> None:
    headers = {"Accept": "application/fhir+json", "Prefer": "return=representation"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
        for number in range(tests):
            body = {**PATIENT, "identifier": [{**PATIENT["identifier"][0], "value": f"n-{number}"}]}
            made = await client.post(f"{base}/Patient", json=body, headers={"Content-Type": "application/fhir+json"})
            address = made.headers["Location"].partition("/_history/")[0]
            await client.get(address)
            token = f"https://harness.example/benchmark|n-{number}"
            await client.get(f"{base}/Patient", params={"identifier": token})
            assert (await client.delete(address)).status_code in (200, 204)


def main() -> int:
    """Print the ratio; 1 when it is above the target."""
    tests = int(sys.argv[1]) if len(sys.argv) > 1 else 250
    measured = measure(tests, rounds=5)
    mine, other = (statistics.median(times) for times in measured)
    each = 1000 / (tests * EXCHANGES)
    print(
        f"{tests * EXCHANGES} exchanges: {measured.ratio:.2f} x (at most {MOST} x), "
        f"{mine * each:.2f} ms each against {other * each:.2f} ms"
    )
    return measured.ratio > MOST


if __name__ == "__main__":
    sys.exit(main())
