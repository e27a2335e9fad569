"""Expressions: what they give, what they refuse, and the law that escaping undoes expanding."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.suite.expressions import (
    ROOTS,
    Random,
    Reference,
    Scope,
    Template,
    Time,
    escape,
    expand,
    expand_variables,
    references,
    safe_header,
    safe_url,
)
from harness.suite.problem import ExpressionError

NOW = datetime(2026, 1, 31, 8, 30, 15, 250_000, UTC)
SCOPE = Scope(
    {
        "candidate": {"identities": {"default": {"identifier": {"system": "urn:s", "value": "7"}}}},
        "fixtures": {"weight": {"resourceType": "Observation", "value": Decimal("71.50"), "code": [{"a": True}]}},
        "variables": {"patient": {"token": "urn:s|7"}, "shared": "variable", "count": 3},
        "time": Time(NOW),
        "random": Random(1, "set", "test"),
    }
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${patient.token}", "urn:s|7"),
        ("${variables.patient.token}", "urn:s|7"),
        ("${candidate.identities.default.identifier}", {"system": "urn:s", "value": "7"}),
        ("${fixtures.weight.value}", Decimal("71.50")),
        ("${ count }", 3),
        ("Patient?n=${count}&w=${fixtures.weight.value}", "Patient?n=3&w=71.50"),
        ("${fixtures.weight.code[0].a}", True),
        ("is ${fixtures.weight.code[0].a}", "is true"),
        ("$${count} $$${count} $5 ${count}", "${count} $${count} $5 3"),
        ("${time.now}", "2026-01-31T08:30:15Z"),
        ("${time.now+1d-2h}", "2026-02-01T06:30:15Z"),
        ("${time.instant}", "2026-01-31T08:30:15.250+00:00"),
        ("${time.today-1w}", "2026-01-24"),
        ("${time.month+1d} ${time.year}", "2026-02 2026"),
        ("", ""),
    ],
)
def test_expansion(text: str, value: object) -> None:
    expanded = expand(text, SCOPE)
    assert expanded == value
    assert type(expanded) is type(value)


def test_expansion_reaches_every_string_and_leaves_keys_and_other_values() -> None:
    value = {"${count}": ["${count}", {"a": 1, "b": None}], "c": True}
    assert expand(value, SCOPE) == {"${count}": [3, {"a": 1, "b": None}], "c": True}


def test_inner_names_come_first() -> None:
    scope = SCOPE.child(saved={"id": "1"}).child(saved={"shared": "saved", "id": "2"})
    assert expand("${shared} ${variables.shared} ${id} ${saved.id}", scope) == "saved variable 2 2"
    assert expand("${saved}", scope) == {"shared": "saved", "id": "2"}


def test_what_an_expression_gives_is_not_expanded_again() -> None:
    assert expand("${saved.x}", SCOPE.child(saved={"x": "${count}"})) == "${count}"


def test_variables_may_use_those_before_them() -> None:
    assert expand_variables({"a": "${count}", "b": "${a}/${a}"}, SCOPE) == {"a": 3, "b": "3/3"}
    with pytest.raises(ExpressionError, match='nothing is called "later"'):
        expand_variables({"a": "${later}", "later": 1}, SCOPE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${patient.tokne}", 'did you mean "token"'),
        ("${patiant.token}", 'nothing is called "patiant"; did you mean "patient"'),
        ("${fixtures.wieght}", 'did you mean "weight"'),
        ("${fixture.weight}", 'did you mean "fixtures"'),
        ("${fixtures.weight.code.a}", r"say which item with \[n\]"),
        ("${fixtures.weight.code[3]}", "a list of 1"),
        ("${count[0]}", "not a list"),
        ("${count.x}", '"x" is not there'),
        ("a ${patient}", "is an object"),
        ("a ${fixtures.weight.code}", "is a list"),
        ("${count", "not closed"),
        ("${}", "not an expression"),
        ("${a + b}", "not an expression"),
        ("${a${b}}", "not an expression"),
        ("${time}", "time needs one name"),
        ("${time.then}", "time has no"),
        ("${time.now+1y}", "an offset is"),
        ("${time.now+999999999w}", "outside of the years"),
        ("${random.dice}", "random has no"),
        ("${random}", "random has no"),
        ("${each.row}", '"row" is not there'),
    ],
)
def test_refusals_name_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        expand(text, SCOPE)


def test_a_scope_refuses_an_unknown_root() -> None:
    with pytest.raises(ExpressionError, match='did you mean "saved"'):
        Scope({"save": {}})


def test_time_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Time(datetime(2026, 1, 1))


def test_random_values_are_stable_and_told_apart() -> None:
    one, again, other = Random(1, "set", "a"), Random(1, "set", "a"), Random(1, "set", "b")
    paths = [("uuid",), ("uuid", "second"), ("int",), ("token",)]
    values = [one.provide(path) for path in paths]
    assert values == [again.provide(path) for path in paths]
    assert len({*values, *(other.provide(path) for path in paths), *(Random(2).provide(path) for path in paths)}) == 12
    assert 0 <= int(values[2]) < 2**31


def test_references_are_found_at_any_depth() -> None:
    assert [found.text for found in references({"a": ["${x.y}", 1, {"b": "$${no} ${z}"}]})] == ["x.y", "z"]
    assert Reference.parse("a.b[2].c-d").path == ("a", "b", 2, "c-d")


@given(st.text(alphabet=st.sampled_from("${}ab. ")) | st.text())
def test_expanding_undoes_escaping(text: str) -> None:
    assert expand(escape(text), SCOPE) == text


@given(st.text(alphabet=st.sampled_from("${}ab.[0] ")) | st.text())
def test_any_text_is_a_template_or_is_refused(text: str) -> None:
    try:
        template = Template.parse(text)
    except ExpressionError:
        assert "${" in text
    else:
        assert all(isinstance(part, str) or part.root not in ROOTS or part.path for part in template.parts)


@given(st.text())
def test_a_header_that_passes_is_one_line(value: str) -> None:
    try:
        passed = safe_header("X-Test", value)
    except ExpressionError:
        return
    assert passed == value
    assert len(f"a{passed}z".splitlines()) == 1
    assert not any(ord(char) < 32 and char != "\t" for char in passed)
    assert passed.encode("latin-1").decode("latin-1") == passed


@pytest.mark.parametrize("bad", ["a\r\nSet-Cookie: x", "a\n", "\0", "a\x85b", "\u2028", "\x7f", "é\u20ac"])
def test_headers_cannot_be_injected(bad: str) -> None:
    with pytest.raises(ExpressionError, match="cannot hold the character"):
        safe_header("X-Test", bad)


def test_the_name_of_a_header_is_a_token() -> None:
    with pytest.raises(ExpressionError, match="not the name of a header"):
        safe_header("X-Test: a\r\nY", "b")


@given(st.text())
def test_an_address_that_passes_has_no_space_or_control(value: str) -> None:
    try:
        passed = safe_url(value)
    except ExpressionError:
        return
    assert passed.split() in ([passed], [])
    assert passed.isprintable()
