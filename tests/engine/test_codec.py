"""Events survive the journal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.codec import decode, dumps, encode, pieces
from harness.engine.events import CheckResult, Finding, RunFinished, SetFinished, StepFinished
from harness.engine.exchange import Exchange, Request, Response
from harness.engine.verdict import Verdict
from harness.errors import JournalError

TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
VERDICTS = st.sampled_from(list(Verdict))
HEADERS = st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple)
REQUESTS = st.builds(Request, TEXTS, TEXTS, HEADERS, st.binary(max_size=20))
RESPONSES = st.builds(Response, st.integers(100, 599), HEADERS, st.binary(max_size=20))
EXCHANGES = st.builds(
    Exchange, REQUESTS, TEXTS, st.floats(0, 100), st.none() | RESPONSES, st.none() | TEXTS, st.none() | TEXTS
)
FINDINGS = st.builds(Finding, TEXTS, VERDICTS, TEXTS, requirements=st.lists(TEXTS, max_size=2).map(tuple))
CHECKS = st.builds(CheckResult, TEXTS, VERDICTS, st.lists(FINDINGS, max_size=2).map(tuple))
STEPS = st.builds(
    StepFinished,
    TEXTS,
    TEXTS,
    st.sampled_from(["setup", "test", "cleanup"]),
    st.integers(-1, 9),
    TEXTS,
    TEXTS,
    st.lists(EXCHANGES, max_size=2).map(tuple),
    st.lists(CHECKS, max_size=2).map(tuple),
)


def through_json(value):
    return json.loads(json.dumps(encode(value)))


@given(STEPS)
def test_a_step_comes_back_as_it_was(step):
    assert decode(StepFinished, through_json(step)) == step


@given(STEPS, st.sampled_from([(), (Exchange,), (Exchange, CheckResult)]))
def test_the_pieces_together_are_the_whole(step, whole):
    assert b"".join(pieces([step, {"none": {}, "nothing": [], "value": None}], whole)) + b"\n" == dumps(
        [encode(step), {"none": {}, "nothing": [], "value": None}], indent=True
    )


@given(st.lists(EXCHANGES, max_size=2))
def test_an_iterator_is_a_list(exchanges):
    assert b"".join(pieces({"all": iter(exchanges)}, ())) == b"".join(pieces({"all": exchanges}, ()))


@given(st.binary(max_size=20) | TEXTS.map(str.encode))
def test_bytes_take_at_most_twice_their_length(value):
    assert len(dumps(encode(value))) <= 2 * len(value) + 20
    assert decode(bytes, through_json(value)) == value


@pytest.mark.parametrize(
    "event",
    [
        SetFinished("set", None, ("Patient/1",)),
        RunFinished("2026", None, {}),
        RunFinished("", Verdict.PASS, {"pass": 1}),
    ],
)
def test_what_was_none_is_none_again(event):
    assert decode(type(event), through_json(event)) == event


@pytest.mark.parametrize("data", [{}, {"test_set": 1}, {"test_set": "x", "verdict": "great"}, [], None])
def test_another_shape_is_refused(data):
    with pytest.raises(JournalError):
        decode(SetFinished, data)
