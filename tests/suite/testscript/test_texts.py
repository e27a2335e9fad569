"""Relations of texts as regular expressions of ``expect``, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.checks.headers import value_matches
from harness.suite.testscript import CannotBeSaid
from harness.suite.testscript.texts import pattern, read_back

OPERATORS = ["equals", "contains", "notContains", "notEquals", "in", "notIn"]
LINES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=10)


def _related(operator: str, value: str, found: str) -> bool:
    options = [one.strip() for one in value.split(",") if one.strip()]
    return {
        "equals": found == value,
        "contains": value in found,
        "notContains": value not in found,
        "notEquals": found != value,
        "in": found in options,
        "notIn": found not in options,
    }[operator]


@given(st.sampled_from(OPERATORS), LINES.filter(lambda text: "${" not in text and text.strip(" ,")), LINES)
def test_a_relation_holds_where_it_holds(operator: str, value: str, other: str) -> None:
    written = pattern(operator, value)
    for found in (value, other, f"{other}{value}", value + other, value.partition(",")[0].strip()):
        if operator == "equals" and written in ("present", "absent"):
            continue
        assert value_matches(written, found) is _related(operator, value, found)


@given(st.sampled_from(OPERATORS), st.text("abc./^$|*() ,", min_size=1, max_size=8).filter(lambda one: one.strip(" ,")))
def test_what_was_written_means_the_same_when_it_is_read_back(operator: str, value: str) -> None:
    back = read_back(pattern(operator, value))
    assert back is not None
    assert pattern(*back) == pattern(operator, value)


def test_words_of_the_language_are_told_from_texts() -> None:
    assert pattern("equals", "present") == "/^present$/"
    assert pattern("equals", "/a/") == "/^/a/$/"
    assert read_back("present") == ("notEmpty", "")
    assert read_back("absent") == ("empty", "")
    assert read_back("/^(a|b+)$/") is None


@pytest.mark.parametrize(("operator", "value"), [("greaterThan", "1"), ("contains", "${x}"), ("in", " , ")])
def test_what_a_pattern_cannot_say_is_refused(operator: str, value: str) -> None:
    with pytest.raises(CannotBeSaid):
        pattern(operator, value)
