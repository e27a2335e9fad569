"""What the plugin says of a session, in English and French."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.engine.codes import Language
from harness.errors import HarnessError
from harness.report.inert import printable


@dataclass(frozen=True)
class Words:
    """The lines of one language, with places for what they are about."""

    header: str
    one_worker: str
    no_test_ran: str
    cut_off: str
    not_signed: str
    so_far: str
    go_on: str
    recorded: str
    signed: str
    report: str
    no_report: str


WORDS: Mapping[Language, Words] = {
    "en": Words(
        header="fhir-harness: {candidate}, --fhir-seed {seed}",
        one_worker="fhir-harness: a client does one thing at a time, so that one worker runs all its tests",
        no_test_ran="no test ran",
        cut_off="the session ended before the run did",
        not_signed="{file}: not signed, {why}",
        so_far="what came before is recorded in {folder}",
        go_on="go on with --fhir-resume {folder}",
        recorded="recorded in {folder}",
        signed="signed {file}",
        report="report: {file}",
        no_report="no test ran: no report",
    ),
    "fr": Words(
        header="fhir-harness : {candidate}, --fhir-seed {seed}",
        one_worker="fhir-harness : un client fait une chose à la fois : un seul processus exécute tous ses tests",
        no_test_ran="aucun test n'a été exécuté",
        cut_off="la session s'est arrêtée avant la fin de l'exécution",
        not_signed="{file} : non signé, {why}",
        so_far="ce qui précède est enregistré dans {folder}",
        go_on="pour continuer : --fhir-resume {folder}",
        recorded="enregistré dans {folder}",
        signed="signé : {file}",
        report="rapport : {file}",
        no_report="aucun test n'a été exécuté : pas de rapport",
    ),
}


def said(problem: HarnessError, language: Language) -> str:
    """Return what ``problem`` says in ``language``; it may quote a test set that others wrote."""
    return printable(problem.message_fr if language == "fr" else str(problem))
