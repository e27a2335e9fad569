"""YAML and JSON as they are written: types, places, refusals, and no crash on any bytes."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.suite.problem import InvalidFile
from harness.suite.source import MAX_DEPTH, read_json, read_yaml


def _read(text: str) -> Any:
    return read_yaml(text.encode(), "a.yaml").value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("False", "False"),
        ("null", None),
        ("~", None),
        ("", None),
        ("'null'", "null"),
        ("2026-01-31", "2026-01-31"),
        ("12:30:45", "12:30:45"),
        ("1.0.0", "1.0.0"),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("+1", "+1"),
        (".inf", ".inf"),
        ("71", 71),
        ("-0", 0),
        ("71.50", Decimal("71.50")),
        ("1e3", Decimal("1e3")),
        ("'71.50'", "71.50"),
        ("|-\n  71", "71"),
        ("[1, a: b]", [1, {"a": "b"}]),
    ],
)
def test_scalars_mean_what_they_say(written: str, value: object) -> None:
    read = _read(f"key: {written}")["key"]
    assert read == value
    assert type(read) is type(value)
    assert str(read) == str(value)


def test_keys_are_text() -> None:
    assert _read("{201: a, null: b, true: c, 1.50: d}") == {"201": "a", "null": "b", "true": "c", "1.50": "d"}


def test_places_of_keys_and_values() -> None:
    document = read_yaml(b"\xef\xbb\xbfa: 1\nb:\n  - c: x\n    d:   y\n", "f.yaml")
    assert str(document.at(("b", 0, "d"))) == "f.yaml:4:10"
    assert str(document.at(("b", 0, "d"), key=True)) == "f.yaml:4:5"
    assert str(document.at(("b", 0))) == "f.yaml:3:5"
    assert str(document.at(("b", 7, "x"))) == "f.yaml:2:1"
    assert str(document.at(())) == "f.yaml:1:1"


def test_anchors_stand_for_what_they_mark() -> None:
    assert _read("a: &x {n: [1]}\nb: *x\nc: [*x, *x]") == {"a": {"n": [1]}, "b": {"n": [1]}, "c": [{"n": [1]}] * 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", r'a.yaml:3:1: the key "a" stands here a second time, first in line 1'),
        ("a: 1\n1: 2\n'1': 3", 'a.yaml:3:1: the key "1" stands here a second time'),
        ("a: *x", r"a.yaml:1:4: the alias \*x has no anchor before it"),
        ("a: &x [*x]", r"the alias \*x holds itself"),
        ("a: !!python/object:os.system x", r"a.yaml:1:4: tags .* are not allowed"),
        ("a: !!str 5", "tags"),
        ("<<: {a: 1}", "merge keys"),
        ("? [a]\n: b", "a key must be a word"),
        ("a: 1\n---\nb: 2", "a.yaml:2:1: the file holds a second document"),
        ("a: [1", "a.yaml:2:1: not YAML"),
        ("a: {b: ${x.y}, c: 1}", r'put quotes around \$\{…\}: "\$\{…\}"'),
        ("a:\tb: c", "not YAML"),
        ("a: \x07", "a.yaml:1:1: not YAML: .*control characters"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"more than {MAX_DEPTH} levels"),
    ],
)
def test_refusals_have_a_place(text: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        _read(text)


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InvalidFile, match=r"line \d: more than 200000 values"):
        _read("\n".join(lines))


def test_bytes_that_are_not_utf_8_have_a_place() -> None:
    with pytest.raises(InvalidFile, match=r"^a.yaml:2:4: the file is not UTF-8"):
        read_yaml(b"a: 1\nb: \xff", "a.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a": 1, "a": 2}', 'the key "a" stands twice'),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": 1,\n}', r"a.json:2:1: not JSON|a.json:1:8: not JSON"),
        (b'{"a": 1e99999999}', "is too long"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "not JSON"),
    ],
)
def test_json_refusals(text: bytes, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        read_json(text, "a.json")


def test_json_keeps_decimals() -> None:
    assert str(read_json(b'{"a": 71.50}', "a.json")["a"]) == "71.50"


MARKS = ["- ", "\n", "  ", "[", "]", "{", "}", ",", "&x ", "*x", "!t ", "'", '"', "? ", ": ", "#", ">\n", "---\n", "<<"]
TOKENS = [*MARKS, "a", "b: ", "${x}", "\x00", "1.5", "é"]
yamlish = st.lists(st.sampled_from([token.encode() for token in TOKENS] + [b"\xff"]), max_size=30).map(b"".join)


@given(st.binary(max_size=60) | yamlish)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (read_yaml, read_json):
        try:
            read(data, "f")
        except HarnessError as problem:
            assert str(problem).startswith("f:")
