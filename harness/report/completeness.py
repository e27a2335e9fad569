"""What a run still lacks for a satisfactory acceptance file, from the journal alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.engine.results import RunResult
from harness.engine.verdict import Verdict, combine
from harness.report.words import reason

PROVEN = (Verdict.PASS, Verdict.WARN)
"""What a test, or a requirement, comes to that is met."""
_SOFTWARE = ("publisher", "product", "version")


@dataclass(frozen=True)
class Lack:
    """One thing that is not there, or not proven: a stable code, where, and what in both languages."""

    code: str
    """A verdict that is no pass, ``not-run``, ``waived``, ``left-out``, ``software``, ``tls`` or ``left-behind``."""
    place: str
    """``test-set/test``, ``test-set``, or the name of what is missing."""
    message: str
    message_fr: str


def requirement_verdicts(run: RunResult) -> Mapping[str, Verdict]:
    """Return what each requirement of ``run`` came to: the strongest verdict of the tests that verify it."""
    found = run.requirements().items()
    return {name: combine(test.verdict for test in tests) or Verdict.ERROR for name, tests in found}


def lacking(run: RunResult) -> list[Lack]:
    """Return all that keeps the acceptance file of ``run`` from being satisfactory, what weighs most first.

    A test that passed with warnings lacks nothing: whether a SHOULD may stay broken is the reviewer's to decide. One
    whose findings are waived lacks: who runs the tests waives, and the reviewer has to agree.
    """
    return [*_tests(run), *_waived(run), *_left_out(run), *_software(run), *_surroundings(run)]


def _tests(run: RunResult) -> Iterator[Lack]:
    for test_set, name in run.missing:
        yield Lack("not-run", f"{test_set}/{name}", "never began", "n'a jamais commencé")
    unproven = [test for test in run.tests if test.verdict not in PROVEN]
    order = list(Verdict)
    for test in sorted(unproven, key=lambda test: order.index(test.verdict)):
        place = f"{test.started.test_set}/{test.started.test}"
        why = reason(test)
        yield Lack(test.verdict.value, place, why["en"], why["fr"])


def _waived(run: RunResult) -> Iterator[Lack]:
    for test in run.tests:
        if test.verdict in PROVEN:
            for told in dict.fromkeys(finding.waived for finding in test.findings if finding.waived):
                yield Lack("waived", f"{test.started.test_set}/{test.started.test}", told, told)


def _left_out(run: RunResult) -> Iterator[Lack]:
    for source in run.started.test_sets:
        for test in source.left_out:
            yield Lack(
                "left-out", f"{source.id}/{test}", "not selected for this run", "non retenu pour cette exécution"
            )


def _software(run: RunResult) -> Iterator[Lack]:
    for name in _SOFTWARE:
        if not run.started.software.get(name):
            yield Lack(
                "software",
                name,
                f"the software's {name} is not named; add software.{name} to the candidate file",
                f"« {name} » du logiciel n'est pas indiqué ; ajoutez software.{name} au fichier du candidat",
            )


def _surroundings(run: RunResult) -> Iterator[Lack]:
    address = str(run.started.candidate.get("base-url", ""))
    tls = run.started.candidate.get("tls")
    if run.started.candidate.get("kind") == "client":
        pass  # it called the sandbox on this machine; how it calls a real service is not seen
    elif not address.lower().startswith("https://"):
        yield Lack("tls", address, "the candidate was reached without TLS", "le candidat a été joint sans TLS")
    elif isinstance(tls, dict) and tls.get("verify") is False:
        yield Lack(
            "tls",
            address,
            "the server's certificate was not checked (tls.verify: false)",
            "le certificat du serveur n'a pas été vérifié (tls.verify: false)",
        )
    for name, result in run.sets.items():
        for leftover in result.finished.leftovers if result.finished else ():
            yield Lack("left-behind", name, f"{leftover} was left on the candidate", f"{leftover} est resté en place")
