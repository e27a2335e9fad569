"""Paths into a resource: laws of ``apply``, and its refusals."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.suite.paths import apply, parse_path
from harness.suite.problem import ExpressionError

PATIENT = {
    "resourceType": "Patient",
    "name": [{"family": "Essai", "given": ["Anne", "Lou"]}],
    "gender": "female",
    "contact": [{"name": {"text": "x"}}],
}

names = st.sampled_from(["name", "given", "a", "b", "_birthDate", "x-y"])
segments = st.lists(st.tuples(names, st.booleans()), min_size=1, max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
resources = st.dictionaries(names, json_values, max_size=4)


def _path(parts: list[tuple[str, bool]]) -> str:
    return ".".join(name + ("[0]" if indexed else "") for name, indexed in parts)


def _at(value: Any, path: str) -> Any:
    for segment in parse_path(path):
        value = value[segment]
    return value


@given(resources)
def test_no_change_is_an_equal_deep_copy(resource: dict[str, Any]) -> None:
    copied = apply(resource, {})
    assert copied == resource
    assert copied is not resource


@given(resources, segments, json_values)
def test_what_is_set_is_there_and_the_original_is_untouched(
    resource: dict[str, Any], parts: list[tuple[str, bool]], value: Any
) -> None:
    before, path = copy.deepcopy(resource), _path(parts)
    try:
        changed = apply(resource, {path: value})
    except ExpressionError:
        changed = None
    assert resource == before
    if changed is not None:
        assert _at(changed, path) == value
        assert apply(changed, {path: value}) == changed


@given(resources, segments, json_values)
def test_removing_what_was_newly_set_gives_the_original(
    resource: dict[str, Any], parts: list[tuple[str, bool]], value: Any
) -> None:
    path = _path(parts)
    resource.pop(parts[0][0], None)
    assert apply(apply(resource, {path: value}), {}, [path]) == resource


@pytest.mark.parametrize(
    ("changes", "remove", "expected"),
    [
        ({"gender": "male"}, [], {"gender": "male"}),
        ({"name[0].given[1]": "Zoé"}, [], {"name": [{"family": "Essai", "given": ["Anne", "Zoé"]}]}),
        ({"name[0].given[+]": "Zoé"}, [], {"name": [{"family": "Essai", "given": ["Anne", "Lou", "Zoé"]}]}),
        (
            {"extension[+].url": "urn:a", "extension[0].valueCode": "b"},
            [],
            {"extension": [{"url": "urn:a", "valueCode": "b"}]},
        ),
        ({}, ["name[0].given[0]"], {"name": [{"family": "Essai", "given": ["Lou"]}]}),
        ({}, ["contact[0].name.text"], {"contact": None}),
        ({"gender": None}, ["gender"], {"gender": None}),
    ],
)
def test_examples(changes: dict[str, Any], remove: list[str], expected: dict[str, Any]) -> None:
    changed = apply(PATIENT, changes, remove)
    assert {key: changed.get(key) for key in expected} == expected


def test_what_a_removal_empties_goes_too() -> None:
    assert "contact" not in apply(PATIENT, {}, ["contact[0].name.text"])


@pytest.mark.parametrize(
    ("changes", "remove", "message"),
    [
        ({"name.family": "x"}, [], r'"family" is asked of a list of 1 \(say which item'),
        ({"name[5]": "x"}, [], "would leave a gap"),
        ({"gender[0]": "x"}, [], r"\[0\] is asked of the value 'female'"),
        ({"gender.x": "x"}, [], '"x" is asked of the value'),
        ({"name[0][0]": "x"}, [], "asked of an object"),
        ({"a..b": "x"}, [], "not a path"),
        ({"a[-1]": "x"}, [], "not a path"),
        ({}, ["gendre"], 'cannot remove gendre: .* did you mean "gender"'),
        ({}, ["name[+]"], '"\\+" is not there'),
        ({}, ["name[1]"], "not there in a list of 1"),
    ],
)
def test_refusals(changes: dict[str, Any], remove: list[str], message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        apply(PATIENT, changes, remove)
