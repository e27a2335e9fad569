"""Which tests run."""

import re

import pytest

from harness.engine.planner import Selection, cases, plan
from harness.errors import UsageError

TESTS = """
tags: [whole]
tests:
  - {id: first, TITLE, tags: [slow], steps: [{capabilities: , expect: {status: 200}}]}
  - {id: second, TITLE, each: [{n: 1}, {n: 2}], steps: [{capabilities: , expect: {status: 200}}]}
  - {id: third, TITLE, depends: second, steps: [{capabilities: , expect: {status: 200}}]}
  - {id: fourth, TITLE, control: third, tags: [negative], steps: [{capabilities: , expect: {status: 400}}]}
"""


def ids(planned):
    return [case.id for case in planned]


def test_rows_are_tests_of_their_own(load):
    assert ids(cases(load(TESTS))) == ["first", "second[0]", "second[1]", "third", "fourth"]
    assert [case.row for case in cases(load(TESTS))][1:3] == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (None, ["first", "second[0]", "second[1]", "third", "fourth"]),
        (Selection(), ["first", "second[0]", "second[1]", "third", "fourth"]),
        (Selection(tests=["first"]), ["first"]),
        (Selection(tests=["tiny/first"]), ["first"]),
        (Selection(tests=["other/first"]), []),
        (Selection(tests=["second"]), ["second[0]", "second[1]"]),
        (Selection(tests=["second[1]"]), ["second[1]"]),
        (Selection(tests=["fourth"]), ["second[0]", "second[1]", "third", "fourth"]),
        (Selection(tags=["slow"]), ["first"]),
        (Selection(tags=["whole"], tests=["first"]), ["first"]),
        (Selection(tags=["negative"], tests=["first"]), []),
    ],
)
def test_a_selection_brings_what_it_needs_in_file_order(load, selection, expected):
    assert ids(plan(load(TESTS), selection)) == expected


def test_every_test_that_is_named_must_be_there(load):
    test_set = load(TESTS)
    Selection(tests=["first", "tiny/second", "second[1]", "tiny/second[0]"]).check([test_set])
    for name in ("frist", "other/first", "second[2]", ""):
        with pytest.raises(UsageError, match=re.escape(f'is called "{name}"')):
            Selection(tests=["first", name]).check([test_set])


def test_a_tag_that_no_test_has_is_told(load):
    test_set = load(TESTS)
    Selection(tags=["slow", "slwo"]).check([test_set])
    told = list(Selection(tags=["slow", "slwo", "zzz"]).strangers([test_set]))
    assert len(told) == 2
    assert 'has the tag "slwo"; did you mean "slow"' in told[0]
    assert re.search(r"known are .*slow, whole", told[1])
