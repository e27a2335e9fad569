"""What of an answer's body is JSON as FHIR has it, and what parsers only let pass."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.content import DEPTH, NotJSON, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES, st.booleans())
def test_what_json_writes_is_read(value, ascii_only):
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")) == value


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [DEPTH + 1, 100_000])
def test_what_is_nested_too_deeply_is_refused(opening, depth):
    closing = "]" if opening == "[" else "}"
    with pytest.raises(NotJSON, match=f"more than {DEPTH} levels"):
        parse((opening * depth + "1" + closing * depth).encode())
    assert parse((opening * DEPTH + "1" + closing * DEPTH).encode())


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a": 1, "a": 1}', '"a" stands twice'),
        (b'{"b": {"a": 1, "c": 2, "a": 3}}', '"a" stands twice'),
        (b'{"a": NaN}', "NaN is no JSON value"),
        (b'{"a": -Infinity}', "-Infinity is no JSON value"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": "\0"}', "not JSON"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"\\udc00\\ud800": 1}', "lone surrogate"),
        (b"9" * 5_000, "not JSON"),
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
    ],
)
def test_what_is_not_json_is_refused_with_the_reason(body, why):
    with pytest.raises(NotJSON, match=why):
        parse(body)
