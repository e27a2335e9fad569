"""Hints are told as long as somebody may read them, and looking for them takes no time that counts."""

from harness import Definitions, Validator
from harness.validation.hints import MOST


def hints_for(*names):
    outcome = Validator(Definitions.embedded()).validate({"resourceType": "Patient", **dict.fromkeys(names, True)})
    return [issue.expected for issue in outcome.issues if issue.rule == "unknown-element"]


def test_a_word_is_hinted_at_until_too_much_is_wrong():
    found = hints_for(*(f"activ{number}" for number in range(MOST + 8)))
    assert found[:10] == ["active"] * 10
    assert found[MOST:] == [None] * 8


def test_a_word_without_end_is_none_that_was_meant():
    assert hints_for("actives") == ["active"]
    assert hints_for("active" * 1_000_000) == [None]
