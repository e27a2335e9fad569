"""Our own cases, each with the answer of HL7's validator (tests/benchmarks/reference makes and compares more)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import Definitions, Validator

FOLDER = Path(__file__).parent / "cases"
FILES = sorted(file for file in FOLDER.glob("*.json") if file.stem != "held")


def _place(expression: object) -> str:
    """An element's path without indexes, casts, comments and slice names."""
    text = re.sub(r"\.ofType\([^)]*\)|\[[^\]]*\]|/\*.*?\*/", "", str(expression or ""))
    return re.sub(r":[\w-]+(?=\.|$)", "", text)


def _cases(file: Path) -> Iterator[tuple[dict[str, Any], Validator]]:
    """Each case with a validator that knows its supporting definitions."""
    content = json.loads(file.read_text(encoding="utf-8"))
    base = Definitions.embedded()
    validators: dict[tuple[int, ...], Validator] = {}
    for case in content["cases"]:
        key = tuple(case["supporting"])
        if key not in validators:
            definitions = base.copy()
            for number in key:
                definitions.add(content["supporting"][number])
            validators[key] = Validator(definitions)
        yield case, validators[key]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_verdict_is_the_reference_s_and_one_place_at_least(file: Path) -> None:
    differing = []
    for case, validator in _cases(file):
        outcome = validator.validate(case["resource"], profiles=case["profiles"])
        wanted = {_place(issue["expression"]) for issue in case["expected"]["issues"]}
        found = {_place(issue.expression) for issue in outcome.errors}
        if outcome.ok != case["expected"]["valid"] or (wanted and not wanted & found):
            differing.append((case["id"], wanted, found))
    assert not differing


def test_where_the_reference_is_wrong_the_specification_decides(capsys: pytest.CaptureFixture[str]) -> None:
    held = list(_cases(FOLDER / "held.json"))
    with capsys.disabled():
        print("\nthe reference validator is not followed:")
        for case, _ in held:
            print(f"  {case['id'].removeprefix('held-')}: {case['held']}")
    for case, validator in held:
        outcome = validator.validate(case["resource"], profiles=case["profiles"])
        assert outcome.ok is not case["expected"]["valid"], case["id"]
