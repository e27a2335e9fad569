"""FHIRPath's grammar: precedence, positions in errors, and the way to text and back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.parser import POWER, parse
from harness.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Indexer,
    Literal,
    Member,
    Node,
    Polarity,
    Special,
    TypeOperation,
    Variable,
    render,
)
from harness.fhir.fhirpath.values import Quantity
from harness.fhir.primitives import temporal


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("a or b and c", "a or (b and c)"),
        ("a implies b or c", "a implies (b or c)"),
        ("a implies b implies c", "(a implies b) implies c"),
        ("a = b | c", "a = (b | c)"),
        ("a | b is c", "a | (b is c)"),
        ("a + b is c", "(a + b) is c"),
        ("a < b = c", "(a < b) = c"),
        ("a in b and c", "(a in b) and c"),
        ("a & b + c * d", "(a & b) + (c * d)"),
        ("-a.b[0] * c", "(-(a.b[0])) * c"),
        ("a - b - c", "(a - b) - c"),
        ("a div b mod c", "(a div b) mod c"),
    ],
)
def test_precedence(text: str, grouped: str) -> None:
    assert parse(text) == parse(grouped)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("text.`div`", Member(Member(None, "text"), "div")),
        (r"'it\'s\n\u00e9 \d'", Literal("it's\né \\d")),
        ("4 'mg'", Literal(Quantity(Decimal(4), "mg"))),
        ("4.0 days", Literal(Quantity(Decimal("4.0"), "day", calendar=True))),
        ("1.10", Literal(Decimal("1.10"))),
        ("@2020-01", Literal(temporal("2020-01"))),
        ("@T10:30", Literal(temporal("T10:30"))),
        ("@2020-01-01T10:00:00+02:00", Literal(temporal("2020-01-01T10:00:00+02:00"))),
        ("{}", Literal(None)),
        ("%`vs-a b`", Variable("vs-a b")),
        ("$this.is(System.String)", Call(Special("this"), "is", (Member(Member(None, "System"), "String"),))),
        ("a /* one */ . // two\n b", Member(Member(None, "a"), "b")),
        ("as.is", Member(Member(None, "as"), "is")),
    ],
)
def test_terms(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a.exists() and\n  (b", "line 2, column 5"),
        ("a b", "line 1, column 3"),
        ("a.", "line 1, column 3"),
        ("a ~~ b", "line 1, column 4"),
        ("'open", "line 1, column 1"),
        ("a.$this", "line 1, column 3"),
        ("a # b", "line 1, column 3"),
        ("@2020-13", "line 1, column 1"),
        ("a.where(b,)", "line 1, column 11"),
        ("a is 5", "line 1, column 6"),
        ("%5", "line 1, column 2"),
        ("and", "line 1, column 1"),
        ("", "line 1, column 1"),
    ],
)
def test_what_does_not_parse_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(FHIRPathError, match=place):
        parse(text)


@pytest.mark.parametrize("text", ["(" * 5000 + "a" + ")" * 5000, "-" * 5000 + "1", "a[" * 5000])
def test_deep_nesting_is_refused_and_does_not_break_the_interpreter(text: str) -> None:
    with pytest.raises(FHIRPathError, match="nesting"):
        parse(text)


NAMES = st.one_of(
    st.sampled_from(["a", "name", "div", "true", "is", "contains", "x y"]), st.text(min_size=1, max_size=5)
)
LITERALS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 10**12),
    st.decimals(0, 1000, places=3),
    st.text(max_size=8),
    st.sampled_from([temporal("2020"), temporal("2020-01-02T03:04:05.006Z"), temporal("T10:00")]),
    st.sampled_from([Quantity(Decimal(1), "mg"), Quantity(Decimal("2.50"), "year", calendar=True)]),
).map(Literal)
OPERATORS = st.sampled_from(sorted(POWER.keys() - {"is", "as"}))
LEAVES = st.one_of(
    LITERALS,
    NAMES.map(Variable),
    st.sampled_from(["this", "index", "total"]).map(Special),
    NAMES.map(lambda name: Member(None, name)),
)


def _larger(trees: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(Member, trees, NAMES),
        st.builds(Call, st.one_of(st.none(), trees), NAMES, st.lists(trees, max_size=3).map(tuple)),
        st.builds(Indexer, trees, trees),
        st.builds(Polarity, st.sampled_from("+-"), trees),
        st.builds(Binary, OPERATORS, trees, trees),
        st.builds(TypeOperation, st.sampled_from(["is", "as"]), trees, st.sampled_from(["Patient", "System.String"])),
    )


@given(st.recursive(LEAVES, _larger, max_leaves=12))
def test_a_tree_survives_its_own_text(tree: Node) -> None:
    assert parse(render(tree)) == tree


@given(st.text(alphabet="ab.()[]'`\"%$@0123456789-+*/|&<>=!~{},\\ \nT:", max_size=40))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        tree = parse(text)
    except FHIRPathError:
        return
    assert parse(render(tree)) == tree
