"""The rules of single resource types never fail on what is badly formed; what they find is in tests/agreement."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Definitions, Validator
from harness.validation.resource_rules.questionnaire_answers import agrees
from harness.validation.resource_rules.registry import RULES

CASES = Path(__file__).parents[1] / "agreement" / "cases"
JUNK = (None, True, 7, 1.5, "", "#", "|", "x" * 40, [], {}, [None], [[]], {"a": None}, [{"a": 1}, 3])
Json = dict[str, Any]


@cache
def cases() -> tuple[tuple[Json, tuple[Json, ...]], ...]:
    """Each resource that a rule is about, with the definitions beside it."""
    found = []
    for name in ("terminology", "questionnaires", "definitions", "artifacts"):
        content = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
        for case in content["cases"]:
            if case["resource"].get("resourceType") in RULES:
                found.append((case["resource"], tuple(content["supporting"][n] for n in case["supporting"])))
    return tuple(found)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value below ``value``."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, child in inside for p in ((*path, key), *places(child, (*path, key)))]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_junk_anywhere_is_no_failure(data: st.DataObject) -> None:
    resource, supporting = data.draw(st.sampled_from(cases()))
    broken = copy.deepcopy(resource)
    for _ in range(data.draw(st.integers(1, 3))):
        paths = [path for path in places(broken) if path != ("resourceType",)]
        if not paths:
            break
        *above, last = data.draw(st.sampled_from(paths))
        holder: Any = broken
        for key in above:
            holder = holder[key]
        holder[last] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
    definitions = Definitions.embedded()
    for one in supporting:
        definitions.add(one)
    outcome = Validator(definitions).validate(broken)
    assert all(issue.message and issue.text("fr") for issue in outcome.issues)


def test_every_type_with_rules_has_a_case() -> None:
    assert {resource["resourceType"] for resource, _ in cases()} == set(RULES)


@pytest.mark.parametrize(
    ("operator", "wanted", "given_values", "expected"),
    [
        ("exists", {"answerBoolean": True}, [1], True),
        ("exists", {"answerBoolean": False}, [1], False),
        ("=", {"answerInteger": 1}, [2, 1], True),
        ("=", {"answerInteger": 1}, [], False),
        ("!=", {"answerString": "a"}, ["b"], True),
        (">", {"answerDecimal": 1.5}, [2], True),
        ("<=", {"answerDate": "2024-05-01"}, ["2024-05-01"], True),
        ("<", {"answerDate": "2024"}, ["2024-05-01"], None),
        (">=", {"answerQuantity": {"value": 3, "code": "kg"}}, [{"value": 3, "code": "kg"}], True),
    ],
)
def test_when_an_item_is_enabled(operator: str, wanted: Json, given_values: list[Any], expected: bool | None) -> None:
    assert agrees({"question": "q", "operator": operator, **wanted}, given_values) is expected
