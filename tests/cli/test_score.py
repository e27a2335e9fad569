"""The score: what counts as detected, and that it depends neither on the order of tests nor on their number at once."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main
from harness.cli.score import FILE, merged
from harness.cli.scoring import HEALTHY, Score, Stage, Trial, score
from harness.sandbox.defects import DEFECTS
from harness.suite.catalogue import Catalogue
from harness.suite.model import Test, TestSet

ROOT = Path(__file__).parents[2]
SETS = ("fhir-versions", "fhir-conditional", "cisis-agenda-schedules", "mes-measures-search-rules")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load(ROOT / "testsets", ROOT / "fixtures")


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage(ROOT / "testsets", ROOT / "fixtures")


def verifying(catalogue: Catalogue, rule: str) -> str:
    """One test that verifies ``rule``."""
    return next(f"{one.id}/{test.id}" for one in catalogue.test_sets for test in one.tests if rule in test.verifies)


def scored(catalogue: Catalogue, defect: str, verdict: str, before: str = "pass", test: str = "") -> Score:
    """The score of one defect whose test came to ``verdict``, and to ``before`` on the healthy sandbox."""
    name = test or verifying(catalogue, DEFECTS[defect].requirement)
    trials = {
        HEALTHY: Trial(HEALTHY, {name: before}, {f"{name}#0.status.1": before}),
        defect: Trial(defect, {name: verdict}, {f"{name}#0.status.1": verdict}),
    }
    return score(trials, catalogue)


def test_a_failure_of_an_own_test_detects(catalogue: Catalogue) -> None:
    found = scored(catalogue, "create-answers-200", "fail")
    assert found.missed == []
    assert found.share == 1
    assert found.kinds == {"status": (1, 1)}
    assert found.idle == ()


@pytest.mark.parametrize("verdict", ["pass", "error", "undecided", "skip"])
def test_anything_else_detects_nothing(catalogue: Catalogue, verdict: str) -> None:
    found = scored(catalogue, "create-answers-200", verdict)
    assert found.missed == ["create-answers-200"]
    assert found.share == 0


def test_a_warning_detects_too(catalogue: Catalogue) -> None:
    assert scored(catalogue, "strong-etag", "warn").missed == []


def test_what_failed_before_detects_nothing(catalogue: Catalogue) -> None:
    assert scored(catalogue, "create-answers-200", "fail", before="fail").missed == ["create-answers-200"]


def test_a_test_of_another_requirement_detects_nothing(catalogue: Catalogue) -> None:
    other = verifying(catalogue, "GAP-SLOT-003")
    assert scored(catalogue, "create-answers-200", "fail", test=other).missed == ["create-answers-200"]


def test_what_was_tried_is_merged_into_the_kept_score(catalogue: Catalogue) -> None:
    kept = {
        "defects": {"no-such-defect": {}, "strong-etag": {"requirement": "FHIR-REST-009", "detected-by": ["a/b"]}},
        "checks": {"status": {"all": 9, "decisive": 4}, "gone": {"all": 1, "decisive": 1}},
    }
    now = merged(kept, scored(catalogue, "create-answers-200", "fail"))
    assert sorted(now["defects"]) == ["create-answers-200", "strong-etag"]
    assert now["defects"]["strong-etag"]["detected-by"] == ["a/b"]
    assert now["checks"] == {"status": {"all": 1, "decisive": 4}}


KEPT = ROOT / "testsets" / FILE
needs_kept = pytest.mark.skipif(not KEPT.exists(), reason="no score is kept yet: fhir-harness testsets score --update")


@needs_kept
def test_the_kept_score_is_whole_and_good_enough() -> None:
    kept = json.loads(KEPT.read_text("utf-8"))["defects"]
    assert sorted(kept) == sorted(DEFECTS)
    assert {name: one["requirement"] for name, one in kept.items()} == {
        name: defect.requirement for name, defect in DEFECTS.items()
    }
    detected = [name for name, one in kept.items() if one["detected-by"]]
    assert len(detected) / len(kept) >= 0.98


@needs_kept
def test_what_is_kept_names_tests_that_verify(catalogue: Catalogue) -> None:
    kept = json.loads(KEPT.read_text("utf-8"))["defects"]
    tests = {f"{one.id}/{test.id}": test.verifies for one in catalogue.test_sets for test in one.tests}
    for name, one in kept.items():
        for test in one["detected-by"]:
            assert one["requirement"] in tests[test], name


def only(sets: Sequence[TestSet]) -> list[TestSet]:
    return [one for one in sets if one.id in SETS]


def shuffled(sets: Sequence[TestSet]) -> list[TestSet]:
    """The sets, and the tests of each, in another order; a control still comes before the tests that it is for."""
    order = random.Random(7)
    found = [replace(one, tests=tuple(_drawn(list(one.tests), order))) for one in only(sets)]
    order.shuffle(found)
    return found


def _drawn(tests: list[Test], order: random.Random) -> list[Test]:
    drawn: list[Test] = []
    while tests:
        done = {test.id for test in drawn}
        ready = [test for test in tests if {*test.depends, *([test.control] if test.control else ())} <= done]
        drawn.append(order.choice(ready))
        tests.remove(drawn[-1])
    return drawn


def test_neither_order_nor_number_at_once_matters(stage: Stage) -> None:
    once = stage.trial(HEALTHY, arrange=only)
    together = stage.trial(HEALTHY, jobs=8, arrange=only)
    reordered = stage.trial(HEALTHY, jobs=2, arrange=shuffled)
    assert set(once.tests.values()) == {"pass"}
    assert once.crashes == 0
    assert together == once
    assert reordered == once


def test_a_defect_is_detected_for_real(stage: Stage, catalogue: Catalogue) -> None:
    names = ("if-match-ignored", "open-periods")
    trials = {HEALTHY: stage.trial(HEALTHY, arrange=only), **{name: stage.trial(name) for name in names}}
    assert score(trials, catalogue).missed == []


@pytest.mark.parametrize("arguments", [["--shard", "3/2"], ["--shard", "x"], ["--shard", "0/2"]])
def test_wrong_usage_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["testsets", "score", *arguments])
    assert ended.value.code == 2
    assert "--shard" in capsys.readouterr().err
