"""Texts between slashes."""

import pytest

from harness.suite.patterns import pattern
from harness.suite.problem import ExpressionError


@pytest.mark.parametrize(("text", "value"), [('/^W\\/".+"$/', 'W/"1"'), ("/a/", "bab"), ("//", "")])
def test_between_slashes_is_an_expression_that_is_searched_for(text: str, value: str) -> None:
    compiled = pattern(text)
    assert compiled is not None
    assert compiled.search(value)


@pytest.mark.parametrize("text", ["", "/", "a", "/a", "a/", "application/fhir+json"])
def test_anything_else_is_an_exact_text(text: str) -> None:
    assert pattern(text) is None


@pytest.mark.parametrize("text", ["/(/", "/[/", "/*/", "/a{2,1}/"])
def test_what_does_not_compile_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="is not a regular expression"):
        pattern(text)
