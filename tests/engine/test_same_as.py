"""Comparison is exact: types, digits, order."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.checks.same_as import covers, differences, lacks, parse, same_value

SCALARS = st.one_of(st.booleans(), st.integers(-5, 5), st.decimals(-5, 5, places=2), st.text(max_size=3))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
)


@given(VALUES)
def test_everything_is_the_same_as_itself(value):
    assert list(differences(value, value)) == []


@given(VALUES, VALUES)
def test_differences_are_the_same_from_both_sides(one, other):
    mirror = {"missing": "added", "added": "missing", "changed": "changed"}
    there = [(code, path) for code, path, *_ in differences(one, other)]
    back = [(mirror[code], path) for code, path, *_ in differences(other, one)]
    assert sorted(there, key=repr) == sorted(back, key=repr)


@given(st.lists(SCALARS, max_size=4), st.randoms(use_true_random=False))
def test_lists_without_order_are_multisets(items, random):
    shuffled = list(items)
    random.shuffle(shuffled)
    assert list(differences({"extension": items}, {"extension": shuffled})) == []
    assert list(differences({"meta": {"tag": items}}, {"meta": {"tag": shuffled}})) == []
    if shuffled:
        assert len(list(differences({"extension": items}, {"extension": shuffled[1:]}))) == 1


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        (1, True, False),
        (0, False, False),
        (1, "1", False),
        (71, Decimal("71"), True),
        (71, Decimal("71.0"), False),
        (Decimal("71.50"), Decimal("71.5"), False),
        (Decimal("71.50"), Decimal("71.50"), True),
        (None, False, False),
        (None, None, True),
        ("2026-01-31T10:00:00Z", "2026-01-31T11:00:00+01:00", True),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:01Z", False),
        ("2026-01-31", "2026-01", False),
        ("2026-01-31", "2026-01-31T00:00:00Z", False),
        ("T", "T ", False),
        ({}, [], False),
    ],
)
def test_values(wanted, found, same):
    assert same_value(wanted, found) is same
    assert same_value(found, wanted) is same


def test_order_counts_and_counts_count():
    assert [code for code, *_ in differences(["a", "b"], ["b", "a"])] == ["changed", "changed"]
    assert [(code, path) for code, path, *_ in differences({"n": ["a", "a"]}, {"n": ["a"]})] == [("missing", ("n", 1))]


@given(VALUES, VALUES)
def test_what_lacks_nothing_may_still_have_more(value, other):
    assert list(lacks(value, value)) == []
    assert list(lacks({"a": value}, {"a": value, "more": other})) == []
    assert list(lacks([value], [other, value])) == []
    if not list(differences(value, other)):
        assert list(lacks(value, other)) == []


@pytest.mark.parametrize(
    ("wanted", "found", "lacking"),
    [
        ({"a": 1}, {}, [("missing", ("a",))]),
        ({"a": 1}, {"a": True}, [("changed", ("a",))]),
        ({"a": [1, 2]}, {"a": [2, 3, 1]}, []),
        ({"a": [1, 1]}, {"a": [1, 2]}, [("missing", ("a", 1))]),
        ([{"a": 1}, {"a": 1, "b": 2}], [{"a": 1, "b": 2}, {"a": 1}], []),
        ([{"a": 1}, {"a": 1, "b": 2}], [{"a": 1, "b": 3}, {"a": 1}], [("missing", (1,))]),
        ([None, {"url": "u"}], [{"url": "u"}], []),
        ({"a": []}, {"a": {}}, [("changed", ("a",))]),
    ],
)
def test_each_item_of_a_list_needs_one_of_its_own(wanted, found, lacking):
    assert [(code, path) for code, path, *_ in lacks(wanted, found)] == lacking


@pytest.mark.parametrize(
    ("prefix", "path", "covered"),
    [
        ("meta", ("meta", "versionId"), True),
        ("id", ("identifier",), False),
        ("identifier.value", ("identifier", 1, "value"), True),
        ("identifier[0].value", ("identifier", 1, "value"), False),
        ("identifier[1]", ("identifier", 1, "value"), True),
        ("meta.tag", ("meta",), False),
    ],
)
def test_paths(prefix, path, covered):
    assert covers(parse(prefix), path) is covered
