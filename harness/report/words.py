"""The words of the reports, in English and French."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.engine.results import TestResult
from harness.engine.verdict import Verdict
from harness.suite.model import Text


@dataclass(frozen=True)
class Words:
    """What a report says in one language."""

    colon: str
    overview: str
    test_sets: tuple[str, str]
    tests: tuple[str, str]
    """One, and several."""
    test_set: str
    step: str
    sent: str
    received: str
    answered: str
    expected: str
    found: str
    place: str
    profile: str
    requirements: str
    waived: str
    waiver_unmet: str
    repeat: str
    leftover: str
    never_began: str
    nothing: str
    report: str
    totals: str
    verdicts: Mapping[Verdict, str]


def counted(number: int, words: tuple[str, str]) -> str:
    """Return ``number`` with the word for one or for several."""
    return f"{number} {words[number != 1]}"


WORDS: Mapping[str, Words] = {
    "en": Words(
        colon=":",
        overview="{sets}, {tests}, seed {seed}",
        test_sets=("test set", "test sets"),
        tests=("test", "tests"),
        test_set="test set",
        step="step",
        sent="sent",
        received="received",
        answered="answered",
        expected="expected",
        found="found",
        place="at",
        profile="profile",
        requirements="verifies",
        waived="waived",
        waiver_unmet="this waiver met nothing, or has expired; remove or renew it",
        repeat="repeat",
        leftover="left on the candidate, delete it there",
        never_began="never began",
        nothing="nothing ran",
        report="Report",
        totals="{tests}; {met} of {requirements} requirements met",
        verdicts={verdict: verdict.value for verdict in Verdict},
    ),
    "fr": Words(
        colon=" :",
        overview="{sets}, {tests}, graine {seed}",
        test_sets=("jeu de tests", "jeux de tests"),
        tests=("test", "tests"),
        test_set="jeu de tests",
        step="étape",
        sent="envoyé",
        received="reçu",
        answered="réponse",
        expected="attendu",
        found="trouvé",
        place="à",
        profile="profil",
        requirements="vérifie",
        waived="dérogation",
        waiver_unmet="cette dérogation ne sert à rien, ou a expiré ; retirez-la ou renouvelez-la",
        repeat="à refaire",
        leftover="resté chez le candidat, à y supprimer",
        never_began="n'a pas commencé",
        nothing="rien n'a été exécuté",
        report="Rapport",
        totals="{tests} ; exigences satisfaites : {met} sur {requirements}",
        verdicts={
            Verdict.ERROR: "erreur",
            Verdict.FAIL: "échec",
            Verdict.UNDECIDED: "indécis",
            Verdict.WARN: "alerte",
            Verdict.PASS: "succès",
            Verdict.SKIP: "omis",
        },
    ),
}


NEVER_BEGAN: Text = {
    "en": "never began: the run ended before it",
    "fr": "n'a jamais commencé : l'exécution a fini avant",
}
"""Why a selected test has no verdict."""


def reason(test: TestResult) -> Text:
    """Return why a test came to its verdict, in both languages where its findings tell."""
    told = (finding.message_fr for finding in test.findings if finding.message == test.reason and finding.message_fr)
    return {"en": test.reason, "fr": next(told, test.reason)}
