"""Comparisons as FHIRPath: they hold of what they should, fail of the rest, and no value becomes part of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fhir.fhirpath import Environment, compile_expression
from harness.suite.testscript import CannotBeSaid
from harness.suite.testscript.comparison import comparison, read_back, same_values
from tests.suite.testscript.examples import PATIENT

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = TEXTS.filter(lambda text: "${" not in text and text not in ("true", "false"))


def _holds(text: str, resource: dict[str, Any], **variables: Any) -> bool:
    return compile_expression(text).test(resource, Environment(variables=variables))


@pytest.mark.parametrize(
    ("expression", "operator", "value", "holds"),
    [
        ("id", "equals", "example", True),
        ("id", "equals", "exampl", False),
        ("id", "notEquals", "other", True),
        ("id", "notEquals", "example", False),
        ("id", "contains", "xam", True),
        ("id", "notContains", "xam", False),
        ("id", "in", "a, example", True),
        ("id", "in", "a,b", False),
        ("id", "notIn", "a,b", True),
        ("active", "equals", "true", True),
        ("active", "equals", "false", False),
        ("name.count()", "greaterThan", "1", True),
        ("name.count()", "lessThan", "1.5", False),
        ("name.count()", "equals", "2", True),
        ("birthDate", "greaterThan", "1980-01-01", True),
        ("birthDate", "lessThan", "1980-01", False),
        ("name.family", "equals", "ESSAI", False),
        ("name.family.first()", "equals", "ESSAI", True),
        ("gender", "equals", "female", False),
    ],
)
def test_a_comparison_holds_or_fails(expression: str, operator: str, value: str, holds: bool) -> None:
    assert _holds(comparison(expression, operator, value), PATIENT) is holds


@pytest.mark.parametrize(
    ("value", "holds"),
    [("${x}", True), ("ex${y}le", True), ("${y}", False), ("${x}${y}", False), ("exampl${z}", False)],
)
def test_a_variable_is_a_name_and_no_text(value: str, holds: bool) -> None:
    text = comparison("id", "equals", value)
    assert "${" not in text
    assert _holds(text, PATIENT, x="example", y="amp", z="' or true or '") is holds
    assert _holds(comparison("name.count()", "greaterThan", "${n}"), PATIENT, n="1") is True


@given(VALUES)
def test_a_value_is_compared_as_it_is(value: str) -> None:
    patient = {"resourceType": "Patient", "name": [{"text": value or "-"}]}
    assert _holds(comparison("name.text", "equals", value or "-"), patient)
    assert not _holds(comparison("name.text", "notEquals", value or "-"), patient)
    assert not _holds(comparison("name.text", "equals", f"{value or '-'}x"), patient)


@given(
    st.sampled_from(["name.family", "(a | b).first()", "where(x = ')')"]),
    st.sampled_from(["equals", "notEquals"]),
    VALUES,
)
def test_what_was_written_is_read_back(expression: str, operator: str, value: str) -> None:
    assert read_back(comparison(expression, operator, f"{value}${{x-1}}")) == (expression, operator, f"{value}${{x-1}}")


@pytest.mark.parametrize("text", ["id = %x", "(a).select(toString()) = b", "(a) or (b).select(toString()) = 'c'"])
def test_what_others_wrote_is_not_read_back(text: str) -> None:
    assert read_back(text) is None


@given(st.lists(VALUES.filter(str.strip), min_size=1, max_size=4), st.lists(VALUES.filter(str.strip), max_size=4))
def test_several_values_are_the_same_in_order(wanted: list[str], found: list[str]) -> None:
    patient = {"resourceType": "Patient", "name": [{"given": found}] if found else []}
    holds = all(_holds(text, patient) for text in same_values("name.given", wanted))
    assert holds is (wanted == found)


@pytest.mark.parametrize(("operator", "value"), [("greaterThan", "much"), ("lessThan", "1 000"), ("resembles", "x")])
def test_what_has_no_meaning_is_refused(operator: str, value: str) -> None:
    with pytest.raises(CannotBeSaid):
        comparison("id", operator, value)
