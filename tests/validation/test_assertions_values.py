"""Each assertion on values alone: what it lets pass, what it reports and where."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fhir.definitions import Definitions
from harness.validation.assertions.attachment import AttachmentRule
from harness.validation.assertions.cardinality import Cardinality
from harness.validation.assertions.element_id import ElementId
from harness.validation.assertions.fixed import Fixed, same
from harness.validation.assertions.identifier import IdentifierRule
from harness.validation.assertions.limits import Bound, Form, MaxLength, MinLength, MustHaveValue, compare, matches
from harness.validation.assertions.pattern import Pattern, contains
from harness.validation.assertions.texts import (
    AbsoluteUrl,
    CanonicalRule,
    CodeRule,
    MarkdownRule,
    StringRule,
    UriRule,
)
from harness.validation.location import root
from harness.validation.validator import Validator
from tests.validation.probe import ORIGIN, findings, issues, scope

JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
KG = {"system": "http://unitsofmeasure.org", "code": "kg"}
G = {**KG, "code": "g"}
CM = {**KG, "code": "cm"}


@pytest.mark.parametrize(
    ("least", "most", "value", "rule"),
    [
        (1, 1, {"a": 1}, None),
        (1, 1, {"_a": {"extension": []}}, None),
        (1, 1, {}, "min-cardinality"),
        (2, None, {"a": [1]}, "min-cardinality"),
        (0, 1, {"a": [1, 2]}, "max-cardinality"),
        (0, 0, {"a": 1}, "max-cardinality"),
        (0, None, {"a": [1] * 50}, None),
        (1, 1, {"a": None}, "min-cardinality"),
    ],
)
def test_cardinality(least: int, most: int | None, value: dict[str, Any], rule: str | None) -> None:
    found = issues(Cardinality(ORIGIN, (("a", "_a"),), least, most), value)
    assert [(i.rule, i.expression, i.profile, i.definition) for i in found] == (
        [(rule, "Thing", ORIGIN.profile, ORIGIN.element)] if rule else []
    )


def test_cardinality_of_a_choice_counts_all_its_keys() -> None:
    choice = Cardinality(ORIGIN, (("valueString", "_valueString"), ("valueCode", "_valueCode")), 1, 1)
    assert findings(choice, {"valueCode": "a"}) == []
    assert findings(choice, {"valueCode": "a", "valueString": "a"}) == [("max-cardinality", "Thing")]
    assert choice.dump() == {"cardinality": "1..1", "element": "Thing.part"}


@pytest.mark.parametrize(
    ("expected", "value", "found"),
    [
        ("a", "a", []),
        ("a", "b", [("fixed-value", "Thing")]),
        (1, True, [("fixed-value", "Thing")]),
        (Decimal("1.0"), 1, []),
        ({"s": "x"}, {"s": "x"}, []),
        ({"s": "x"}, {"s": "y"}, [("fixed-value", "Thing.s")]),
        ({"s": "x"}, {}, [("fixed-value", "Thing.s")]),
        ({"s": "x"}, {"s": "x", "t": "y"}, [("fixed-extra", "Thing.t")]),
        ([1], [1, 1], [("fixed-value", "Thing")]),
        ({"l": [{"a": 1}, {"a": 2}]}, {"l": [{"a": 1}, {"a": 3}]}, [("fixed-value", "Thing.l[1].a")]),
        ({"l": [1]}, {"l": [1, 1]}, [("fixed-value", "Thing")]),
    ],
)
def test_fixed(expected: Any, value: Any, found: list[tuple[str, str]]) -> None:
    fixed = Fixed(ORIGIN, expected)
    assert findings(fixed, value) == found
    assert fixed.matches(value) is not bool(found)
    assert fixed.dump() == {"fixed": expected}


@pytest.mark.parametrize(
    ("expected", "value", "found"),
    [
        ("a", "b", [("pattern", "Thing")]),
        ({"s": "x"}, {"s": "x", "t": "y"}, []),
        ({"s": "x", "t": "y"}, {"s": "x"}, [("pattern", "Thing.t")]),
        ({"c": [{"s": "x"}]}, {"c": [{"s": "z"}, {"s": "x", "t": "y"}]}, []),
        ({"c": [{"s": "x"}]}, {"c": [{"s": "z"}]}, [("pattern", "Thing")]),
        ({"c": [{"s": "x"}]}, {}, [("pattern", "Thing")]),
        ({"q": {"v": 1}}, {"q": {"v": True}}, [("pattern", "Thing.q.v")]),
    ],
)
def test_pattern(expected: Any, value: Any, found: list[tuple[str, str]]) -> None:
    pattern = Pattern(ORIGIN, expected)
    assert findings(pattern, value) == found
    assert pattern.matches(value) is not bool(found)
    assert pattern.dump() == {"pattern": expected}


@given(JSON)
def test_every_value_is_the_same_as_and_contains_itself(value: Any) -> None:
    assert same(value, value)
    assert contains(value, value)
    assert findings(Fixed(ORIGIN, value), value) == findings(Pattern(ORIGIN, value), value) == []


@given(JSON, JSON)
def test_what_is_fixed_is_contained_too(value: Any, expected: Any) -> None:
    assert same(value, expected) is same(expected, value)
    assert not same(value, expected) or contains(value, expected)
    assert bool(findings(Fixed(ORIGIN, expected), value)) is not same(value, expected)
    assert bool(findings(Pattern(ORIGIN, expected), value)) is not contains(value, expected)


@pytest.mark.parametrize(
    ("sign", "bound", "value", "rule"),
    [
        (-1, 5, 5, None),
        (-1, 5, 4, "min-value"),
        (1, 5, Decimal("5.0001"), "max-value"),
        (-1, "2020-01-01", "2019-12-31", "min-value"),
        (1, "2020-06", "2020", "value-not-comparable"),
        (-1, {"value": 1, **KG}, {"value": 999, **G}, "min-value"),
        (-1, {"value": 1, **KG}, {"value": 1000, **G}, None),
        (1, {"value": 1, **KG}, {"value": 3, **CM}, "value-other-dimension"),
        (1, {"value": 1, **KG}, {"value": 3, "unit": "Stein"}, "value-not-comparable"),
        (1, {"value": 1, **KG}, {"unit": "kg"}, "value-not-comparable"),
        (1, 5, None, None),
    ],
)
def test_bound(sign: int, bound: Any, value: Any, rule: str | None) -> None:
    found = issues(Bound(ORIGIN, bound, sign), value)
    assert [i.rule for i in found] == ([rule] if rule else [])
    assert all(i.undecided is (i.rule == "value-not-comparable") for i in found)


@given(st.decimals(allow_nan=False, allow_infinity=False), st.decimals(allow_nan=False, allow_infinity=False))
def test_comparison_of_numbers_is_that_of_decimals(left: Decimal, right: Decimal) -> None:
    assert compare(left, right) == (left > right) - (left < right)


@pytest.mark.parametrize(("value", "found"), [("abc", []), ("abcd", [("max-length", "Thing")]), ("é" * 3, []), (7, [])])
def test_max_length(value: Any, found: list[tuple[str, str]]) -> None:
    assert findings(MaxLength(ORIGIN, 3), value) == found


@pytest.mark.parametrize(
    ("assertion", "value", "rules"),
    [
        (MinLength(ORIGIN, 3), "ab", ["min-length"]),
        (MinLength(ORIGIN, 3), "abc", []),
        (MinLength(ORIGIN, 3), None, []),
        (Form(ORIGIN, "[A-Z]+"), "AB", []),
        (Form(ORIGIN, "[A-Z]+"), "ABc", ["text-form"]),
        (Form(ORIGIN, "[A-Z"), "ABc", []),
        (Form(ORIGIN, "[A-Z]+"), None, []),
        (MustHaveValue(ORIGIN), None, ["value-needed"]),
        (MustHaveValue(ORIGIN), False, []),
    ],
)
def test_what_extensions_ask_of_a_text(
    assertion: MinLength | Form | MustHaveValue, value: Any, rules: list[str]
) -> None:
    assert [rule for rule, _ in findings(assertion, value)] == rules
    assert len(assertion.dump()) == 1


@pytest.mark.parametrize(("pattern", "value"), [("(a+)+b", "a" * 40), ("(", "a"), ("a*", "a" * 1001)])
def test_a_pattern_that_might_take_for_ever_tells_nothing(pattern: str, value: str) -> None:
    assert matches(pattern, value) is None


@pytest.mark.parametrize(
    ("rule", "good", "bad", "code"),
    [
        (CanonicalRule(), ["https://x/a", "urn:oid:1.2"], ["a/b", "a"], "canonical-relative"),
        (AbsoluteUrl(), ["https://x/a", "urn:a"], ["a", "/a", "#a", "a: b"], "canonical-relative"),
        (
            UriRule(),
            ["urn:oid:1.2.3", "oi", "urn:other:x"],
            ["oid:1.2", "urn:oid:9.9", "urn:uuid:1"],
            "primitive-format",
        ),
        (CodeRule(), ["a b", "a", "é"], ["a\tb", "a\nb", "a\u00a0b"], "primitive-format"),
        (StringRule(), ["a b", ""], [" a", "a\n"], "primitive-whitespace"),
        (MarkdownRule(), ["a < b", "`<b>`", "<https://x/a>", "<me@x.fr>"], ["<b>x</b>", "<!-- x -->"], "markdown-html"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "check") else "",
)
def test_texts(rule: Any, good: list[str], bad: list[str], code: str) -> None:
    assert [findings(rule, text) for text in good] == [[]] * len(good)
    assert [{c for c, _ in findings(rule, text)} for text in bad] == [{code}] * len(bad)
    assert findings(rule, 3) == []


@pytest.mark.parametrize("rule", [CanonicalRule(), UriRule()])
def test_a_fragment_leads_to_something_in_the_resource(rule: Any) -> None:
    around = scope({"contained": [{"resourceType": "ValueSet", "id": "a"}], "name": [{"id": "b"}]})
    assert [findings(rule, text, around) for text in ("#a", "#b", "#")] == [[], [], []]
    assert findings(rule, "#c", around) == [("fragment-unresolved", "Thing")]
    assert "text" in rule.dump()


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"size": 3, "data": "YWJj"}, False),
        ({"size": 1, "data": "YQ=="}, False),
        ({"size": 3, "data": "YW\nJj"}, False),
        ({"size": 4, "data": "YWJj"}, True),
        ({"size": 4}, False),
        ({"data": "YWJj"}, False),
    ],
)
def test_attachment_size(value: dict[str, Any], wrong: bool) -> None:
    assert [rule for rule, _ in findings(AttachmentRule(), value)] == ["attachment-size"] * wrong


@pytest.mark.parametrize(
    ("value", "rules"),
    [
        ({"data": "aGVsbG8=", "hash": "qvTGHdzF6KLavt4PO0gs2a6pQ00="}, []),
        ({"url": "https://x/a", "hash": "qvTGHdzF6KLavt4PO0gs2a6pQ00="}, []),
        ({"data": "aGVsbG8=", "hash": "AAAAHdzF6KLavt4PO0gs2a6pQ00="}, ["attachment-hash"]),
        ({"data": "aGVsbG8=", "hash": "AAAA"}, ["attachment-hash"]),
        ({"hash": "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"}, ["attachment-hash-form"]),
        ({"data": "..."}, ["attachment-data"]),
    ],
)
def test_attachment_hash(value: dict[str, Any], rules: list[str]) -> None:
    assert [rule for rule, _ in findings(AttachmentRule(), value)] == rules


def test_element_ids_are_unique_in_a_resource() -> None:
    around, rule = scope(), ElementId()
    for name in ("a", "b", "a"):
        rule.check("one" if name != "b" else "two", ((root("Thing"), name, -1), "id", -1), around)
    rule.check("one", ((root("Thing"), "c", -1), "id", -1), around)
    assert [(i.rule, i.expression) for i in around.session.issues] == [("duplicate-id", "Thing.c")]


@pytest.mark.parametrize(
    ("value", "rules"),
    [
        ({"system": "urn:oid:1.2", "value": "x"}, []),
        ({"value": "x"}, []),
        ({"system": "me", "value": "x"}, ["identifier-system-relative"]),
        ({"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"}, []),
        ({"system": "urn:ietf:rfc:3986", "value": "1234"}, ["identifier-not-uri"]),
    ],
)
def test_identifier(value: dict[str, Any], rules: list[str]) -> None:
    assert [rule for rule, _ in findings(IdentifierRule(), value)] == rules


def test_the_source_of_a_resource_may_end_with_a_request() -> None:
    patient = {"resourceType": "Patient", "meta": {"source": "#4Eg4Yd9as"}, "name": [{"family": "A"}]}
    assert list(Validator(Definitions.embedded()).validate(patient).errors) == []
