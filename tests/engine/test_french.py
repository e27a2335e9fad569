"""Findings are told in French, too, where what they quote is of our making."""

import ast
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpcore
import pytest

import harness
from harness import Definitions, Validator
from harness.engine.candidate import Limits
from harness.engine.checks import Evidence, finding, judge
from harness.engine.checks.evidence import not_fhir
from harness.engine.checks.searchset import range_text
from harness.engine.client import classify
from harness.engine.codec import decode, encode
from harness.engine.content import NotJSON, parse
from harness.engine.exchange import Exchange, Request, Response
from harness.engine.text import inert
from harness.engine.tunnel import ProxyRefusal
from harness.engine.verdict import Verdict
from harness.errors import HarnessError
from harness.reason import Reason, french, told
from harness.suite.expressions import Scope, expand
from harness.suite.paths import apply

ROOT = Path(harness.__file__).parent
SAID = {
    "CandidateError",
    "ExpectationFault",
    "NotJSON",
    "ReplayError",
    "ExpressionError",
    "TokenError",
    "ProxyRefusal",
    "TooLarge",
    "UnreadEncoding",
    "_CertificateChanged",
}
"""What becomes part of a finding when it is raised during a run."""
DURING_A_RUN = sorted((ROOT / "engine").rglob("*.py")) + [
    ROOT / "suite" / f"{name}.py" for name in ("expressions", "paths", "patterns")
]


@pytest.mark.parametrize("path", DURING_A_RUN, ids=lambda path: path.stem)
def test_an_error_that_becomes_a_finding_is_raised_in_both_languages(path: Path) -> None:
    english = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") in SAID
        and len(node.args) < 2
        and not any(isinstance(argument, ast.Starred) for argument in node.args)
    ]
    assert not english, f"{path}: say these in French, too: lines {english}"


def test_a_reason_stands_in_each_message_in_its_language() -> None:
    one = finding("step", Verdict.ERROR, found=inert(Reason("it is\x07 broken", "c'est  cassé")))
    assert one.message == "the step cannot be carried out: it is\\u0007 broken"
    assert one.message_fr == "l'étape ne peut pas être jouée : c'est cassé"
    assert one.found == "it is\\u0007 broken"


def test_an_error_keeps_its_french_in_what_is_told_of_it() -> None:
    assert french(told(HarnessError("red", "rouge"))) == "rouge"
    assert french(told(HarnessError("red"))) == "red"
    assert french(told(ValueError("red"))) == "red"
    assert french("red") == "red"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a":', "ce n'est pas du JSON : une valeur est attendue ici (ligne 1, colonne 6)"),
        (b"\xff", "ce n'est pas de l'UTF-8 (octet 0)"),
        (b'{"a": NaN}', "NaN n'est pas une valeur JSON"),
        (b'{"a": 1, "a": 2}', "le nom « a » figure deux fois dans un objet"),
        (b'{"a": "\\ud800"}', "un texte contient la moitié d'une paire de substitution, qui n'est pas un caractère"),
        (b"[" * 151 + b"]" * 151, "c'est imbriqué sur plus de 150 niveaux"),
    ],
)
def test_a_body_that_is_no_json_is_told_in_french(body: bytes, said: str) -> None:
    with pytest.raises(NotJSON) as raised:
        parse(body)
    assert raised.value.message_fr == said
    told_ = not_fhir(0, Response(200, (), body)).message_fr
    assert told_.startswith("la réponse n'est pas une ressource FHIR : 200 sans Content-Type : ")
    assert told_.endswith(f"({inert(said)})")


def test_a_condition_that_cannot_be_judged_says_why_in_french() -> None:
    definitions = Definitions.embedded()
    response = Response(200, (), b'{"resourceType": "Patient"}')
    exchange = Exchange(Request("GET", "http://x.test/Patient/1"), "2026-01-01T00:00:00.000Z", 0.2, response)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    evidence = Evidence((exchange,), "http://x.test", Validator(definitions), definitions, now)
    result = judge("that", ["name.single() +"], "SHALL", evidence)
    assert "l'attente ne peut pas être jugée : FHIRPath, ligne 1" in result.findings[0].message_fr
    result = judge("that", ["(1 | 2) + 1"], "SHALL", evidence)
    assert result.findings[0].message_fr.endswith(": FHIRPath + : au plus un élément est attendu, 2 trouvés")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${pattient.id}", "${pattient.id} : rien ne s'appelle « pattient » ; vouliez-vous dire « patient » ?"),
        ("${patient.x}", "${patient.x} : « x » n'existe pas"),
        (
            "${patient.many.x}",
            "${patient.many.x} : « x » n'existe pas, c'est une liste : dire quel élément avec [n]",
        ),
        ("a ${patient}", "${patient} est un objet et ne peut s'écrire dans un texte ; en nommer une valeur"),
    ],
)
def test_an_expression_that_does_not_resolve_is_told_in_french(text: str, said: str) -> None:
    with pytest.raises(HarnessError) as raised:
        expand(text, Scope({"variables": {"patient": {"many": [1]}}}))
    assert raised.value.message_fr == said


def test_a_change_that_does_not_fit_is_told_in_french() -> None:
    with pytest.raises(HarnessError) as raised:
        apply({"name": [{}]}, {"name.family": "A"})
    assert raised.value.message_fr == (
        "impossible d'écrire name.family : « family » est demandé à une liste de 1 (dire quel élément avec [n])"
    )


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (httpcore.ConnectTimeout(), "timeout", "pas de connexion en 5 s"),
        (httpcore.ReadTimeout(), "timeout", "rien n'est venu pendant 20 s"),
        (httpcore.ConnectError("refused"), "connect", "la connexion est refusée ou impossible : refused"),
        (TimeoutError(), "timeout", "pas de réponse complète en 60 s"),
        (httpcore.ReadError(), "connection-lost", "la connexion a été fermée avant la fin de la réponse"),
        (httpcore.RemoteProtocolError("bad"), "protocol", "la réponse n'est pas du HTTP/1.1 lisible : bad"),
        (ProxyRefusal("no", "non", 403), "connect", "la connexion est refusée ou impossible : non"),
    ],
)
def test_what_stopped_an_exchange_is_told_in_french(problem: Exception, code: str, said: str) -> None:
    limits = Limits(connect=5, read=20, total=60)
    found, message = classify(problem, limits)
    assert (found, message.fr) == (code, said)
    assert message != said


def test_the_french_of_what_stopped_an_exchange_is_recorded_and_read_again() -> None:
    request = Request("GET", "http://x.test/")
    lost = Exchange(request, "2026-01-01T00:00:00.000Z", 0.2, None, "refused", "connect", error_fr="refusé")
    read = decode(Exchange, encode(lost))
    assert french(read.fault) == "refusé"
    assert french(replace(read, error_fr=None).fault) == "refused"


@pytest.mark.parametrize(
    ("wanted", "en", "fr"),
    [
        (2, "2", "2"),
        ({"min": 1}, "at least 1", "au moins 1"),
        ({"max": 3}, "at most 3", "au plus 3"),
        ({"min": 1, "max": 3}, "1 to 3", "1 à 3"),
    ],
)
def test_a_range_is_told_in_french(wanted: object, en: str, fr: str) -> None:
    assert (str(range_text(wanted)), range_text(wanted).fr) == (en, fr)
