"""What the test sets for clients detect: each runs against the right client, and against clients with one defect each.

A defect is *detected* when a test that verifies its own requirement, and that passed for the right client, fails or
warns. ``python -m tests.reference_client.scoring [--update] [--defect NAME]`` tries them and says so; ``score.json``
keeps what was found.
"""

import argparse
import json
import secrets
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.engine import run_sync
from harness.engine.client_file import ClientFile
from harness.engine.driver import Command, CommandDriver
from harness.engine.inbox import Inbox
from harness.engine.planner import Case
from harness.engine.results import RunResult
from harness.engine.runner import default_judge
from harness.engine.verdict import Verdict
from harness.fhir.definitions import Definitions
from harness.sandbox.assembly import make_service
from harness.sandbox.checking import server_validator
from harness.sandbox.choices import policy_of
from harness.sandbox.server import SandboxServer
from harness.suite.catalogue import Catalogue
from harness.suite.model import TestSet
from tests.reference_client.defects import DEFECTS

ROOT = Path(__file__).parents[2]
CLIENT = Path(__file__).with_name("client.yaml")
KEPT = Path(__file__).with_name("score.json")
LEAST = 0.98
_SEED = 20260101
_BROKEN = (Verdict.FAIL, Verdict.WARN)

Verdicts = Mapping[str, Verdict]
"""By ``set/test``, the worst of its rows."""


class Stage:
    """The parts that the trials of one process share, so that profiles are compiled once."""

    def __init__(self) -> None:
        self.catalogue = Catalogue.load(ROOT / "testsets", ROOT / "fixtures")
        self.definitions = Definitions.embedded()

    @cached_property
    def sets(self) -> tuple[TestSet, ...]:
        """The test sets for clients."""
        return tuple(found for found in self.catalogue.test_sets if found.candidate == "client")

    @cached_property
    def _judge(self) -> Any:
        return default_judge(self.definitions)

    @cached_property
    def _validator(self) -> Any:
        return server_validator(self.definitions)

    def run(
        self, defect: str = "", sets: Iterable[TestSet] | None = None, policy: Mapping[str, Any] | None = None
    ) -> RunResult:
        """Run the reference client through ``sets`` (default: all); with ``defect``, through its tests alone.

        ``policy`` are choices of the sandbox, as a candidate file names them.
        """
        wanted = DEFECTS[defect].requirement if defect else ""

        def verifying(_: TestSet, case: Case) -> bool:
            return wanted in case.test.verifies

        chosen = self.sets if sets is None else tuple(sets)
        if wanted:
            chosen = tuple(one for one in chosen if any(wanted in test.verifies for test in one.tests))
        known = ClientFile.read(CLIENT)
        assert known is not None, "it says kind: client"
        own = secrets.token_urlsafe(16)
        inbox = Inbox(CommandDriver(_command(known.command, defect)), own)
        service = make_service(policy=policy_of(policy or {}), validator=self._validator)
        with SandboxServer(service, listener=inbox.take) as server:
            return run_sync(
                chosen,
                known.candidate(server.candidate(), own),
                definitions=self.definitions,
                requirements=self.catalogue.requirements,
                select=verifying if wanted else None,
                seed=_SEED,
                jobs=1,
                judge=self._judge,
                incoming=inbox,
            )

    def detecting(self, defect: str) -> list[str]:
        """The tests of its requirement that ``defect`` makes fail or warn, as ``set/test``."""
        rule = DEFECTS[defect].requirement
        found = verdicts(self.run(defect))
        tests = [(f"{one.id}/{test.id}", test.verifies) for one in self.sets for test in one.tests]
        return sorted(name for name, rules in tests if rule in rules and found.get(name) in _BROKEN)


def _command(command: Command | None, defect: str) -> Command:
    assert command is not None, "the reference client is started by a command"
    run = (sys.executable, *command.run[1:], *(["--defect", defect] if defect else []))
    return replace(command, run=run)


def verdicts(result: RunResult) -> Verdicts:
    """What each test came to."""
    found: dict[str, Verdict] = {}
    for test in result.tests:
        name = f"{test.started.test_set}/{test.started.test.partition('[')[0]}"
        found[name] = max(found.get(name, test.verdict), test.verdict, key=_BAD.index)
    return found


_BAD = [Verdict.SKIP, Verdict.PASS, Verdict.WARN, Verdict.UNDECIDED, Verdict.FAIL, Verdict.ERROR]


def kept() -> dict[str, Any]:
    """The score that is kept: by defect its requirement, and the tests that detect it."""
    found: dict[str, Any] = json.loads(KEPT.read_text("utf-8"))
    return found


def main(arguments: list[str]) -> int:
    """Try the right client and the defects; 0 when at least 98 % are detected and the right client passes."""
    parser = argparse.ArgumentParser(prog="scoring", description=__doc__)
    parser.add_argument("--update", action="store_true", help="keep what is found in score.json")
    parser.add_argument("--defect", action="append", default=[], choices=[*DEFECTS], metavar="NAME")
    given = parser.parse_args(arguments)
    stage = Stage()
    names = given.defect or sorted(DEFECTS)
    healthy = {} if given.defect else verdicts(stage.run())
    unclean = sorted(name for name, verdict in healthy.items() if verdict is not Verdict.PASS)
    score = {}
    for name in names:
        found = [test for test in stage.detecting(name) if healthy.get(test, Verdict.PASS) is Verdict.PASS]
        score[name] = {"requirement": DEFECTS[name].requirement, "detected-by": found}
        print(f"{name:36} {DEFECTS[name].requirement:16} {', '.join(found) or 'MISSED'}", flush=True)
    missed = [name for name, found in score.items() if not found["detected-by"]]
    for name in unclean:
        print(f"Right, and yet {healthy[name]}: {name}")
    print(f"{len(score) - len(missed)} of {len(score)} defects detected by a test of their own requirement; "
          f"{len(unclean)} findings on the right client; missed: {', '.join(missed) or 'none'}")  # fmt: skip
    if given.update:
        KEPT.write_text(json.dumps(score, indent=1) + "\n", "utf-8")
    return 1 if unclean or 1 - len(missed) / len(score) < LEAST else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
