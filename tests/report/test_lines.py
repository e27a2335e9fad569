"""Each line of a printed body knows its element, so that a finding can stand next to it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.inert import pretty_body
from harness.report.lines import Line, changed, cut, located, place, positions, shown
from harness.report.xml_layout import DEEPEST, NAMESPACE

PATIENT = {
    "resourceType": "Patient",
    "name": [{"family": "TEST", "given": ["ANNE", "MARIE"]}],
    "deceasedBoolean": False,
    "contact": [{"name": {"family": "{"}}, {"telecom": [{"value": "]"}]}],
}


def _lines(value: Any) -> list[Line]:
    return located(pretty_body(json.dumps(value).encode()))


_text = st.text('abé"\\{}[]:, ', max_size=6)


def _values(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    inner = st.recursive(
        st.none() | st.booleans() | st.integers(-1000, 1000) | text,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
        max_leaves=12,
    )
    return st.dictionaries(text, inner, min_size=1)


@given(_values(_text))
def test_every_line_shows_the_value_of_its_path(value: dict[str, Any]) -> None:
    for line in _lines(value):
        assert line.path is not None
        here: Any = value
        for segment in line.path:
            here = here[segment]
        shown_value = line.text.removesuffix(",")
        if isinstance(here, dict | list) and here:
            assert shown_value.endswith(("{", "[", "}", "]"))
        else:
            assert shown_value.endswith(json.dumps(here, ensure_ascii=False))


@given(_values(st.text(max_size=6)))
def test_any_member_has_lines(value: dict[str, Any]) -> None:
    assert "\n".join(line.text for line in _lines(value)) == pretty_body(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("Patient.name[0].family", '"family": "TEST",'),
        ("Patient.name.family", '"family": "TEST",'),
        ("Patient.name[0].given[1]", '"MARIE"'),
        ("Patient.name[0].prefix", "{"),
        ("Patient.birthDate", "{"),
        ("Patient.deceased", '"deceasedBoolean": false,'),
        ("Patient.deceased.ofType(boolean)", '"deceasedBoolean": false,'),
        ("Patient.contact[1].telecom[0].value", '"value": "]"'),
        ("Patient.contact[7]", '"contact": ['),
        ("name.given.first()", '"given": ['),
    ],
)
def test_a_finding_is_placed_at_its_element_or_around_it(expression: str, text: str) -> None:
    lines = _lines(PATIENT)
    at = place(positions(lines), expression)
    assert at is not None
    assert lines[at].text.strip() == text


@pytest.mark.parametrize("body", [b"<html>", b"", b"[1", b'"x"'])
def test_what_is_no_resource_has_no_place(body: bytes) -> None:
    assert place(positions(located(pretty_body(body))), "Patient.name") is None


def test_lines_that_differ_from_what_was_sent_are_told() -> None:
    sent = _lines(PATIENT)
    answered = _lines({**PATIENT, "id": "1", "name": [{"family": "TEST", "given": ["ANNE", "LOUISE"]}]})
    assert [answered[at].text.strip() for at in sorted(changed(answered, sent))] == ['"LOUISE"', '"id": "1"']
    assert [sent[at].text.strip() for at in sorted(changed(sent, answered))] == ['"MARIE"']


def test_an_answer_of_another_type_is_not_compared() -> None:
    outcome = _lines({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]})
    bundle = _lines({"resourceType": "Bundle", "type": "transaction"})
    assert changed(outcome, _lines(PATIENT)) == set()
    assert changed(bundle, _lines({"resourceType": "Bundle", "type": "transaction-response"})) == set()


@given(st.lists(st.text(max_size=30), min_size=1, max_size=40), st.data(), st.integers(0, 400))
def test_what_is_marked_is_always_shown_and_the_rest_within_the_limit(
    texts: list[str], data: st.DataObject, limit: int
) -> None:
    marked = data.draw(st.sets(st.integers(0, len(texts) - 1), max_size=3))
    kept = shown([Line(text) for text in texts], marked, limit)
    assert marked <= set(kept)
    assert kept == sorted(set(kept))
    assert sum(len(texts[at]) + 1 for at in kept if at not in marked) <= limit


def test_lines_near_a_mark_come_first() -> None:
    assert shown([Line("12345")] * 100, {50}, 30) == [48, 49, 50, 51, 52]
    assert shown([Line("12345")] * 100, (), 30) == [0, 1, 2, 3, 4]


def test_a_long_line_is_cut_and_says_by_how_much() -> None:
    assert cut("x" * 10, 4) == "xxxx… (+6)"
    assert cut("x" * 4, 4) == "xxxx"


@pytest.mark.parametrize(
    "text", ["[\n" * 200_000, "{\n" + '"a": [\n' * 60_000, f'<a xmlns="{NAMESPACE}">\n' + "<a\n" * 100_000]
)
def test_what_is_nested_without_end_takes_no_more_memory_than_its_lines(text: str) -> None:
    lines = located(text)
    assert len(lines) == text.count("\n") + 1
    assert max(len(line.path or ()) for line in lines) <= 2 * DEEPEST
