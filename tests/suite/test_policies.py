"""The choices that specifications leave open: every ambiguity is one, or is settled with its reason."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.suite.catalogue import Catalogue
from harness.suite.expressions import references
from harness.suite.policies import policies
from harness.suite.requirements import load_requirements

ROOT = Path(__file__).parents[2]
SHIPPED = load_requirements(ROOT / "testsets" / "requirements").ambiguities
KNOWN = policies()
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))


def test_every_ambiguity_is_a_choice_or_settled() -> None:
    chosen = {rule.ambiguity for rule in KNOWN.by_name.values()}
    assert chosen | set(KNOWN.settled) == set(SHIPPED)
    assert chosen & set(KNOWN.settled) == set()
    assert all(len(reason) > 30 for reason in KNOWN.settled.values())


@pytest.mark.parametrize("name", KNOWN.by_name)
def test_each_choice_is_told_whole(name: str) -> None:
    rule = KNOWN.by_name[name]
    assert rule.fault(rule.default) == ""
    assert all(rule.title[language].strip() for language in ("en", "fr"))
    assert rule.title["en"] != rule.title["fr"]
    assert rule.changes.strip()
    assert bool(rule.values) + bool(rule.pattern) + (rule.high is not None) == 1
    assert all(rule.fault(one.value) == "" and one.says["en"] != one.says["fr"] for one in rule.values)
    assert len({frozenset(one.means) for one in rule.values} or {1}) == 1


def test_each_choice_changes_what_a_test_sends_or_demands() -> None:
    catalogue = Catalogue.load(ROOT / "testsets", ROOT / "fixtures")
    used = {"id-token-header"}  # of requests, by the candidate file itself
    for test_set in catalogue.test_sets:
        for test in test_set.tests:
            used |= {need.partition("(")[2].partition("=")[0] for need in test.needs if need.startswith("policy(")}
            written = [part for step in test.steps for part in _written(step)]
            named = references([test_set.variables, list(test.each), written])
            used |= {str(one.path[2]) for one in named if one.path[1:2] in (("policy",), ("means",))}
    assert used == set(KNOWN.by_name)


def _written(step: Any) -> list[Any]:
    expected = [expectation.value for expectation in step.expect]
    return [step.target, step.set, step.params, list(step.params), step.headers, *expected]


def test_what_is_not_chosen_has_its_default() -> None:
    effective = KNOWN.effective({"offset-unit": "row", "x-own": [1]})
    assert (effective["offset-unit"], effective["x-own"], effective["forbidden-patch"]) == ("row", [1], "any")
    assert list(effective) == [*KNOWN.by_name, "x-own"]
    means = KNOWN.meanings(effective)
    assert means["offset-unit"] == {"second-page-of-two": 2}
    assert means["forbidden-patch"] == {"status": [405, 422]}
    assert "dotted-include" not in means


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"ofset-unit": "row"}, 'there is no policy of this name; did you mean "offset-unit"?'),
        ({"zzz": 1}, "there is no policy of this name; known are profile-family, "),
        ({"offset-unit": "rows"}, 'must be one of page, row, found rows; did you mean "row"?'),
        ({"effective-period": 0}, "must be one of false, true, found 0"),
        ({"forbidden-patch": "405"}, "must be one of any, 405, 422, found 405"),
        ({"device-oid": "1.2.3"}, "must match ^urn:oid:"),
        ({"id-token-header": "a b"}, "must match "),
        ({"bmi-tolerance": 2}, "must be a number from 0 to 1, found 2"),
        ({"bmi-tolerance": True}, "must be a number from 0 to 1, found true"),
    ],
)
def test_what_cannot_be_chosen_is_told(chosen: dict[str, Any], message: str) -> None:
    (fault,) = KNOWN.faults(chosen).values()
    assert fault.startswith(message)


@given(st.sampled_from([*KNOWN.by_name, "x-own", "unknown"]), VALUES)
def test_the_schema_for_editors_accepts_what_the_loader_accepts(name: str, value: Any) -> None:
    valid = jsonschema.Draft202012Validator(KNOWN.schema()).is_valid({name: value})
    assert valid == (KNOWN.faults({name: value}) == {})
