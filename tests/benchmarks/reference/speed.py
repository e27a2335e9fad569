"""How fast the harness and HL7's validator judge one resource by one profile, warm and cold, side by side.

    python tests/benchmarks/reference/speed.py --core CORE.tgz --package P.tgz … --profile URL RESOURCE.json

Warm: the median of ``--rounds`` runs in one process. Cold: the whole process, from nothing to the verdict on one file;
the reference loads its packages in it, the harness its own restated ones, and the packages given for both.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from compare import with_packages

from harness import Validator

HERE = Path(__file__).resolve().parent


def _reference(options: argparse.Namespace, case: dict[str, Any], rounds: int) -> tuple[list[float], float, bool]:
    """The reference's milliseconds for each run, the seconds of the whole process, and its verdict."""
    target = options.target or HERE / "target"
    command = ["java", f"-Duser.home={target}", "-cp", f"{target}/classes:{target}/lib/*", "Reference", options.core]
    lines = [json.dumps({"supporting": []}), *([json.dumps({**case, "supporting": 0})] * rounds)]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, *options.package], input="\n".join(lines) + "\n", text=True, capture_output=True, check=True
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return [a["millis"] for a in answers], time.perf_counter() - started, bool(answers[-1]["valid"])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("resource", type=Path)
    parser.add_argument("--profile", action="append", default=[])
    parser.add_argument("--core", required=True)
    parser.add_argument("--package", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--target", type=Path)
    options = parser.parse_args()
    resource = json.loads(options.resource.read_text(encoding="utf-8"))
    case = {"id": "one", "profiles": options.profile, "resource": resource}
    warm, _, their = _reference(options, case, options.rounds)
    cold = statistics.median(_reference(options, case, 1)[1] for _ in range(3))
    validator = Validator(with_packages(options.package))
    ours: list[float] = []
    for _ in range(options.rounds):
        started = time.perf_counter()
        outcome = validator.validate(resource, profiles=options.profile)
        ours.append(1000 * (time.perf_counter() - started))
    flags = [part for url in options.profile for part in ("--profile", url)]
    flags += [part for package in options.package for part in ("--package", package)]
    whole = []
    for _ in range(5):
        started = time.perf_counter()
        code = "from harness.cli import main; main()"
        subprocess.run(
            [sys.executable, "-c", code, "validate", str(options.resource), *flags], capture_output=True, check=False
        )
        whole.append(time.perf_counter() - started)
    last = options.rounds // 2
    warm_ours, warm_theirs = statistics.median(ours[last:]), statistics.median(warm[last:])
    cold_ours = statistics.median(whole)
    print(f"verdict   harness {outcome.ok}, reference {their}")
    print(f"warm      harness {warm_ours:.3f} ms, reference {warm_theirs:.3f} ms: {warm_theirs / warm_ours:.0f} times")
    print(f"cold      harness {cold_ours:.2f} s, reference {cold:.2f} s: {cold / cold_ours:.0f} times")


if __name__ == "__main__":
    main()
