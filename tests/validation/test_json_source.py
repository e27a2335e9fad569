"""Text that is no JSON: what is wrong, where, in both languages; surrogates; numbers without end."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import Definitions, Validator
from harness.validation.json_source import Problem, read


@pytest.mark.parametrize(
    ("text", "en", "fr"),
    [
        ('{"a":', "a value is expected here (line 1, column 6)", "une valeur est attendue ici (ligne 1, colonne 6)"),
        ("{\n 'a'", "a key in double quotes is expected here (line 2, column 2)", "(ligne 2, colonne 2)"),
        ('{"a" 1}', "a colon is expected here", "un deux-points est attendu ici"),
        ("[1 2]", "a comma is expected here", "une virgule est attendue ici"),
        ('["\x01"]', "this control character must be escaped", "doit être échappé"),
        ('["\\q"]', "JSON has no such escape", "n'existe pas en JSON"),
        ('["\\u00"]', "four hexadecimal digits", "quatre chiffres hexadécimaux"),
        ('["a', "does not end (line 1, column 2)", "ne se termine pas"),
        ("{}{}", "more text after the value (line 1, column 3)", "du texte suit la valeur"),
        ("[NaN]", "NaN is no number of JSON", "NaN n'est pas un nombre en JSON"),
        (b"\xff", "it is not UTF-8 (byte 0)", "ce n'est pas de l'UTF-8 (octet 0)"),
        ('{\n"a":"\\uD83D"}', "\\uD83D is half of a surrogate pair, no character (line 2, column 6)", "la moitié"),
    ],
)
def test_what_is_no_json_is_told_in_both_languages(text: str | bytes, en: str, fr: str) -> None:
    value, problems = read(text)
    assert value is None
    (problem,) = problems
    assert problem.rule == "json-syntax"
    assert en in str(problem.detail)
    assert fr in str(problem.detail_fr)


def test_a_number_without_end_is_told_in_our_words() -> None:
    assert read('{"a": ' + "1" * 5000 + "}") == (None, [Problem("json-number", expected="4300")])
    (issue,) = Validator(Definitions.embedded()).validate('{"a": ' + "1" * 5000 + "}").issues
    assert "sys." not in issue.message
    assert "plus de 4300 chiffres" in issue.text("fr")


def test_half_a_surrogate_pair_is_no_character() -> None:
    validator = Validator(Definitions.embedded(), lang="fr")
    outcome = validator.validate(b'{"resourceType":"Patient","name":[{"family":"\\ud800"}]}')
    assert [issue.rule for issue in outcome.issues] == ["json-syntax"]
    assert "est la moitié d'une paire" in outcome.issues[0].message
    assert validator.validate(b'{"resourceType":"Patient","name":[{"family":"\\ud83d\\ude00"}]}').ok


@given(st.text(alphabet=st.sampled_from(["\\", "u", "d", "8", "0", '"', "\ud800", "\udc00", "\U0001f600", "é"])))
def test_only_lone_surrogates_are_refused(text: str) -> None:
    joined = json.loads(json.dumps(text))
    lone = any(0xD800 <= ord(letter) <= 0xDFFF for letter in joined)
    value, problems = read(json.dumps({"a": text}))
    assert [problem.rule for problem in problems] == (["json-syntax"] if lone else [])
    assert value == (None if lone else {"a": joined})
