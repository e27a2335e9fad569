"""What a publisher does after a review: in words, in English and French, and as a list."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict, combine

_PASSED = (Verdict.PASS, Verdict.WARN)


class Decision(StrEnum):
    """What a testing team decides."""

    SATISFACTORY = "satisfactory"
    UNSATISFACTORY = "unsatisfactory"
    MORE_TESTS = "more-tests"


def unmet(run: RunResult) -> list[dict[str, Any]]:
    """Return the requirements that the run did not prove: id, combined verdict, and the tests that did not pass."""
    found = []
    for requirement, tests in run.requirements().items():
        open_ = [test for test in tests if test.verdict not in _PASSED]
        verdict = combine(test.verdict for test in tests)
        if open_ and verdict not in _PASSED and verdict is not Verdict.SKIP:
            found.append({"requirement": requirement, "verdict": str(verdict), "tests": [place(t) for t in open_]})
    return found


def unproven(run: RunResult) -> list[str]:
    """Return the tests that proved nothing: skipped, undecided, in error, or never begun."""
    nothing = (Verdict.SKIP, Verdict.UNDECIDED, Verdict.ERROR)
    return [place(t) for t in run.tests if t.verdict in nothing] + [f"{s}/{t}" for s, t in run.missing]


def place(test: TestResult) -> str:
    """Return ``test-set/test``."""
    return f"{test.started.test_set}/{test.started.test}"


def next_step(run: RunResult, decision: Decision, add: Sequence[str], fault: str) -> dict[str, Any]:
    """Return the next step: ``en`` and ``fr``, and ``items``, what they speak of.

    ``add``: tests that the reviewer asks for. ``fault``: why the file does not verify, if it does not.
    """
    match decision:
        case Decision.SATISFACTORY:
            return {
                "en": "Ask for the terms of the connection to the APIs, with the digests of this review and of the "
                "file; once they are agreed, the software may be connected. Another version of it is tested again.",
                "fr": "Demandez les modalités de raccordement aux API, avec les empreintes de cette revue et du "
                "dossier ; une fois acceptées, le logiciel peut être raccordé. Toute autre version sera testée.",
                "items": [],
            }
        case Decision.UNSATISFACTORY:
            items = [f"{entry['requirement']}: {', '.join(entry['tests'])}" for entry in unmet(run)]
            named = {test for entry in unmet(run) for test in entry["tests"]}
            failed = (Verdict.FAIL, Verdict.ERROR, Verdict.UNDECIDED)
            items += [place(t) for t in run.tests if t.verdict in failed and place(t) not in named]
            return {
                "en": _mend("Mend what is listed, run the tests again, and hand in a new file.", fault, "The file: "),
                "fr": _mend(
                    "Corrigez ce qui est listé, relancez les tests et déposez un nouveau dossier.",
                    fault,
                    "Le dossier : ",
                ),
                "items": items,
            }
        case Decision.MORE_TESTS:
            return {
                "en": "Run the tests that are listed as well, so that each gives a proof, and hand in a new file.",
                "fr": "Exécutez aussi les tests listés, pour que chacun apporte sa preuve, "
                "et déposez un nouveau dossier.",
                "items": list(dict.fromkeys([*add, *unproven(run)])),
            }


def _mend(text: str, fault: str, subject: str) -> str:
    return f"{text} {subject}{fault}" if fault else text
